"""Other counters beside ours: they agree where they can count, and the reason is found where they cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hwcost.audit.audit import audit
from hwcost.audit.reasons import SAME_TOTAL, UNKNOWN, differences
from hwcost.audit.result import Audit, Count, Difference
from hwcost.sources.subject import Subject

pytestmark = pytest.mark.filterwarnings("ignore")

Made = tuple[nn.Module, tuple[Any, ...]]


class Packed(nn.Module):
    def __init__(self, layers: nn.RNNBase) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(x, lengths, batch_first=True)
        return pad_packed_sequence(self.layers(packed)[0], batch_first=True)[0]


class Cells(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LSTMCell(8, 16), nn.GRUCell(16, 8)
        self.third, self.pair = nn.RNNCell(8, 8), nn.Bilinear(8, 8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = c = x.new_zeros(x.shape[1], 16)
        outputs = []
        for step in x:
            h, c = self.first(step, (h, c))
            out = self.third(self.second(h, step))
            outputs.append(self.pair(out, out))
        return torch.stack(outputs)


class Masked(nn.Module):
    """Reads a value on the way, as many models read their masks."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 8)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.one(x) if bool(mask.all()) else self.other(x)


class Vector(nn.Module):
    """A product with a vector, and an einsum."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.vector = nn.Parameter(torch.zeros(8, 6)), nn.Parameter(torch.zeros(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bld,de->ble", x, self.weight) @ self.vector


class Dead(nn.Module):
    """Makes a product that no output depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(8, 4), nn.Linear(8, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.unused(x)
        return self.used(x)


def dead() -> Made:
    return Dead(), (torch.zeros(3, 8),)


def lstm() -> Made:
    return nn.LSTM(8, 16, 2, bidirectional=True, proj_size=4), (torch.zeros(7, 3, 8),)


def packed_gru() -> Made:
    layers = nn.GRU(8, 16, 2, bidirectional=True, batch_first=True, bias=False)
    return Packed(layers), (torch.zeros(3, 7, 8), torch.tensor([7, 4, 2]))


def rnn() -> Made:
    return nn.RNN(8, 16, nonlinearity="relu", batch_first=True), (torch.zeros(3, 7, 8),)


def cells() -> Made:
    return Cells(), (torch.zeros(7, 3, 8),)


def encoder() -> Made:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2), (
        torch.zeros(2, 10, 32),
    )


def convolutions() -> Made:
    layers = (
        nn.Conv2d(3, 8, 3, stride=2),
        nn.ConvTranspose2d(8, 4, 4, stride=2, groups=2),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.BatchNorm2d(4),
    )
    return nn.Sequential(*layers), (torch.zeros(2, 3, 16, 16),)


def masked() -> Made:
    return Masked(), (torch.zeros(5, 4), torch.tensor([True, False]))


def vector() -> Made:
    return Vector(), (torch.zeros(2, 5, 8),)


def of(make: Callable[[], Made]) -> Audit:
    module, inputs = make()
    return audit(Subject(module=module, inputs=inputs, name="it"))


def count_of(found: Audit, counter: str) -> Count:
    return next(count for count in found.counts if count.counter == counter)


# layers, both directions, 21 steps of the batch: gates over input and state, projection
LSTM = 2 * 21 * (64 * (8 + 4) + 16 * 4) + 2 * 21 * (64 * (8 + 4) + 16 * 4)
# 13 of the 21 steps are there
GRU = 2 * 13 * 48 * (8 + 16) + 2 * 13 * 48 * (32 + 16)
CELLS = 21 * (64 * (8 + 16) + 24 * (16 + 8) + 8 * (8 + 8))
BILINEAR = 21 * (4 * 8 * 8 + 4 * 8)
# 20 tokens in 2 layers: projections 4 * 32 * 32, feed-forward 2 * 32 * 64; scores and their use
ENCODER = {"linear": 2 * 20 * (4 * 32 * 32 + 2 * 32 * 64), "attention": 2 * 20 * 2 * 10 * 32}
# 7 x 7 of 27 x 8; 7 x 7 of 8 inputs to 2 outputs of 4 x 4; 16 -> 14 wide, 9 each of 4 channels
CONVOLUTIONS = 2 * (49 * 8 * 27 + 49 * 8 * 2 * 16 + 14 * 14 * 4 * 9)


@pytest.mark.parametrize(
    ("make", "by_hand"),
    [
        (lstm, {"recurrent": LSTM}),
        (packed_gru, {"recurrent": GRU}),
        (rnn, {"recurrent": 21 * 16 * (8 + 16)}),
        (cells, {"recurrent": CELLS, "linear": BILINEAR}),
        (encoder, ENCODER),
        (convolutions, {"conv": CONVOLUTIONS}),
        (masked, {"linear": 5 * 4 * 8}),
    ],
)
def test_ours_and_the_unrolled_count_by_hand(make: Callable[[], Made], by_hand: dict[str, int]) -> None:
    found = of(make)
    for counter in ("hwcost", "unrolled"):
        macs = count_of(found, counter).macs
        assert macs is not None
        assert {family: number for family, number in macs.items() if number} == by_hand


@pytest.mark.parametrize("make", [lstm, packed_gru, rnn, cells, encoder, convolutions, masked, vector])
def test_torch_on_meta_agrees_but_for_what_it_has_no_formula_for(make: Callable[[], Made]) -> None:
    found = of(make)
    theirs = count_of(found, "torch meta")
    blind = {family for families in theirs.blind.values() for family in families}
    assert theirs.macs is not None
    for family in found.families:
        assert theirs.of(family) == found.ours.of(family) or family in (*blind, "other")


@pytest.mark.parametrize("make", [lstm, packed_gru, rnn, cells, encoder, convolutions, masked, vector])
def test_every_difference_is_explained(make: Callable[[], Made]) -> None:
    assert [difference for difference in of(make).differences if not difference.is_explained] == []


@pytest.mark.parametrize(
    ("make", "counter", "family", "theirs", "reason"),
    [
        (lstm, "fvcore", "recurrent", 0, "has no rule for aten::lstm and counts 0"),
        (rnn, "fvcore", "recurrent", 0, "has no rule for aten::rnn_relu and counts 0"),
        (cells, "torch CPU", "linear", 0, "has no rule for aten._trilinear and counts 0"),
        (
            dead,
            "fvcore",
            "linear",
            3 * 8 * 4,
            "traces with torch.jit, which leaves out what no output depends on",
        ),
        (vector, "torch meta", "linear", 0, "has no rule for aten.mv and counts 0"),
        (
            encoder,
            "torch CPU",
            "linear",
            0,
            "has no rule for aten._transformer_encoder_layer_fwd and counts 0",
        ),
        (
            convolutions,
            "fvcore",
            "other",
            2 * 2 * 4 * 14 * 14,  # two for each element that is normalised
            "counts aten::batch_norm as well, of which no operation is a multiply-accumulate",
        ),
    ],
)
def test_the_reason(make: Callable[[], Made], counter: str, family: Any, theirs: int, reason: str) -> None:
    found = of(make)
    expected = Difference(
        counter=counter,
        family=family,
        ours=found.ours.of(family),
        theirs=theirs,
        reason=reason,
        is_explained=True,
    )
    assert expected in found.differences


def test_a_wrong_count_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unrolled count shares no code with the rules: a rule that is off shows."""
    from hwcost.audit import audit as module

    def off(trace: Any) -> Count:
        return Count(counter="hwcost", macs={"recurrent": 1})

    monkeypatch.setattr(module, "ours", off)
    (difference,) = (it for it in of(lstm).differences if it.counter == "unrolled")
    assert (difference.ours, difference.theirs, difference.is_explained) == (1, LSTM, False)


def test_large_models_get_no_weights() -> None:
    with torch.device("meta"):
        found = of(lambda: (nn.Linear(10_000, 5_000), (torch.zeros(1, 10_000),)))
    assert count_of(found, "torch CPU").macs is None
    assert "50,005,000 parameters" in count_of(found, "torch CPU").why_not
    assert count_of(found, "torch meta").total == 50_000_000


def test_long_passes_are_not_run_on_the_cpu() -> None:
    found = of(lambda: (nn.Linear(1_000, 1_000), (torch.empty(100_000, 1_000, device="meta"),)))
    assert "100,000,000,000 MACs" in count_of(found, "torch CPU").why_not


def test_a_counter_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from hwcost.audit import audit as module

    def fail(*_words: Any, **_options: Any) -> Count:
        raise RuntimeError("it broke\nin two lines")

    monkeypatch.setattr(module, "_by_fvcore", fail)
    assert count_of(of(rnn), "fvcore").why_not == "failed: RuntimeError: it broke"


def test_nothing_is_printed_and_the_model_stays_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    module, inputs = convolutions()
    module.train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    audit(Subject(module=module, inputs=inputs))
    assert capfd.readouterr() == ("", "")
    assert module.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_the_values_of_a_mask_decide_on_the_cpu_too() -> None:
    found = of(masked)
    assert {count.counter: count.total for count in found.counts} == dict.fromkeys(
        ("hwcost", "unrolled", "torch meta", "torch CPU", "fvcore"), 160
    )


def test_equal_totals_explain_nothing_where_other_ops_make_them_equal() -> None:
    """Attention that is missed, and as many operations of normalisation that are counted."""
    ours = Count(counter="hwcost", macs={"linear": 5, "attention": 7})
    theirs = Count(counter="fvcore", macs={"linear": 5, "other": 7}, blind={"aten::sdpa": ("attention",)})
    reasons = {it.family: it.reason for it in differences(ours, (theirs,))}
    assert reasons == {"attention": "has no rule for aten::sdpa and counts 0", "other": UNKNOWN}


def test_the_same_products_in_other_families() -> None:
    ours = Count(counter="hwcost", macs={"linear": 5, "recurrent": 7})
    theirs = Count(counter="torch meta", macs={"linear": 12})
    assert {it.reason for it in differences(ours, (theirs,))} == {SAME_TOTAL}
