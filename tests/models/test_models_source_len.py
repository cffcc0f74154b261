"""Models with an encoder and a decoder: a source of another length than the target."""

from __future__ import annotations

import pytest

from hwcost.errors import ModelError
from hwcost.graph import Trace, leaves
from hwcost.load import load_trace
from hwcost.models import build, card, model_names
from hwcost.rules.count import count

NAMES = ("convs2s", "gnmt", "pervasive_attention", "seq2seq_attention", "transformer")


def traced(name: str, seq_len: int, **settings: object) -> Trace:
    return load_trace(name, seq_len=seq_len, settings=settings, use_cache=False)


def macs(name: str, *, source: int, target: int) -> int:
    trace = traced(name, target, source_len=source)
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def hand_macs(name: str, m: int, n: int) -> int:
    """Of a source of m and a target of n, at default widths."""
    if name == "transformer":
        # a layer of the encoder 4 * 512^2 + 2 * 512 * 2048, m^2 scores and sums; of the decoder 6 * 512^2 +
        # 2 * 512 * 2048 per target, 2 * 512^2 per source, n^2 and n * m scores and sums; words 512 * 37,000
        encoder = m * (4 * 512**2 + 2 * 512 * 2048) + 2 * m * m * 512
        decoder = n * (6 * 512**2 + 2 * 512 * 2048) + m * 2 * 512**2 + 2 * (n * n + n * m) * 512
        return 6 * (encoder + decoder) + n * 512 * 37_000
    if name == "convs2s":
        # every weight once per word of its side, but for biases; 15 layers of two products n * m * 768
        weights = dict(build(name, seq_len=n, batch=1, settings={})[0].named_parameters())
        sides = {
            start: sum(w.numel() for key, w in weights.items() if w.dim() > 1 and key.startswith(start))
            for start in ("encoder", "decoder", "scores")
        }
        return m * sides["encoder"] + n * (sides["decoder"] + sides["scores"]) + 15 * 2 * n * m * 768
    if name == "pervasive_attention":
        dense = sum((128 + 32 * layer) * 128 + 128 * 32 * 3 * 5 for layer in range(24))
        return m * n * (256 * 128 + dense + 896 * 448) + n * 448 * 128
    if name == "seq2seq_attention":
        # source: encoder 6000 * 1620, keys 1000 * 2000; target: query 1000^2, cell 3000 * 3620, maxout
        # 1000 * 3620, output 500 * 30,000; a pair: score 1000, context 2000; once: start 1000^2
        return m * 11_720_000 + n * 30_480_000 + n * m * 3_000 + 1_000_000
    # source: 8 of 4096 * 2048, one of 4096 * 3072, key 1024^2; target: 8 of 4096 * 3072, query 1024^2, output
    # 1024 * 32,000; a pair: score 1024, context 1024
    return m * 80_740_352 + n * 134_479_872 + n * m * 2_048


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("source", "target"), [(13, 4), (3, 11)])
def test_macs_by_hand(name: str, source: int, target: int) -> None:
    assert macs(name, source=source, target=target) == hand_macs(name, source, target)


@pytest.mark.parametrize("name", NAMES)
def test_the_time_axis_is_the_targets(name: str) -> None:
    time = 1 if build(name, seq_len=4, batch=1, settings={})[1][0].shape[0] == 1 else 0
    _, inputs = build(name, seq_len=4, batch=1, settings={"source_len": 9})
    assert [tensor.shape[time] for tensor in inputs] == [9, 4]
    assert traced(name, 4, source_len=9).seq_len == 4


@pytest.mark.parametrize("name", NAMES)
def test_zero_is_as_long_as_the_target(name: str) -> None:
    assert card(name).settings["source_len"] == "0"
    assert traced(name, 4).items == traced(name, 4, source_len=4).items


@pytest.mark.parametrize("name", NAMES)
def test_refuses_less_than_nothing(name: str) -> None:
    with pytest.raises(ModelError, match=rf"^{name}: source_len is -1; it must be at least 0$"):
        build(name, seq_len=4, batch=1, settings={"source_len": "-1"})


def test_whoever_takes_two_sequences_has_a_source() -> None:
    assert {name for name in model_names() if "source_len" in card(name).settings} == set(NAMES)
