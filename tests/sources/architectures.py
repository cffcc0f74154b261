"""Architectures of transformers whose ops are all to be known, and the page that says so.

`python -m tests.sources.architectures > docs/coverage.md` makes the page.
"""

from __future__ import annotations

from hwcost.audit.coverage import Coverage, coverage
from hwcost.load import load_trace
from hwcost.render.coverage import share

SHALLOW = ("num_hidden_layers", "n_layer", "num_layers", "encoder_layers", "decoder_layers", "n_layers")
"""Fields that say how deep a model is; two layers have the ops of all."""

TEXT = (
    "albert bart bert big_bird bigbird_pegasus biogpt blenderbot bloom camembert canine codegen convbert ctrl"
    " deberta deberta-v2 distilbert electra ernie falcon fnet gemma gemma2 gpt2 gpt_bigcode gpt_neox"
    " gptj granite layoutlm led llama longformer longt5 m2m_100 mamba mamba2 mbart mistral mixtral mobilebert"
    " mpnet mpt mt5 nystromformer olmo opt pegasus persimmon phi phi3 qwen2 qwen2_moe qwen3 rembert"
    " roberta roformer rwkv squeezebert stablelm starcoder2 t5 xglm xlm xlnet"
)
VISION = (
    "beit bit cvt deit dinov2 focalnet hiera levit mobilenet_v1 mobilenet_v2"
    " mobilevit poolformer pvt regnet resnet segformer swin swinv2 timesformer videomae vit vit_mae vivit"
)
SOUND = (
    "audio-spectrogram-transformer hubert sew speech_to_text unispeech wav2vec2 wav2vec2-conformer wavlm"
    " whisper"
)
BOTH = "align altclip blip clip siglip"

ARCHITECTURES = tuple(f"{TEXT} {VISION} {SOUND} {BOTH}".split())

HEAD = """# Which ops are known

`hwcost coverage MODEL...` says which share of a model's ops a rule knows, by count and by bytes, and
where the others are. Below are {count} architectures of transformers {version}, built from their default
configurations with two layers where the configuration says how many, on one example each; a test holds
them to no assumed op. *By tag* are ops without a rule of their own that torch marks as elementwise: one
operation per element. The command `python -m tests.sources.architectures` prints this page.

| architecture | ops | by rule | by tag | assumed | known, by count | known, by bytes |
|:--|--:|--:|--:|--:|--:|--:|
"""


def shallow(model_type: str) -> dict[str, object]:
    """Settings that leave two layers of a model type."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    config = CONFIG_MAPPING[model_type]()
    deep = [
        key for key in SHALLOW if isinstance(getattr(config, key, None), int) and getattr(config, key) > 2
    ]
    # One name may stand for another (gpt2's num_hidden_layers is n_layer): set each field once.
    fields = dict.fromkeys(config.attribute_map.get(key, key) for key in deep)
    return dict.fromkeys(fields, 2)


def covered(model_type: str) -> Coverage:
    """How the ops of a shallow model of this type are counted."""
    return coverage(load_trace(f"hf:{model_type}", settings=shallow(model_type)))


def row(it: Coverage) -> str:
    """A line of the page's table."""
    calls = it.calls
    by_tag = calls.get("pointwise", 0) + calls.get("view", 0)
    cells = (sum(calls.values()), calls.get("rule", 0), by_tag, calls.get("assumed", 0))
    numbers = " | ".join(f"{cell:,}" for cell in cells)
    return f"| {it.model} | {numbers} | {share(it.known_calls)} | {share(it.known_bytes)} |\n"


def page() -> str:
    """The whole page."""
    import transformers

    head = HEAD.format(count=len(ARCHITECTURES), version=transformers.__version__)
    return head + "".join(row(covered(name)) for name in sorted(ARCHITECTURES))


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
