"""Bytes that products and attention move again within one call, beyond each operand once."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.devices.device import Device
from hwcost.graph import Attention, Product, Tensor, Work
from hwcost.kinds.processor.places import Place, register_elements
from hwcost.memory import attention as attention_traffic
from hwcost.memory.products import product_compulsory, product_low, product_moved
from hwcost.units import dtype_bits

BITS_PER_BYTE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Bytes of one call across one level, beyond the compulsory ones.

    read_bytes, write_bytes: expected (the writes are partial sums that are put away and fetched
    again). low_bytes: at least. high_bytes: without any reuse beyond the registers.
    """

    read_bytes: float = 0.0
    write_bytes: float = 0.0
    low_bytes: float = 0.0
    high_bytes: float = 0.0

    def __add__(self, other: Excess) -> Excess:
        return Excess(
            read_bytes=self.read_bytes + other.read_bytes,
            write_bytes=self.write_bytes + other.write_bytes,
            low_bytes=self.low_bytes + other.low_bytes,
            high_bytes=self.high_bytes + other.high_bytes,
        )


NOTHING = Excess()


def excesses_of(work: Work, device: Device, places: tuple[Place, ...]) -> tuple[Excess, ...]:
    """What one call of a work moves again across the level of each place.

    attention  (the lesser of fused and unfused - compulsory) * bytes per element
    products   (closed form - compulsory) * bytes per element, each; a depthwise convolution has none
    """
    if work.attention is not None:
        return _of_attention(work.attention, work, device, places)
    total = (NOTHING,) * len(places)
    for product in work.products:
        parts = _of_product(product, device, places)
        total = tuple(sum_ + part for sum_, part in zip(total, parts, strict=True))
    return total


def _of_product(product: Product, device: Device, places: tuple[Place, ...]) -> tuple[Excess, ...]:
    """The widest operand's bytes count for all in what is expected, the narrowest one's in the low end."""
    widths = [element_bytes(tensor) for tensor in (product.a, product.b, product.c)]
    wide, narrow = max(widths), min(widths)
    registers = register_elements(device, wide)
    compulsory = product_compulsory(product)
    written = product.m * product.n
    high_bytes = product.batch * wide * (product_moved(product, registers).elements - compulsory)
    found = []
    for place in places:
        expected = product_moved(product, max(place.tile_bytes / wide, registers))
        low = product_low(product, max(place.most_bytes / narrow, registers))
        found.append(
            Excess(
                # The ways to block round differently: a difference of zero can come out below it.
                read_bytes=product.batch * wide * max(expected.reads - (compulsory - written), 0.0),
                write_bytes=product.batch * wide * max(expected.writes - written, 0.0),
                low_bytes=product.batch * narrow * (low - compulsory),
                high_bytes=high_bytes,
            )
        )
    return tuple(found)


def _of_attention(
    shape: Attention, work: Work, device: Device, places: tuple[Place, ...]
) -> tuple[Excess, ...]:
    """Scores have the width of the result, K and V their own; the low end is nothing."""
    width = max((element_bytes(tensor) for tensor in work.writes), default=1.0)
    registers = register_elements(device, width)
    compulsory = attention_traffic.compulsory_elements(shape)
    high = attention_traffic.unfused_elements(shape, registers)
    kv_width = max((element_bytes(tensor) for tensor in work.reads[1:3]), default=width) / width
    rooms = (max(place.tile_bytes / width, registers) for place in places)
    return tuple(
        Excess(
            read_bytes=width * (attention_traffic.expected_elements(shape, room, kv_width) - compulsory),
            high_bytes=width * (high - compulsory),
        )
        for room in rooms
    )


def element_bytes(tensor: Tensor) -> float:
    """Bytes that an element of a tensor takes in memory; half a byte for int4."""
    return dtype_bits(tensor.dtype) / BITS_PER_BYTE
