"""The bytes of an ONNX file without the payload of its weights.

Protocol buffers are lists of fields: a number and a wire type, then a number, 4 or 8 bytes, or a length
and as many bytes. Fields of known numbers hold fields again; what a weight holds is passed over unread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

Bytes: TypeAlias = "bytes | memoryview"

INSIDE: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Messages inside messages by the numbers of their fields (onnx.proto, which a test compares)."""

DATA_TYPE: Final = 2
PAYLOAD: Final = frozenset({4, 5, 6, 7, 9, 10, 11})
"""Fields of a tensor: its type; its values, in any of their forms."""

INDEX_TYPES: Final = frozenset({5, 6, 7, 9, 12, 13})
"""int16, int32, int64, bool, uint32, uint64: types of values that shapes can depend on."""

INDEX_BYTES: Final = 2**23
VALUE_BYTES: Final = 2**13
"""Payloads up to this size are kept: of whole numbers, and of all others."""

DEPTH: Final = 100
"""Messages inside messages that a parser follows, as protobuf's own limit."""

FIELDS: Final = 2**21
"""Fields of one message that are read: nodes and weights of a graph among them."""

VARINT_BYTES: Final = 10


def skimmed(content: memoryview, kind: str = "model", depth: int = 0) -> bytes:
    """A message without large payloads.

    Raises:
        ValueError: it is no message, or ends before its fields do.
    """
    if depth > DEPTH:
        raise ValueError(f"messages lie {depth} deep")
    if kind == "tensor":
        return _tensor(content)
    parts: list[Bytes] = []
    kept = 0
    for number, start, value, end in fields(content):
        inside = INSIDE[kind].get(number)
        if inside is None or end - value <= VALUE_BYTES:
            continue
        message = skimmed(content[value:end], inside, depth + 1)
        parts += [content[kept:start], _varint(number << 3 | 2), _varint(len(message)), message]
        kept = end
    parts.append(content[kept:])
    return b"".join(parts)


def _tensor(content: memoryview) -> bytes:
    found = list(fields(content))
    types = [_number(content, value)[0] for number, _, value, _ in found if number == DATA_TYPE]
    limit = INDEX_BYTES if types and types[-1] in INDEX_TYPES else VALUE_BYTES
    large = {
        number
        for number in PAYLOAD
        if sum(end - value for other, _, value, end in found if other == number) > limit
    }
    return b"".join(content[start:end] for number, start, _, end in found if number not in large)


def fields(content: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """(number, start of the field, start of its value, end) of each field of a message.

    Raises:
        ValueError: it is no message, or ends before its fields do.
    """
    position, length, count = 0, len(content), 0
    while position < length:
        count += 1
        if count > FIELDS:
            raise ValueError(f"a part of it has more than {FIELDS:,} parts")
        start = position
        tag, position = _number(content, position)
        number, wire = tag >> 3, tag & 7
        value = position
        if wire == 0:
            _, position = _number(content, position)
        elif wire == 2:
            size, value = _number(content, position)
            position = value + size
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
        else:
            raise ValueError(f"there is no wire type {wire}")
        if position > length:
            raise ValueError(f"a field ends {position - length:,} bytes after the end")
        yield number, start, value, position


def _number(content: memoryview, position: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    result = 0
    for place in range(VARINT_BYTES):
        if position >= len(content):
            raise ValueError("it ends inside a number")
        byte = content[position]
        position += 1
        result |= (byte & 127) << 7 * place
        if byte < 128:
            return result, position
    raise ValueError("a number has no end")


def _varint(number: int) -> bytes:
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    result.append(number)
    return bytes(result)
