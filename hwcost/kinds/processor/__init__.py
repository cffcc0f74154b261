"""Processors: everything that fetches operands from memory to arithmetic units and puts results back."""

from hwcost.kinds.kind import Kind
from hwcost.kinds.processor.facts import machine
from hwcost.kinds.processor.lints import lints
from hwcost.kinds.processor.move import move
from hwcost.kinds.processor.price import price

KIND = Kind(names=("cpu", "gpu", "accelerator"), move=move, price=price, machine=machine, findings=lints)

__all__ = ["KIND", "machine", "move", "price"]
