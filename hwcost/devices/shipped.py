"""Where the profiles that come with the package lie."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".yaml", ".yml")

FAMILIES = "families"
"""The folder of families, in that of the profiles."""


def profile_folder() -> Path:
    """Where the shipped profiles lie: inside an installed package, beside it in a source tree."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "device_profiles"
    return installed if installed.is_dir() else package.parent / "device_profiles"


def family_names() -> tuple[str, ...]:
    """The names of the shipped families, in order of the alphabet."""
    return tuple(sorted(path.stem for path in (profile_folder() / FAMILIES).glob(f"*{SUFFIXES[0]}")))
