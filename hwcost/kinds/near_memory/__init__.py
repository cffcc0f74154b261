"""Near-memory computing: units beside the banks of a memory, which share nothing but a host."""

from hwcost.kinds.kind import Kind
from hwcost.kinds.near_memory.banks import machine, move, price, resident

KIND = Kind(names=("near_memory",), move=move, price=price, machine=machine, resident=resident)

__all__ = ["KIND", "machine", "move", "price", "resident"]
