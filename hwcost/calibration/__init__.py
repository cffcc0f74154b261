"""Measures a machine through torch, and writes what it reaches as a device profile with sources."""

from hwcost.calibration.run import Budget, calibrated
from hwcost.calibration.written import profile_text

__all__ = ["Budget", "calibrated", "profile_text"]
