"""Published peaks of chips that compute in memory: ours by hand, and what they rest on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hwcost.devices import load_device
from hwcost.devices.device import Number
from hwcost.kinds.crossbar.geometry import Format
from hwcost.validation import validated
from hwcost.validation.chips import op_per_j
from hwcost.validation.result import Claim


def claims(device: str | None = None) -> list[Claim]:
    return [one for one in validated("cim_chips", device)[1] if isinstance(one, Claim)]


@pytest.mark.parametrize(
    ("name", "unit", "by_hand"),
    [
        ("ISAAC", "OP/s", 2 * 16128 * 128 * (128 // 8) / (16 * 100e-9)),  # 41.3e12
        ("ISAAC", "s", 16 * 128 / 1.28e9),  # converters take as long as the pulse
        ("PUMA", "OP/s", 2 * 2208 * 128 * 128 / (16 * 86.4e-9)),  # 52.3e12
        ("HERMES, 1 phase", "OP/s", 2 * 64 * 256 * 256 / 130e-9),  # 127 + 3 ns: 64.5e12
        ("HERMES, 1 phase", "s", 127e-9 + 3e-9),
        ("HERMES, 4 phases", "OP/s", 2 * 64 * 256 * 256 / 520e-9),  # 16.1e12
        ("HERMES, 4 phases", "s", 4 * 130e-9),
        ("Mythic M1076", "OP/s", 2 * 76 * 1024 * 1024 / 6.4e-6),  # 24.9e12
        ("Mythic M1076", "", 76 * 1024 * 1024),  # 79.7e6
        ("Jia 2020, 0.85 V", "OP/s", 2 * 2304 * 256 / (54 * 25e-9)),  # 0.874e12
        ("Jia 2020, 1.2 V", "OP/s", 2 * 2304 * 256 / (54 * 10e-9)),  # 2.185e12
        ("TSMC 22 nm", "OP/s", 2 * 256 * 64 / (4 * 2.48e-9)),  # 3.3e12
        ("TSMC 22 nm", "OP/J", 2 * 256 * 64 / (4 * 92e-12)),  # 89e12
    ],
)
def test_ours_by_hand(name: str, unit: str, by_hand: float) -> None:
    (claim,) = [one for one in claims() if (one.name, one.unit) == (name, unit)]
    assert claim.ours == pytest.approx(by_hand, rel=1e-6)


def test_hermes_does_op_per_joule_as_published() -> None:
    one, four = (claim for claim in claims("ibm_hermes") if claim.unit == "OP/J")
    # The chip draws 16.1 / 2.48 = 6.49 W over 521 ns in four phases; one takes a quarter of that energy.
    assert four.ours == pytest.approx(2.48e12, rel=0.01)
    assert one.ours == pytest.approx(4 * four.ours)


def test_each_is_within_five_percent() -> None:
    found = claims()
    assert len(found) == 15
    assert all(claim.holds and claim.within == 0.05 for claim in found)


def test_which_are_predictions() -> None:
    predicted = {(claim.name, claim.unit) for claim in claims() if claim.basis == "prediction"}
    hermes = {(f"HERMES, {phases}", unit) for phases in ("1 phase", "4 phases") for unit in ("OP/s", "s")}
    assert predicted == {("ISAAC", "OP/s"), *hermes}
    assert all(claim.note for claim in claims() if claim.basis == "consistency")


def test_evidence_is_that_of_the_profile() -> None:
    by_device = {claim.device: claim.evidence for claim in claims() if claim.name != "TSMC 22 nm"}
    assert by_device == {
        "isaac": "simulation",
        "puma": "simulation",
        "ibm_hermes": "silicon",
        "mythic_m1076": "vendor",
        "jia2020": "silicon",
    }
    tsmc = {claim.unit: claim.evidence for claim in claims("tsmc_22nm_dcim")}
    assert tsmc == {"OP/s": "unverified", "OP/J": "silicon"}


def test_numbers_in_the_notes_by_hand() -> None:
    notes = " ".join(claim.note for claim in claims())
    assert f"{2 * 2208 * 128 * 128 / 2304e-9 / 1e12:.1f} TOP/s" == "31.4 TOP/s"
    assert f"{2 * 64 * 65536 / 127e-9 / 1e12:.1f} TOP/s" == "66.1 TOP/s"
    assert f"{2 * 64 * 65536 / (4 * 127e-9) / 1e12:.1f} TOP/s" == "16.5 TOP/s"
    assert all(number in notes for number in ("31.4 TOP/s", "66.1 TOP/s", "16.5 TOP/s", "hold 76 M"))


def test_ours_follow_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the arrays, half of the peak: nothing is typed in."""
    isaac = load_device("isaac")
    assert isaac.arrays is not None
    half = Number(8064, path="", unit="", text="8064", evidence="derived", source="a test")
    halved = replace(isaac, arrays=replace(isaac.arrays, count=half))
    monkeypatch.setattr("hwcost.validation.chips.load_device", lambda name: halved)
    peak = claims("isaac")[0]
    assert peak.ours == pytest.approx(41.29e12 / 2, rel=0.001)
    assert not peak.holds


def test_efficiency_by_hand() -> None:
    arrays = load_device("tsmc_22nm_dcim").arrays
    assert arrays is not None
    form = Format(weight_bits=4, input_bits=2)
    assert op_per_j(arrays, form) == pytest.approx(2 * 256 * 64 / (2 * 92e-12))  # two pulses for two bits
