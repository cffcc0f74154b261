"""Ready-made models: one file each."""

from hwcost.models.card import ModelCard, Published
from hwcost.models.registry import build, card, model_names, source_path

__all__ = ["ModelCard", "Published", "build", "card", "model_names", "source_path"]
