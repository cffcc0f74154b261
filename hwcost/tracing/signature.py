"""What a trace needs to know of an op before it runs: its schema, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

PLACEMENT = frozenset({"device", "pin_memory", "layout", "generator", "memory_format", "non_blocking"})
"""Arguments that say where and how a tensor lies; they change no count."""

INDEXERS = frozenset({"aten.index", "aten.index_put", "aten.index_put_"})
"""Their shape depends on values only where an index is a mask, which is then turned into positions."""

READERS = frozenset({"aten._local_scalar_dense", "aten.equal", "aten.allclose", "aten.is_nonzero"})
"""Their result is a number of Python, made of the values of tensors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a trace needs of an op's schema.

    written: arguments that the op writes. destinations: those of them that are `out=`, which it does not
    read. device_at: the place of the argument, -1 where there is none.
    """

    name: str
    arguments: tuple[str, ...]
    defaults: Mapping[str, Any]
    written: frozenset[str]
    destinations: frozenset[str]
    device_at: int
    reads: bool
    is_pointwise: bool
    is_random: bool
    is_dynamic: bool
    is_metadata: bool


_SIGNATURES: dict[Any, Signature] = {}


def signature(func: Any) -> Signature:
    """The signature of an op overload, read once."""
    found = _SIGNATURES.get(func)
    if found is None:
        schema = func._schema
        tags = set(func.tags)
        name = schema.name.replace("::", ".")
        found = _SIGNATURES[func] = Signature(
            name=name,
            arguments=tuple(argument.name for argument in schema.arguments),
            defaults={
                argument.name: argument.default_value
                for argument in schema.arguments
                if argument.has_default_value() and argument.name not in PLACEMENT
            },
            written=frozenset(
                argument.name
                for argument in schema.arguments
                if argument.alias_info is not None and argument.alias_info.is_write
            ),
            destinations=frozenset(argument.name for argument in schema.arguments if argument.is_out),
            device_at=next((i for i, a in enumerate(schema.arguments) if a.name == "device"), -1),
            reads=name in READERS,
            is_pointwise=torch.Tag.pointwise in tags,
            is_random=torch.Tag.nondeterministic_seeded in tags,
            is_dynamic=torch.Tag.dynamic_output_shape in tags and name not in INDEXERS,
            is_metadata=torch.Tag.inplace_view in tags,
        )
    return found


def named(sign: Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments of a call with their schema names, those left to default left out."""
    yield from zip(sign.arguments, args, strict=False)
    yield from kwargs.items()
