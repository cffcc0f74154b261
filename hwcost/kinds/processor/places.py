"""The levels of memory as traffic sees them: each with the room that lies before it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from hwcost.devices.device import Device, Level, Policy
from hwcost.devices.levels import REGISTERS
from hwcost.kinds.processor.traits import Traits, traits_of

NO_ROOM = 0.0
"""Room of a level whose size is not known: it is taken to hold nothing, so that no hit is invented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A level that serves bytes, and what can keep bytes from reaching it.

    held_bytes: size of the level before it, None where it is the nearest: then every touch reaches it.
    policy: how that level replaces. tile_bytes: the largest room before it that one product can use
    beside the registers: of a private cache one instance, as each core works on a tile of its own.
    most_bytes: all room before it together, for the low end of the
    bracket; caches that hold different bytes add up.
    """

    level: str
    held_bytes: float | None
    policy: Policy
    tile_bytes: float
    most_bytes: float


def places_of(device: Device) -> tuple[Place, ...]:
    """The levels that serve bytes, nearest to the units first."""
    traits = traits_of(device)
    most = _unlisted_bytes(device, traits)
    tile = NO_ROOM
    before: Level | None = None
    places = []
    for level in device.levels:
        if level.name != REGISTERS:
            places.append(
                Place(
                    level=level.name,
                    held_bytes=None if before is None else _held(before, traits),
                    policy=level.policy if before is None else before.policy,
                    tile_bytes=tile,
                    most_bytes=most,
                )
            )
            tile = max(tile, _held(level, traits) / level.instances)
            before = level
        most += inf if level.size_bytes is None else level.size_bytes
    return tuple(places)


def register_elements(device: Device, element_bytes: float) -> float:
    """Elements that stay beside the units while a product runs.

    A listed `registers` level counts with its size; with no more than one core's where a product's
    tile lies in the registers of one core. Where none is listed, the kind's default.
    """
    traits = traits_of(device)
    level = _registers(device)
    if level is None or level.size_bytes is None:
        return traits.register_elements
    listed = level.size_bytes / element_bytes
    return listed if traits.shares_registers else min(listed, traits.register_elements)


def _registers(device: Device) -> Level | None:
    return next((level for level in device.levels if level.name == REGISTERS), None)


def _unlisted_bytes(device: Device, traits: Traits) -> float:
    """Room for data that the profile leaves out; without limit where it cannot be told."""
    if not traits.unlisted_share:
        return 0.0
    registers = _registers(device)
    if registers is None or registers.size_bytes is None:
        return inf
    return traits.unlisted_share * registers.size_bytes


def _held(level: Level, traits: Traits) -> float:
    """Bytes that a level keeps from one op to the next."""
    if level.size_bytes is None or level.name in traits.local_levels:
        return NO_ROOM
    return float(level.size_bytes)
