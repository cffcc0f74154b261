"""Models of transformers by their configuration: what is built, what it is given, and what is refused."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hwcost.errors import HwcostError
from hwcost.graph import Trace, leaves
from hwcost.load import load_subject, load_trace
from hwcost.rules.count import count
from tests.sources.architectures import ARCHITECTURES, covered, row

pytestmark = pytest.mark.filterwarnings("ignore")

TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def macs(trace: Trace) -> int:
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def written(folder: Path, **fields: Any) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(fields))
    return f"hf:{path}"


def test_bert_by_hand() -> None:
    trace = load_trace("hf:bert", seq_len=10, batch=3, settings={**TINY, "vocab_size": 50})
    # per layer and token: q, k, v, out 4 * 32 * 32; feed-forward 2 * 32 * 64; scores and use 2 * 10 * 32
    per_token = 2 * (4 * 32 * 32 + 2 * 32 * 64 + 2 * 10 * 32)
    assert macs(trace) == 3 * 10 * per_token + 3 * 32 * 32  # the pooler sees one token of each sequence
    assert (trace.model, trace.seq_len, trace.batch) == ("bert", 10, 3)
    assert any("input_ids 3x10" in note for note in trace.assumptions)


def test_a_file_a_folder_and_a_type_give_the_same(tmp_path: Path) -> None:
    file = written(tmp_path, model_type="bert", **TINY)
    by_type = load_trace("hf:bert", settings=TINY)
    for name in (file, f"hf:{tmp_path}"):
        assert load_trace(name).items == by_type.items


def test_architectures_name_the_class(tmp_path: Path) -> None:
    plain = load_subject(written(tmp_path, model_type="bert", **TINY))
    headed = load_subject(written(tmp_path, model_type="bert", architectures=["BertForMaskedLM"], **TINY))
    assert type(plain.module).__name__ == "BertModel"
    assert type(headed.module).__name__ == "BertForMaskedLM"
    set_by_word = load_subject("hf:bert", settings={**TINY, "architectures": "BertForMaskedLM"})
    assert type(set_by_word.module).__name__ == "BertForMaskedLM"


def test_weights_stay_on_meta_and_small_buffers_are_known() -> None:
    module = load_subject("hf:llama", settings={"num_hidden_layers": 1}).module
    assert all(parameter.is_meta for parameter in module.parameters())
    (frequencies,) = {
        buffer for name, buffer in module.named_buffers() if name.endswith("rotary_emb.inv_freq")
    }
    assert frequencies[0] == 1.0  # theta^0
    assert frequencies[1] == pytest.approx(10_000 ** (-2 / 128))


@pytest.mark.parametrize(
    ("name", "settings", "shapes"),
    [
        ("gpt2", {"n_layer": 1}, {"input_ids": (2, 128)}),
        ("t5", {"num_layers": 1}, {"input_ids": (2, 128), "decoder_input_ids": (2, 128)}),
        ("vit", {"num_hidden_layers": 1, "image_size": 64}, {"pixel_values": (2, 3, 64, 64)}),
        ("videomae", {"num_hidden_layers": 1}, {"pixel_values": (2, 16, 3, 224, 224)}),
        (
            "whisper",
            {"encoder_layers": 1, "decoder_layers": 1},
            {"input_features": (2, 80, 3000), "decoder_input_ids": (2, 128)},
        ),
        ("wav2vec2", {"num_hidden_layers": 1}, {"input_values": (2, 16_000)}),
        ("audio-spectrogram-transformer", {"num_hidden_layers": 1}, {"input_values": (2, 1024, 128)}),
        (
            "speech_to_text",
            {"encoder_layers": 1},
            {"input_features": (2, 100, 80), "decoder_input_ids": (2, 128)},
        ),
        (
            "clip",
            {"text_config__num_hidden_layers": 1, "vision_config__num_hidden_layers": 1},
            {"input_ids": (2, 77), "pixel_values": (2, 3, 224, 224)},
        ),
    ],
)
def test_inputs_follow_the_configuration(
    name: str, settings: dict[str, object], shapes: dict[str, tuple[int, ...]]
) -> None:
    given = load_subject(f"hf:{name}", batch=2, settings=settings).keywords
    assert {key: tuple(value.shape) for key, value in given.items()} == shapes


def test_ids_mean_nothing_special() -> None:
    (ids,) = load_subject("hf:roberta", settings=TINY).keywords.values()
    assert ids.unique().tolist() == [3]  # 0, 1 and 2 begin, pad and end


def test_routed_experts_count_once_per_token() -> None:
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    few = {**sizes, "num_key_value_heads": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8}
    trace = load_trace("hf:mixtral", seq_len=8, settings=few)
    attention = 4 * 32 * 32 + 2 * 8 * 32
    experts = 2 * 3 * 32 * 64  # two experts of four, three matrices each
    router = 32 * 4
    assert macs(trace) == 8 * (attention + experts + router)


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "settings", "message"),
        [
            ("hf:bret", {}, "transformers knows no model type 'bret'; did you mean 'bert'?"),
            ("hf:no/such/model", {}, "nothing is fetched"),
            ("hf:none.json", {}, "none.json: there is no such file"),
            (
                "hf:bert",
                {"hidden_sze": 3},
                "BertConfig has no field 'hidden_sze'; did you mean 'hidden_size'?",
            ),
            ("hf:bert", {"hidden_size": "abc"}, "the configuration does not fit"),
            ("hf:bert", {"hidden_size": 7}, "BertModel cannot be built: ValueError"),
            ("hf:bert", {"hidden_size__x": 7}, "'hidden_size' holds no fields"),
            ("hf:bert", {"architectures": "os"}, "transformers has no model class 'os'"),
            ("hf:bert", {"architectures": "GPT2Model"}, "GPT2Model is no model of type 'bert'"),
            ("hf:clip", {"text_config__nope": 7}, "CLIPTextConfig has no field 'nope'"),
            ("hf:patchtst", {}, "takes 'past_values', for which no inputs are known"),
        ],
    )
    def test_in_one_line(self, name: str, settings: dict[str, object], message: str) -> None:
        with pytest.raises(HwcostError) as found:
            load_trace(name, settings=settings)
        assert message in str(found.value)
        assert "\n" not in str(found.value)

    def test_more_tokens_than_positions(self) -> None:
        with pytest.raises(HwcostError, match="at most 512 positions, not 513; --seq-len 512"):
            load_trace("hf:bert", seq_len=513, settings=TINY)

    def test_a_length_for_an_image(self) -> None:
        with pytest.raises(HwcostError, match="has no time axis"):
            load_trace("hf:vit", seq_len=5, settings={"num_hidden_layers": 1})

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "is no JSON"),
            ("[" * 100_000, "is no JSON"),
            ("[1]", "holds no JSON object"),
            ('{"hidden_size": 3}', "names no model_type"),
            ('{"model_type": 3}', "names no model_type"),
            ('{"model_type": "bert", "hidden_size": null}', "the configuration does not fit"),
            (" " * (2**24 + 1), "bytes"),
        ],
    )
    def test_broken_files(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(HwcostError, match=message):
            load_trace(f"hf:{tmp_path}")


def test_code_that_a_configuration_brings_along_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "modeling_x.py").write_text("raise SystemExit('was run')")
    (tmp_path / "configuration_x.py").write_text("raise SystemExit('was run')")
    auto_map = {"AutoConfig": "configuration_x.X", "AutoModel": "modeling_x.X"}
    known = load_trace(written(tmp_path, model_type="bert", auto_map=auto_map, **TINY))
    assert "the configuration names code of its own (auto_map), which is never run" in known.assumptions
    with pytest.raises(HwcostError, match="transformers knows no model type 'x'"):
        load_trace(written(tmp_path, model_type="x", auto_map=auto_map))


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_words: object, **_options: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    load_trace(written(tmp_path, model_type="bert", _name_or_path="google/bert", **TINY))
    assert "HF_HUB_OFFLINE" not in os.environ


def test_without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers.utils", None)
    with pytest.raises(HwcostError, match=r"pip install 'hwcost\[transformers\]'"):
        load_trace("hf:bert")


def test_the_random_state_is_the_same_after() -> None:
    before = torch.random.get_rng_state()
    load_subject("hf:bert", settings=TINY)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", ["bert", "gpt2", "vit", "whisper", "mixtral"])
def test_every_op_is_known(name: str) -> None:
    assert covered(name).unknown == ()


@pytest.mark.slow
def test_every_op_of_every_architecture_is_known_and_the_page_says_so() -> None:
    assert len(ARCHITECTURES) >= 40
    found = [covered(name) for name in sorted(ARCHITECTURES)]
    assert {it.model: it.unknown for it in found if it.unknown} == {}
    text = (Path(__file__).parents[2] / "docs" / "coverage.md").read_text()
    missing = [row(it) for it in found if row(it) not in text]
    assert missing == [], "make the page again: python -m tests.sources.architectures > docs/coverage.md"
