"""Runs a real model on this machine, and lays what it takes beside what was predicted."""

from hwcost.measurement.result import Measurement, Row
from hwcost.measurement.run import measured

__all__ = ["Measurement", "Row", "measured"]
