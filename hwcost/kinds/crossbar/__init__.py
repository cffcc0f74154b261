"""Compute-in-memory: arrays of cells that hold weights in place, with a digital unit beside them."""

from hwcost.kinds.crossbar.facts import machine
from hwcost.kinds.crossbar.findings import changing_share, findings, resident
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
    changing=changing_share,
)

__all__ = ["KIND", "changing_share", "findings", "machine", "move", "place", "price", "resident"]
