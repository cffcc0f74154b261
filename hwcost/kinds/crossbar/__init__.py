"""Compute-in-memory: arrays of cells that hold weights in place, with a digital unit beside them."""

from hwcost.kinds.crossbar.facts import machine
from hwcost.kinds.crossbar.findings import findings, resident
from hwcost.kinds.crossbar.move import move
from hwcost.kinds.crossbar.place import place
from hwcost.kinds.crossbar.price import price
from hwcost.kinds.kind import Kind

KIND = Kind(
    names=("compute_in_memory",),
    move=move,
    price=price,
    machine=machine,
    place=place,
    findings=findings,
    resident=resident,
)

__all__ = ["KIND", "findings", "machine", "move", "place", "price", "resident"]
