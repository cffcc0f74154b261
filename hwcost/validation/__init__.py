"""Published measurements, and what the product says of the same work."""

from hwcost.validation.run import names, point, validated

__all__ = ["names", "point", "validated"]
