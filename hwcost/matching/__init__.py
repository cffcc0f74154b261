"""Models made comparable: each scaled to a common size, each looking equally far back."""

from hwcost.matching.fitted import fitted
from hwcost.matching.target import Target, target

__all__ = ["Target", "fitted", "target"]
