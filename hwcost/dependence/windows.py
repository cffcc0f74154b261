"""What an element sees of time, as one whole number; and what the elements see that are made of several.

    number = earliest * 2^42 + (LATEST - latest) * 2^21 + hops

earliest, latest: the first and the last time step of the input that the element depends on. hops: how
many steps that mix positions lie at least between it and the input of time 0. In this form moving an
element is moving a number, and the least of several numbers is the one that sees the earliest time; of
these, the one that sees the latest; of these, the one with the fewest hops.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import reduce
from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt

from hwcost.errors import UsageError

Array = npt.NDArray[np.int64]
"""Numbers as above. The first axis is the rounds of a loop (1 outside of loops), then come the dimensions
of the tensor; an axis of size 1 stands for any size of which all elements see the same."""

BITS: Final = 21
FULL: Final = (1 << BITS) - 1

TIME_STEPS_AT_MOST: Final = FULL - 4

NONE: Final = (1 << 3 * BITS) - 1
"""An element that depends on no input."""

LOWEST: Final = NONE - 1
"""A score that a mask has set so low that softmax makes it 0; it depends on no input."""

ZERO: Final = NONE - 2
"""An element that is 0 whatever the input: a product with it depends on nothing."""

UNREACHED: Final = FULL - 2
"""Hops from which on an element does not depend on time 0 at all."""


ELEMENTS_AT_MOST: Final = 1 << 23
"""Numbers that one tensor may take here: the scores of 2,900 queries and as many keys."""


def require_room(shape: Sequence[int]) -> None:
    """Raise UsageError where so many elements that differ are too many to follow."""
    if prod(shape) > ELEMENTS_AT_MOST:
        raise UsageError(
            f"{prod(shape):,} elements see different inputs, too many to follow",
            mend="take a shorter sequence",
        )


class Charge(Enum):
    """When an op adds a hop to what it combines.

    FREE: never. WIDENING: where the result sees more than each part alone: a pointwise op over shifted
    positions, or over features of which some see more than others. MIXING: where the parts are not all
    alike: reductions and products, over positions and not over features. STEP: always: attention, a
    convolution of several taps, a recurrent step.
    """

    FREE = 0
    WIDENING = 1
    MIXING = 2
    STEP = 3


def inputs_at(times: npt.NDArray[np.int64]) -> Array:
    """The numbers of input elements that stand at these times."""
    hops = np.where(times == 0, 0, FULL)
    return (times << 2 * BITS) | (FULL - 1 - times) << BITS | hops


def earliest(numbers: Array) -> npt.NDArray[np.float64]:
    """The first time that each element depends on; +inf where it depends on none."""
    value = numbers >> 2 * BITS
    return np.where(value == FULL, np.inf, value)


def latest(numbers: Array) -> npt.NDArray[np.float64]:
    """The last time that each element depends on; -inf where it depends on none."""
    value = numbers >> BITS & FULL
    return np.where(value == FULL, -np.inf, FULL - 1 - value)


def hops(numbers: Array) -> npt.NDArray[np.float64]:
    """The fewest hops to time 0; inf where it is not reached."""
    value = numbers & FULL
    return np.where(value >= UNREACHED, np.inf, value)


def nothing(dimensions: int) -> Array:
    """A tensor of so many dimensions that depends on no input."""
    return np.full((1,) * (dimensions + 1), NONE)


def sees_nothing(numbers: Array) -> bool:
    """Whether no element depends on any input."""
    return bool((numbers >= ZERO).all())


def is_constant(numbers: Array) -> bool:
    """Whether all elements are constants of which nothing is known."""
    return bool((numbers == NONE).all())


def is_special(numbers: Array) -> bool:
    """Whether some elements are known to be 0 or masked."""
    return bool(((numbers >= ZERO) & (numbers < NONE)).any())


def unspecial(numbers: Array) -> Array:
    """The same, where what is 0 or masked is a constant as any other."""
    return np.where(numbers >= ZERO, NONE, numbers) if is_special(numbers) else numbers


def spread(numbers: Array) -> Array:
    """Four rows on a new first axis, of which the least is that of all elements together.

    They are the number, its latest, its hops, and its complement, whose least tells the largest number.
    """
    largest = np.where(numbers >= ZERO, NONE, ~numbers)
    return np.stack((numbers, numbers >> BITS & FULL, numbers & FULL, largest))


def united(parts: Array, charge: Charge) -> Array:
    """The numbers of elements that combine what `spread` and minima left of their parts."""
    number, last, hop, largest = parts
    if charge is not Charge.FREE:
        is_free = np.zeros((), dtype=bool)
        if charge is Charge.WIDENING:
            is_free = (number >> BITS & FULL) == last
        elif charge is Charge.MIXING:
            is_free = ~largest == number
        hop = np.where(is_free, hop, hop + 1)
    hop = np.where(hop >= UNREACHED, FULL, hop)
    result = (number >> 2 * BITS << 2 * BITS) | last << BITS | hop
    return np.where(number >= ZERO, NONE, result)


def joined(parts: Sequence[Array], charge: Charge = Charge.WIDENING) -> Array:
    """Element by element, what sees all that the parts see; they broadcast."""
    seeing = [part for part in parts if not sees_nothing(part)]
    if not seeing:
        return unspecial(parts[0]) if parts else np.full((1,), NONE)
    if len(seeing) == 1 and charge is not Charge.STEP:
        return unspecial(seeing[0])
    require_room(np.broadcast_shapes(*(part.shape for part in seeing)))
    return united(reduce(np.minimum, map(spread, seeing)), charge)


def gathered(numbers: Array, axes: Sequence[int], charge: Charge) -> Array:
    """Along these axes, kept with size 1, what sees all elements."""
    mixed = tuple(axis for axis in axes if numbers.shape[axis] > 1)
    if not mixed:
        return unspecial(numbers)
    return united(spread(numbers).min(tuple(axis + 1 for axis in mixed), keepdims=True), charge)


def stepped(numbers: Array) -> Array:
    """The same elements after one step more."""
    hop = numbers & FULL
    return np.where(hop >= UNREACHED, numbers, numbers + 1)
