"""A second count of our own, which shares no code with the rules: a pass taken apart into plain products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, Final

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from hwcost.audit.apart import Apart
from hwcost.audit.families import family_of
from hwcost.audit.forward import entered, on_meta
from hwcost.audit.result import Count, Family
from hwcost.sources.subject import Subject

NAME = "unrolled"


def unrolled(subject: Subject) -> Count:
    """The products of a pass, one by one."""
    counts: list[Count] = []

    @contextmanager
    def counted(_module: nn.Module) -> Iterator[None]:
        products, apart = Products(), Apart()
        products.family_inside = lambda: apart.family
        was_fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            with entered(products, apart):
                yield
        finally:
            torch.backends.mha.set_fastpath_enabled(was_fast)
        counts.append(Count(counter=NAME, macs=products.macs))

    on_meta(subject, counted)
    return counts[-1]


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the multiply-accumulates of the products that run below it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs: Counter[Family] = Counter()
        self.family_inside: Callable[[], Family | None] = lambda: None

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        macs = PRODUCTS.get(name)
        if macs is not None:
            family = self.family_inside() or _family(name, args)
            self.macs[family] += macs(args, result)
        return result


def _family(name: str, args: tuple[Any, ...]) -> Family:
    """The family of an op; a product in a batch that shares one matrix is linear."""
    tensors = [value for value in args if isinstance(value, torch.Tensor) and value.dim() > 2]
    if name in ("bmm", "baddbmm") and any(tensor.stride(0) == 0 for tensor in tensors):
        return "linear"
    return family_of(name) or "other"


def _product(place: int) -> Callable[[tuple[Any, ...], Any], int]:
    """[..., m, k] @ [..., k, n], the operands at `place` and after: every element of A meets n of B."""

    def macs(args: tuple[Any, ...], _result: Any) -> int:
        a, b = args[place], args[place + 1]
        return int(a.numel() * (b.shape[-1] if b.dim() > 1 else 1))

    return macs


def _linear(args: tuple[Any, ...], _result: Any) -> int:
    """x[..., k] @ w[n, k]'."""
    x, weight = args[:2]
    return int(x.numel() * weight.shape[0])


def _convolution(args: tuple[Any, ...], result: Any) -> int:
    """Each output meets a whole filter; transposed, each input does. weight: [Cout, Cin/g, ...kernel]."""
    x, weight, is_transposed = args[0], args[1], args[6]
    return int((x if is_transposed else result).numel() * prod(weight.shape[1:]))


def _trilinear(args: tuple[Any, ...], _result: Any) -> int:
    """y[n,o] = sum over i, j of x[n,i] w[o,i,j] z[n,j]: x with w first, then with z."""
    x, weight = args[:2]
    outputs, i, j = weight.shape
    return int(x.shape[0] * outputs * (i * j + j))


PRODUCTS: Final[dict[str, Callable[[tuple[Any, ...], Any], int]]] = {
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "vdot", "_int_mm", "_scaled_mm"), _product(0)),
    **dict.fromkeys(("addmm", "baddbmm", "addbmm", "addmv", "_addmm_activation"), _product(1)),
    "linear": _linear,
    "convolution": _convolution,
    "_trilinear": _trilinear,
}
"""Multiply-accumulates of each op from its arguments and its result."""
