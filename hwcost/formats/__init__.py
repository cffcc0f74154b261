"""Storage formats: which numbers of a model are stored in which dtype, and what that costs."""

from hwcost.formats.asked import Asked, asked
from hwcost.formats.names import FORMATS, format_name
from hwcost.formats.stored import Stored, stored

__all__ = ["FORMATS", "Asked", "Stored", "asked", "format_name", "stored"]
