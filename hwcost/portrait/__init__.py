"""What can be said of a ready-made model: its sizes, how far it looks, and how long the way there is."""

from hwcost.portrait.portrait import portrait
from hwcost.portrait.result import Along, Growth, PathLength, Portrait, PublishedSize, StepMacs

__all__ = ["Along", "Growth", "PathLength", "Portrait", "PublishedSize", "StepMacs", "portrait"]
