"""The two halves of a chip that computes in memory: its arrays, and the processor beside them."""

from __future__ import annotations

from dataclasses import replace

from hwcost.devices.arrays import Arrays
from hwcost.devices.device import Device
from hwcost.errors import ProfileError


def arrays_of(device: Device) -> Arrays:
    """The arrays. Raises ProfileError for a device that was made without any."""
    if device.arrays is None:
        raise ProfileError(f"{device.name} has no arrays", where=device.name, mend="add 'arrays:'")
    return device.arrays


def digital_device(device: Device) -> Device:
    """The digital unit with its buffers and its link, which works as any accelerator does."""
    return replace(device, kind="accelerator")
