"""Runs an op on meta tensors once per shape: a second call with the same metadata gets the same result.

What an op gives on meta depends on the shapes, strides and types of its arguments and on nothing else.
Models repeat their layers, and torch works many of these results out in Python, at up to a millisecond
a call; so a trace with this memory takes less than the forward pass without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from hwcost.tracing.capture import META, tensors_in
from hwcost.tracing.signature import Signature
from hwcost.tracing.values import storage_key

RESHAPERS = frozenset({"aten.resize_", "aten.resize_as_", "aten.set_"})
"""Ops that give an argument another shape or storage, which a recipe would not do again."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A result in a storage of its own."""

    shape: torch.Size
    strides: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class Same:
    """A result that is one of the arguments, by its position: what an op in place returns."""

    position: int


@dataclass(frozen=True, slots=True)
class Several:
    """Results in a list or tuple."""

    kind: type[list[Any]] | type[tuple[Any, ...]]
    parts: tuple[Recipe, ...]


Recipe = Fresh | Same | Several


class Results:
    """Recipes of results, by op and metadata of its arguments."""

    def __init__(self) -> None:
        self._recipes: dict[Any, Recipe | None] = {}

    def of(self, func: Any, sign: Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What `func(*args, **kwargs)` gives, where all tensors are on meta."""
        if sign.is_metadata or sign.name in RESHAPERS:
            return func(*args, **kwargs)
        key = (func, _key(args), tuple((name, _key(value)) for name, value in kwargs.items()))
        try:
            recipe = self._recipes.get(key)
        except TypeError:  # an argument that cannot be hashed (a generator, a symbolic size)
            return func(*args, **kwargs)
        if recipe is not None:
            return _followed(recipe, args)
        result = func(*args, **kwargs)
        if key not in self._recipes:
            self._recipes[key] = _recipe(result, args, kwargs)
        return result


def _key(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return tuple([_key(item) for item in value])
    return value.__class__, value


def _recipe(result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Recipe | None:
    """How to make the result again; None for views, and for what holds anything but tensors."""
    if isinstance(result, torch.Tensor):
        for position, value in enumerate(args):
            if value is result:
                return Same(position)
        sources = {storage_key(tensor) for tensor in tensors_in([*args, *kwargs.values()])}
        if (
            storage_key(result) in sources
            or type(result) is not torch.Tensor
            or result.layout != torch.strided
        ):
            return None
        return Fresh(result.shape, result.stride(), result.dtype)
    if type(result) in (list, tuple):
        parts = [_recipe(item, args, kwargs) for item in result]
        known = tuple(part for part in parts if part is not None)
        return Several(type(result), known) if len(known) == len(parts) else None
    return None


def _followed(recipe: Recipe, args: tuple[Any, ...]) -> Any:
    if isinstance(recipe, Fresh):
        return torch.empty_strided(recipe.shape, recipe.strides, dtype=recipe.dtype, device=META)
    if isinstance(recipe, Same):
        return args[recipe.position]
    return recipe.kind(_followed(part, args) for part in recipe.parts)
