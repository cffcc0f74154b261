"""Architectures of transformers, made shallow, train with every op known."""

from __future__ import annotations

import pytest

from hwcost.load import load_trace
from tests.sources.architectures import shallow

from .flops import macs_by_part, works

ARCHITECTURES = (
    "albert bart bert bloom clip deberta distilbert electra falcon gemma2 gpt2 gpt_neox hubert llama mamba"
    " mixtral mobilenet_v2 mpt opt phi3 qwen2_moe resnet segformer swin t5 vit wav2vec2 whisper xlnet"
)


@pytest.mark.parametrize("architecture", ARCHITECTURES.split())
def test_no_op_is_assumed(architecture: str) -> None:
    pytest.importorskip("transformers")
    trace = load_trace(f"hf:{architecture}", settings=shallow(architecture), optimizer="sgd")
    assert not [work.op.name for work, _ in works(trace) if work.is_assumed]
    parts = macs_by_part(trace)
    attention = sum(work.macs * calls for work, calls in works(trace) if work.attention is not None)
    assert 1.4 * parts["forward"] < parts["backward"] <= 2.05 * parts["forward"] + attention
