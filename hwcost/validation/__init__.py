"""Published measurements, and what the product says of the same work."""

from hwcost.validation.datasets import DATASETS, dataset_names
from hwcost.validation.run import validate

__all__ = ["DATASETS", "dataset_names", "validate"]
