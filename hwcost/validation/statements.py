"""Every table of statements: the devices that it is about, and what makes of its rows what we say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hwcost.validation import bounds, intensities, workloads
from hwcost.validation.bounds import tpu_checks
from hwcost.validation.chips import chip_claims
from hwcost.validation.datasets import table
from hwcost.validation.intensities import intensity_claims
from hwcost.validation.result import Statement
from hwcost.validation.workloads import hermes_claims, puma_claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """A table of statements. devices: of profiles. made: the statements, by the name of their table."""

    devices: tuple[str, ...]
    made: Callable[[str], Sequence[Statement]]


STATEMENTS: Final[Mapping[str, Statements]] = {
    "tpu_v1": Statements(devices=(bounds.DEVICE,), made=tpu_checks),
    "nvidia_intensity": Statements(devices=(intensities.DEVICE,), made=intensity_claims),
    "cim_chips": Statements(
        devices=tuple(dict.fromkeys(row["device"] for row in table("cim_chips.csv"))), made=chip_claims
    ),
    "puma_workloads": Statements(devices=(workloads.PUMA,), made=puma_claims),
    "hermes_lstm": Statements(devices=(workloads.HERMES,), made=hermes_claims),
}
"""By the name of their table."""


def statements(name: str, device: str | None = None) -> tuple[Statement, ...]:
    """The statements of a table about one device, or about all; nothing is computed for others."""
    own = STATEMENTS[name]
    if device is not None and device not in own.devices:
        return ()
    return tuple(one for one in own.made(name) if device in (None, one.device))
