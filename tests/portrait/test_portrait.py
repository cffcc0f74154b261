"""Portraits: reach and path length by hand, against what the models' files state, and as text."""

from __future__ import annotations

import json
from functools import cache

import pytest

from hwcost.errors import ModelError
from hwcost.matching.formula import evaluated
from hwcost.matching.statement import statement
from hwcost.models import card, model_names
from hwcost.portrait import Along, PathLength, Portrait, portrait
from hwcost.portrait.looks import growth, look
from hwcost.portrait.maker import LONGER, SHORT, Maker, time_inputs
from hwcost.render.model_card import model_json, model_text

SMALL = {
    "tcn": {"levels": "3", "hidden_size": "8", "input_size": "8"},
    "wavenet": {"stacks": "2", "levels": "3"},
    "hierarchical_attention": {"window": "3", "levels": "2"},
    "lstm": {"num_layers": "3"},
}


@cache
def of(name: str, seq_len: int | None = None) -> Portrait:
    return portrait(name, seq_len=seq_len, settings=SMALL.get(name))


def only(found: Portrait) -> Along:
    (along,) = found.along
    return along


def test_a_recurrent_stack_takes_a_step_per_time_step_and_layer() -> None:
    found = of("lstm", 50)
    along = only(found)
    assert (along.reach, along.ahead, along.growth) == (None, 0, "length")
    # T steps, and two more layers above the first
    assert PathLength(seq_len=50, hops=52) in along.paths
    assert PathLength(seq_len=10_000, hops=10_002) in along.paths
    assert found.step is not None
    assert found.step.last == found.step.mean == 3 * 4 * 512 * (512 + 512)  # layers * 4H(I + H)
    assert found.sequential_depth == 3 * (1 + 50)  # an input product and T steps a layer


def test_attention_is_one_step_and_looks_ahead_unless_it_is_causal() -> None:
    for causal in ("true", "false"):
        found = portrait(
            "transformer_encoder", seq_len=50, settings={"causal": causal, "num_layers": "2", "d_model": "16"}
        )
        along = only(found)
        assert along.reach is None
        assert along.ahead == (0 if causal == "true" else None)
        assert {path.hops for path in along.paths} == {1}
        assert along.growth == "constant"


def test_dilated_convolutions_reach_what_their_file_states() -> None:
    # 1 + 2 (k - 1)(2^levels - 1) = 1 + 2 * 2 * 7
    assert only(of("tcn", 50)).reach == 29
    assert only(of("tcn", 50)).ahead == 0
    # a first convolution of 2 taps, then 2 stacks of dilations 1, 2, 4: 2 + 2 * 7
    assert only(of("wavenet", 50)).reach == 16
    assert only(portrait("tcn", seq_len=100)).growth == "logarithm"


def test_hierarchical_attention_multiplies_windows() -> None:
    along = only(of("hierarchical_attention", 20))
    assert along.reach == 9  # 3 * 3
    hops = {path.seq_len: path.hops for path in along.paths}
    assert hops[9] == 2
    assert hops[3] == 1


def test_a_window_in_the_middle_looks_ahead() -> None:
    found = portrait(
        "hierarchical_attention", seq_len=40, settings={"window": "3", "levels": "2", "causal": "false"}
    )
    assert only(found).ahead == 1 + 3  # one position to the right, and one three positions apart


def test_translation_sees_along_target_and_source() -> None:
    found = portrait("transformer", seq_len=12, settings={"num_layers": "1", "source_len": "20"})
    target, source = found.along
    assert (target.sequence, target.seq_len, target.ahead) == ("target", 12, 0)
    assert (source.sequence, source.seq_len, source.reach) == ("source", 20, None)
    text = model_text(found)
    assert "target: reach" in text
    assert "source: looks ahead" not in text


def test_a_model_of_one_output_has_no_sight_ahead() -> None:
    found = portrait("han", seq_len=60)
    assert found.is_single
    assert "looks ahead" not in model_text(found)
    assert "from the first input to the output" in model_text(found)


def test_a_model_of_images_says_so() -> None:
    found = portrait("resnet18")
    assert (found.along, found.step, found.seq_len) == ((), None, None)
    assert "It has no time axis" in model_text(found)


STATED = [name for name in model_names() if card(name).scaling.reach]


@pytest.mark.parametrize("name", STATED)
def test_what_a_file_states_of_its_reach_is_what_its_trace_shows(name: str) -> None:
    """At a length beyond the reach of those that are bounded; of state and attention, all there is."""
    chosen = SMALL.get(name, {})
    stated = statement(name, chosen)
    is_word = stated.scaling.reach in ("state", "attention", "source")
    result = None if is_word else evaluated(stated.scaling.reach, stated.values)
    bound = result if isinstance(result, int) else None
    steps = 60 if bound is None else bound + 10
    maker = Maker(name=name, batch=None, settings=chosen)
    entry = time_inputs(maker)[0]
    found = look(maker, entry, maker.trace(steps), maker.trace(SHORT), steps)
    if stated.scaling.reach == "source":
        assert found.back < found.size
    else:
        assert found.back == (steps if bound is None else bound)


@pytest.mark.parametrize(
    ("hops", "expected"),
    [
        ([(100, 101), (1000, 1001)], "length"),
        ([(100, 1), (1000, 1)], "constant"),
        ([(100, 4), (1000, 8)], "logarithm"),
        ([(100, 50), (1000, 500), (10000, 5000)], "length"),
        ([(100, 4)], "unknown"),
        ([], "unknown"),
    ],
)
def test_growth(hops: list[tuple[int, int]], expected: str) -> None:
    assert growth(tuple(PathLength(seq_len=length, hops=count) for length, count in hops)) == expected


def test_published_sizes_stand_beside_ours() -> None:
    found = of("lstm", 50)
    first = found.published[0]
    assert (first.parameters, first.own_parameters) == (8_400_000, 8_404_992)
    assert (first.macs, first.own_macs) == (8_400_000, 8_388_608)  # 4 * 4 * 512 * (512 + 512)
    text = model_text(found)
    assert "8,404,992" in text
    assert "[1] 4xLSTM-512, Shazeer et al. 2017" in text


def test_steps_that_differ_are_told_apart() -> None:
    found = portrait("transformer_encoder", seq_len=10, settings={"num_layers": "1", "d_model": "16"})
    assert found.step is not None
    # projections 4d^2 and the feed-forward network 2 d d_ff per step; attention 2 n^2 d per pass
    fixed = 4 * 16 * 16 + 2 * 16 * 2048
    assert found.macs == 10 * fixed + 2 * 100 * 16
    assert found.step.mean == found.macs / 10
    assert found.step.last == fixed + 2 * (100 - 81) * 16
    assert "on average; the last step adds" in model_text(found)


def test_json_holds_everything() -> None:
    value = json.loads(model_json(of("tcn", 50)))
    assert value["schema"] == "hwcost.model/1"
    assert value["along"][0]["reach"] == 29
    assert value["settings"]["levels"] == "3"
    assert value["defaults"]["levels"] == "4"


def test_text_is_no_wider_than_a_page() -> None:
    for name in ("tcn", "lstm"):
        assert max(map(len, model_text(of(name, 50)).splitlines())) <= 80


def test_a_setting_that_is_none_is_refused() -> None:
    with pytest.raises(ModelError, match="no setting is called"):
        portrait("lstm", settings={"depth": "3"})
    assert LONGER > SHORT
