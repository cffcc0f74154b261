"""Which inputs each element of an output depends on, in time: from a trace alone, element by element."""

from hwcost.dependence.sight import Sight, TimeAxis, View, sight

__all__ = ["Sight", "TimeAxis", "View", "sight"]
