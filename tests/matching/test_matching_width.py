"""Widths: the nearest to a size is really the nearest, and what is counted is what is traced."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import HwcostError, ModelError, UsageError
from hwcost.graph import leaves
from hwcost.load import load_trace
from hwcost.matching import Target, fitted, target
from hwcost.matching.sizes import macs
from hwcost.matching.statement import statement
from hwcost.models import build, card, model_names
from hwcost.report.fit import Change, Fit, Match, Reach
from hwcost.rules.count import count

WIDTHS = 40
"""How many widths are built one after the other to find the nearest."""


def parameters(name: str, values: Mapping[str, object]) -> int:
    return sum(
        weight.numel() for weight in build(name, seq_len=None, batch=None, settings=values)[0].parameters()
    )


def macs_of_trace(name: str, seq_len: int | None, values: Mapping[str, object]) -> int:
    trace = load_trace(name, seq_len=seq_len, settings=values, use_cache=False)
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def match_of(name: str, size: int, seq_len: int | None = None, quantity="params", **values: object) -> Match:
    _, fit = fitted(name, seq_len=seq_len, settings=values, match=Target(quantity=quantity, size=size))
    assert fit.match is not None
    return fit.match


BY_HAND = {
    # 2 layers of 4 gates of h (h + h + 2)
    "lstm": lambda h: 2 * 4 * h * (2 * h + 2),
    # 8 convolutions of 3 h^2 + h
    "tcn": lambda h: 8 * (3 * h * h + h),
    # 6 layers of 12 d^2 + 13 d, d a multiple of 8
    "transformer_encoder": lambda k: 6 * (12 * (8 * k) ** 2 + 13 * 8 * k),
}
"""Parameters as a formula of the width, or of how many times the heads it is."""

STEP = {"transformer_encoder": 8}


@given(size=st.integers(100, 10**8))
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("name", BY_HAND)
def test_the_nearest_by_formula(name: str, size: int) -> None:
    sizes = {width: BY_HAND[name](width) for width in range(1, 4000)}
    best = min(sizes, key=lambda width: (abs(sizes[width] - size), width))
    if best == 1 and sizes[1] > 1.01 * size:
        with pytest.raises(UsageError, match="cannot have"):
            match_of(name, size)
        return
    found = match_of(name, size)
    assert found.found == sizes[best]
    assert found.changes[0].after == best * STEP.get(name, 1)


@given(size=st.integers(200, 60_000), input_size=st.integers(1, WIDTHS))
@settings(max_examples=15, deadline=None)
def test_a_shortcut_less_is_no_trap(size: int, input_size: int) -> None:
    """Where the width is that of the input, the first block of a tcn needs no 1 x 1 convolution."""
    given_ = {"input_size": input_size, "levels": 2, "kernel_size": 2}
    sizes = {h: parameters("tcn", {**given_, "hidden_size": h}) for h in range(1, WIDTHS + 60)}
    best = min(sizes, key=lambda h: (abs(sizes[h] - size), h))
    if best == 1 and sizes[1] > 1.01 * size:
        with pytest.raises(UsageError, match="cannot have"):
            match_of("tcn", size, **given_)
        return
    found = match_of("tcn", size, **given_)
    assert abs(found.found - size) == abs(sizes[best] - size)
    assert [change.setting for change in found.changes] == ["hidden_size"]


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("share", [0.5, 1.7])
def test_no_neighbour_is_nearer(name: str, share: float) -> None:
    """For every model: its parameters grow with the width, and no width beside the found one is nearer."""
    asked = round(share * (card(name).parameters or 0))
    found = match_of(name, asked)
    scaling = card(name).scaling
    defaults = {key: int(card(name).settings[key]) for key in scaling.width}
    step = int(card(name).settings[scaling.width_multiple_of]) if scaling.width_multiple_of else 1
    after = {change.setting: change.after for change in found.changes}
    first = scaling.width[0]

    def size(width: int) -> int:
        scaled = {key: max(1, int(value * width / defaults[first] + 0.5)) for key, value in defaults.items()}
        return parameters(name, scaled)

    assert found.found == size(after[first])
    below, above = size(after[first] - step), size(after[first] + step)
    assert below <= found.found <= above
    assert abs(found.off) <= min(abs(below / asked - 1), abs(above / asked - 1))


NARROW = {
    **dict.fromkeys(("d_model", "d_ff", "hidden_size", "input_size", "embedding_size", "attention_size"), 8),
    **dict.fromkeys(("maxout_size", "d_embedding", "growth_rate", "residual", "skip", "width"), 4),
    **dict.fromkeys(("num_layers", "heads", "levels", "stacks", "state_size"), 2),
    **dict.fromkeys(("vocabulary", "vocab_size"), 11),
}


@pytest.mark.parametrize("name", model_names())
def test_what_the_search_counts_is_what_a_trace_has(name: str) -> None:
    values = {key: value for key, value in NARROW.items() if key in card(name).settings}
    seq_len = 23 if "seq_len" in card(name).settings else None
    size = macs(statement(name, values, seq_len=seq_len), seq_len=seq_len, batch=None, settings=values)
    assert size(values) == macs_of_trace(name, seq_len, values)


@given(size=st.integers(10**4, 10**7), steps=st.integers(1, 50))
@settings(max_examples=10, deadline=None)
def test_macs_by_formula(size: int, steps: int) -> None:
    # a step of 2 layers: 4 gates of h (h + h)
    sizes = {h: steps * 16 * h * h for h in range(1, 1000)}
    best = min(sizes, key=lambda h: (abs(sizes[h] - size), h))
    assert match_of("lstm", size, seq_len=steps, quantity="macs").found == sizes[best]


def test_by_hand() -> None:
    # 16 * 790 * 791 = 9,998,240; 6 * (12 * 376^2 + 13 * 376) = 10,208,400; 368 would be 2 % short as well
    assert fitted("lstm", match=target("params=10M")) == (
        {"hidden_size": 790, "input_size": 790},
        Fit(
            match=Match(
                quantity="params",
                asked=10_000_000,
                found=9_998_240,
                changes=(
                    Change(setting="hidden_size", before=512, after=790),
                    Change(setting="input_size", before=512, after=790),
                ),
            )
        ),
    )
    assert match_of("transformer_encoder", 10_000_000).found == 10_208_400


def test_the_width_that_it_has_is_no_change() -> None:
    assert match_of("lstm", 4_202_496) == Match(quantity="params", asked=4_202_496, found=4_202_496)


def test_reach_first_then_width() -> None:
    chosen, fit = fitted("tcn", match=target("params=10M"), reach=10_000)
    # 24 convolutions of 3 * 373^2 + 373
    assert chosen == {"levels": 12, "hidden_size": 373, "input_size": 373}
    assert fit.match is not None
    assert fit.match.found == 24 * (3 * 373**2 + 373) == 10_026_240
    assert fit.reach == Reach(
        asked=10_000, how="window", steps=16_381, changes=(Change(setting="levels", before=4, after=12),)
    )


def test_what_is_given_stays() -> None:
    chosen, _ = fitted(
        "transformer_encoder", settings={"d_ff": "1000", "heads": "3"}, match=target("params=1M")
    )
    assert chosen["d_ff"] == "1000"
    assert int(str(chosen["d_model"])) % 3 == 0
    assert parameters("transformer_encoder", chosen) == pytest.approx(1e6, rel=0.05)


def test_a_given_width_of_the_heads_starts_the_search_beside_the_default() -> None:
    # 512 is no multiple of 7
    chosen, _ = fitted("transformer_encoder", settings={"heads": 7}, match=target("params=10M"))
    assert int(str(chosen["d_model"])) % 7 == 0


@pytest.mark.parametrize(
    ("name", "values", "words", "message"),
    [
        (
            "lstm",
            {"hidden_size": "64"},
            "params=1M",
            "lstm: hidden_size is given, and --match scales it; leave out --match, or --set hidden_size",
        ),
        (
            "captioning",
            {},
            "params=10M",
            "captioning: cannot have 10,000,000 parameters: with hidden_size=1 it has 20,846,984; ask for",
        ),
        ("lstm", {}, "params=10", "lstm: cannot have 10 parameters: with hidden_size=1 it has 32; ask for"),
        ("saved.json", {}, "params=1M", "saved.json: a saved trace holds no module"),
        ("lsm", {}, "params=1M", "no ready-made model is called 'lsm'; did you mean lstm?"),
        ("lstm", {"hiden": 3}, "params=1M", "lstm: no setting is called 'hiden'; did you mean hidden_size?"),
        ("nowhere.py:build", {}, "params=1M", "nowhere.py: there is no such file"),
    ],
)
def test_refuses(name: str, values: dict[str, object], words: str, message: str) -> None:
    with pytest.raises(HwcostError) as caught:
        fitted(name, settings=values, match=target(words))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


OWN = """
import torch
from torch import nn

WIDTH = ("hidden", "inner")
WIDTH_MULTIPLE_OF = "heads"
REACH = "1 + depth * (kernel - 1)"
REACH_BY = "depth"

def build(hidden=64, inner=128, heads=4, depth=2, kernel: int = 3, seq_len=50):
    layers = [nn.Conv1d(hidden if layer else 8, hidden, kernel) for layer in range(depth)]
    x = torch.zeros(1, 8, seq_len + depth * (kernel - 1))
    return nn.Sequential(*layers, nn.Conv1d(hidden, inner, 1)), x

class Model(nn.Sequential):
    def __init__(self, hidden=16, inner=4, heads=4):
        super().__init__(nn.Linear(9, hidden), nn.Linear(hidden, inner))
"""


@pytest.fixture
def own(tmp_path) -> str:
    path = tmp_path / "own_models.py"
    path.write_text(OWN)
    return str(path)


def test_a_function_of_the_users_own(own: str) -> None:
    chosen, fit = fitted(f"{own}:build", match=target("params=100k"), reach=9)
    assert chosen == {"depth": 4, "hidden": 92, "inner": 184}
    assert fit.reach == Reach(
        asked=9, how="window", steps=9, changes=(Change(setting="depth", before=2, after=4),)
    )
    # 8 * 92 * 3 + 92, three of 92 * 92 * 3 + 92, and 92 * 184 + 184: 95,864; with 96 it would be 104,256
    assert fit.match is not None
    assert fit.match.found == 2_300 + 3 * 25_484 + 17_112


def test_a_class_of_the_users_own(own: str) -> None:
    # 9 h + h + h i + i, i = h / 4: 64 and 16
    chosen, fit = fitted(f"{own}:Model", match=target("params=1680"))
    assert chosen == {"hidden": 64, "inner": 16}
    assert fit.match is not None
    assert fit.match.found == 1680


@pytest.mark.parametrize(
    ("text", "make", "message"),
    [
        (OWN, "bild", "has no callable 'bild'; did you mean 'build'?"),
        (OWN.replace("hidden=64", "hidden=None"), "build", "its WIDTH or REACH names hidden, which is no"),
        (
            OWN.replace("WIDTH = ", "OTHER = "),
            "build",
            "states no WIDTH, so that --match cannot scale it; write",
        ),
        (
            OWN.replace("heads=4", "heads=0"),
            "build",
            "heads is 0, from which nothing can be scaled; let heads",
        ),
    ],
)
def test_refuses_what_a_file_says(tmp_path, text: str, make: str, message: str) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(text)
    with pytest.raises(HwcostError) as caught:
        fitted(f"{path}:{make}", match=target("params=1M"))
    assert message in str(caught.value)


def test_a_formula_that_is_none(tmp_path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(OWN.replace("1 + depth", "1 + deep"))
    with pytest.raises(ModelError, match="is no formula of its settings"):
        fitted(f"{path}:build", reach=5)


def test_a_module_by_its_name(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    monkeypatch.syspath_prepend(str(Path(own).parent))
    assert fitted("own_models:build", reach=9)[0] == {"depth": 4}


def test_who_states_nothing_is_left_as_it_is() -> None:
    for name in ("hf:bert", "saved.json", "torch.nn:LSTM"):
        assert fitted(name, reach=9) == ({}, Fit(reach=Reach(asked=9, how="unstated")))
