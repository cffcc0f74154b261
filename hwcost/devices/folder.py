"""The profiles that come with the package, and the way from a name or a path to a device."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hwcost.devices.device import Device
from hwcost.devices.document import read
from hwcost.devices.fields import suggestion
from hwcost.devices.profile import device
from hwcost.devices.shipped import SUFFIXES, profile_folder
from hwcost.errors import ProfileError


def load_device(name_or_path: str | Path) -> Device:
    """The device of a shipped profile's name, or of the path of one's own profile.

    A text with a separator of folders, or one that ends in .yaml or .yml, is a path. Raises
    ProfileError, one line with file, line and mend, for what is not found or breaks the format.
    """
    if isinstance(name_or_path, str) and not _is_path(name_or_path):
        if name_or_path not in device_names():
            mend = f"{suggestion(name_or_path, device_names())} (a profile of one's own: give its path)"
            raise ProfileError(f"no device is named {name_or_path!r}", mend=mend)
        path = profile_folder() / f"{name_or_path}{SUFFIXES[0]}"
    else:
        path = Path(name_or_path)
    return device(read(path), path.stem)


def load_devices(several: Sequence[str | Path | Device]) -> tuple[Device, ...]:
    """Devices side by side, of names, paths or devices.

    Raises ProfileError for one that is not found or breaks the format, or if two have the same name.
    """
    found = tuple(one if isinstance(one, Device) else load_device(one) for one in several)
    names = [device.name for device in found]
    for name in names:
        if names.count(name) > 1:
            raise ProfileError(f"two devices are named {name!r}", mend="keep one, or rename the file of one")
    return found


def device_names() -> tuple[str, ...]:
    """The names of the shipped profiles, in order of the alphabet."""
    return tuple(sorted(path.stem for path in profile_folder().glob(f"*{SUFFIXES[0]}")))


def _is_path(word: str) -> bool:
    separators = [separator for separator in (os.sep, os.altsep, "/") if separator]
    return word.endswith(SUFFIXES) or any(separator in word for separator in separators)
