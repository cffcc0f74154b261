"""The memory of results: the same metadata gives the same result, and never another tensor's storage."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwcost.tracing.results import Results
from hwcost.tracing.signature import signature

aten = torch.ops.aten
size = st.integers(min_value=0, max_value=5)


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


def looks(tensor: torch.Tensor) -> tuple[object, ...]:
    return tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def twice(func, *args):
    """The results of a first and a second call, with the arguments of the second."""
    results = Results()
    results.of(func, signature(func), args, {})
    again = tuple(value.clone() if isinstance(value, torch.Tensor) else value for value in args)
    return results.of(func, signature(func), again, {}), func(*args), again


@given(m=size, k=size, n=size)
def test_a_second_call_gives_what_torch_gives(m: int, k: int, n: int) -> None:
    remembered, fresh, _ = twice(aten.mm.default, meta(m, k), meta(k, n))
    assert looks(remembered) == looks(fresh)


@pytest.mark.parametrize("other", [2.5, 2, True, meta(()), meta((3, 1), dtype=torch.float64)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.int32, torch.bool])
def test_type_promotion(other: object, dtype: torch.dtype) -> None:
    results = Results()
    for first in (other, 7.0, 7, True):  # a number of another type is another call
        results.of(aten.add.Tensor, signature(aten.add.Tensor), (meta(3, 4, dtype=dtype), first), {})
    args = (meta(3, 4, dtype=dtype), other)
    found = results.of(aten.add.Tensor, signature(aten.add.Tensor), args, {})
    assert looks(found) == looks(aten.add.Tensor(*args))


def test_strides_are_part_of_the_question() -> None:
    results = Results()
    for x in (meta(3, 4), meta(4, 3).t()):
        found = results.of(aten.relu.default, signature(aten.relu.default), (x,), {})
        assert looks(found) == looks(aten.relu.default(x))


def test_in_place_gives_its_own_argument() -> None:
    remembered, _, (x, _) = twice(aten.add_.Tensor, meta(3), meta(3))
    assert remembered is x


def test_a_view_lies_in_its_own_argument() -> None:
    for func, more in ((aten.view.default, [12]), (aten._unsafe_view.default, [12])):
        remembered, _, (x, _) = twice(func, meta(3, 4), more)
        assert remembered.untyped_storage()._cdata == x.untyped_storage()._cdata


def test_resizing_is_done_every_time() -> None:
    remembered, _, (x, _) = twice(aten.resize_.default, meta(3), [7])
    assert remembered is x
    assert x.shape == (7,)


def test_several_results() -> None:
    remembered, fresh, _ = twice(aten.native_layer_norm.default, meta(2, 3), [3], meta(3), meta(3), 1e-5)
    assert [looks(part) for part in remembered] == [looks(part) for part in fresh]
    assert len({part.untyped_storage()._cdata for part in remembered}) == 3


def test_new_storage_every_time() -> None:
    results = Results()
    x = meta(3)
    first, second = (results.of(aten.relu.default, signature(aten.relu.default), (x,), {}) for _ in range(2))
    assert first.untyped_storage()._cdata != second.untyped_storage()._cdata
