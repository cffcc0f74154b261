"""Kinds of device, one file or folder each: what they move and what that costs."""

from hwcost.kinds.kind import Kind
from hwcost.kinds.registry import all_kinds, kind_of, machine, move, price

__all__ = ["Kind", "all_kinds", "kind_of", "machine", "move", "price"]
