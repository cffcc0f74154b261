"""The inputs of an ONNX model: sizes that the file leaves open are filled in, and said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

import torch

from hwcost.errors import ModelError, UsageError
from hwcost.sources.onnx_model.graph import Graph, Type
from hwcost.sources.onnx_model.names import cleaned
from hwcost.sources.onnx_model.sizes import Part, by_place, names_in, part_of, size_of
from hwcost.sources.words import value_of
from hwcost.tracing.values import VALUE_LIMIT

DEFAULTS: Final[Mapping[Part, int]] = {"batch": 1, "sequence": 128, "past": 0, "side": 224}
"""What an open size is taken as."""

MAXIMUM_SIZE: Final = 2**40

WORDS: Final[Mapping[Part, str]] = {
    "batch": "a batch",
    "sequence": "a length of the sequence",
    "past": "a length of what came before",
    "side": "a side of an image",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a model is called with.

    sizes: by the names of open sizes. rounds: of loops, by names of nodes. seq_len, batch: where an open
    size is one. assumptions: what open sizes were taken as.
    """

    inputs: tuple[torch.Tensor, ...]
    sizes: Mapping[str, int]
    rounds: Mapping[str, int]
    seq_len: int | None
    batch: int | None
    assumptions: tuple[str, ...]


def given(
    graph: Graph,
    where: str,
    *,
    seq_len: int | None,
    batch: int | None,
    settings: Mapping[str, object],
    loops: frozenset[str],
) -> Given:
    """Inputs of the declared shapes.

    settings: sizes by their names; of inputs, a shape where the file has none, or the value of a whole
    number; rounds of loops by the names of their nodes.

    Raises:
        ModelError: an input is no tensor, or has a size of which nothing is known.
        UsageError: a setting names nothing in the file, or a length is given where none is open.
    """
    words = {name: _setting(value) for name, value in settings.items()}
    types = {name: _typed(graph.types.get(name), words.get(name), name, where) for name in graph.inputs}
    parts = _open_sizes(types)
    _require_known(words, parts, types, loops, where)
    asked = {"batch": batch, "sequence": seq_len}
    for part, option in (("batch", "--batch"), ("sequence", "--seq-len")):
        if asked[part] is not None and part not in parts.values():
            shapes = ", ".join(f"{cleaned(name)} {_shown(kind)}" for name, kind in types.items())
            what = f"leaves no size open that is {WORDS[part]}: it takes {shapes or 'no inputs'}"  # type: ignore[index]
            raise UsageError(what, where=where, mend=f"leave {option} out, or name a size with --set SIZE=N")
    sizes = {name: _size(name, part, words, asked, where) for name, part in parts.items()}
    inputs = tuple(_input(name, kind, words.get(name), sizes, where) for name, kind in types.items())
    return Given(
        inputs=inputs,
        sizes=sizes,
        rounds={name: value for name, value in words.items() if name in loops and isinstance(value, int)},
        seq_len=_first(parts, sizes, "sequence"),
        batch=_first(parts, sizes, "batch"),
        assumptions=_assumptions(parts, sizes),
    )


def _setting(value: object) -> int | tuple[int, ...]:
    """A whole number, or a shape: 1x3x224x224, [1, 3, 224, 224]."""
    if isinstance(value, str) and re.fullmatch(r"\d+(x\d+)+", value):
        return tuple(int(word) for word in value.split("x"))
    plain = value_of(value)
    if isinstance(plain, int) and 0 <= plain <= MAXIMUM_SIZE:
        return int(plain)
    if isinstance(plain, list | tuple) and all(isinstance(n, int) and 0 <= n <= MAXIMUM_SIZE for n in plain):
        return tuple(plain)
    raise UsageError(
        f"{str(value)[:80]!r} is neither a size nor a shape", mend="write --set NAME=8 or --set NAME=1x8"
    )


def _typed(declared: Type | None, word: int | tuple[int, ...] | None, name: str, where: str) -> Type:
    """The type of an input, its shape that of the settings where they give one."""
    label = cleaned(name)
    if declared is None or declared.kind != "tensor" or declared.dtype is None:
        kind = declared.kind if declared else "value without type"
        raise ModelError(
            f"takes a {kind} as input {label!r}", where=where, mend="export it with tensors as inputs"
        )
    if isinstance(word, tuple):
        return Type(kind="tensor", dtype=declared.dtype, shape=word)
    if declared.shape is None:
        mend = f"write --set {label}=1x3x224x224"
        raise ModelError(f"does not say what shape input {label!r} has", where=where, mend=mend)
    dims = tuple(f"{label}_{axis}" if dim is None else dim for axis, dim in enumerate(declared.shape))
    return Type(kind="tensor", dtype=declared.dtype, shape=dims)


def _open_sizes(types: Mapping[str, Type]) -> dict[str, Part | None]:
    """The names of open sizes, and what each is."""
    found: dict[str, Part | None] = {}
    for name, kind in types.items():
        shape = kind.shape or ()
        for axis, dim in enumerate(shape):
            if not isinstance(dim, str):
                continue
            is_unnamed = dim == f"{cleaned(name)}_{axis}"
            for word in names_in(dim):
                part = by_place(axis, len(shape)) if is_unnamed else part_of(word, axis, len(shape))
                found[word] = found.get(word) or part
    return found


def _require_known(
    words: Mapping[str, object],
    parts: Mapping[str, object],
    types: Mapping[str, object],
    loops: frozenset[str],
    where: str,
) -> None:
    for name in words:
        if name not in parts and name not in types and name not in loops:
            known = ", ".join([*parts, *types, *sorted(loops)][:12]) or "nothing"
            raise UsageError(f"has no size {cleaned(name)!r} to set", where=where, mend=f"it has {known}")


def _size(
    name: str, part: Part | None, words: Mapping[str, object], asked: Mapping[str, int | None], where: str
) -> int:
    word = words.get(name)
    if isinstance(word, int):
        return word
    if part is None:
        raise ModelError(f"leaves the size {name!r} open", where=where, mend=f"set it with --set {name}=N")
    given_ = asked.get(part)
    return DEFAULTS[part] if given_ is None else given_


def _input(
    name: str, kind: Type, word: int | tuple[int, ...] | None, sizes: Mapping[str, int], where: str
) -> torch.Tensor:
    shape = [size_of(dim, sizes) for dim in kind.shape or ()]
    known = [size for size in shape if size is not None]
    if len(known) < len(shape):
        raise ModelError(
            f"leaves a size of input {cleaned(name)!r} open", where=where, mend="set the shape of the input"
        )
    try:
        if isinstance(word, int) and prod(known) <= VALUE_LIMIT:
            return torch.full(known, word, dtype=kind.dtype)
        return torch.empty(known, dtype=kind.dtype, device="meta")
    except (RuntimeError, MemoryError) as error:
        text = "x".join(map(str, known))
        raise ModelError(
            f"input {cleaned(name)!r} of {text} is too large", where=where, mend="set smaller sizes"
        ) from error


def _first(parts: Mapping[str, Part | None], sizes: Mapping[str, int], wanted: Part) -> int | None:
    return next((sizes[name] for name, part in parts.items() if part == wanted), None)


def _assumptions(parts: Mapping[str, Part | None], sizes: Mapping[str, int]) -> tuple[str, ...]:
    if not sizes:
        return ()
    taken = [
        f"{name} = {size}" + (f" ({WORDS[part]})" if (part := parts[name]) else "")
        for name, size in sizes.items()
    ]
    return (f"sizes that the file leaves open were taken as {', '.join(taken)}",)


def _shown(kind: Type) -> str:
    return "x".join(map(str, kind.shape or ())) or "scalar"
