"""Where the windows of a convolution or pool lie: kernel, strides, dilations and padding of an ONNX node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcost.errors import ModelError

if TYPE_CHECKING:
    from hwcost.sources.onnx_model.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Sizes along each dimension of space. before, after: padding. ceil: windows may end outside."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    ceil: bool = False

    @property
    def is_even(self) -> bool:
        """Whether both sides are padded alike."""
        return self.before == self.after

    @property
    def spans(self) -> tuple[int, ...]:
        """Elements from the first to the last that a kernel meets."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilations, self.kernel, strict=True))

    def counts(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Windows along each dimension of an input of these sizes: (size + padding - span) / stride + 1."""
        found = []
        rows = zip(sizes, self.spans, self.strides, self.before, self.after, strict=True)
        for size, span, stride, before, after in rows:
            room = size + before + after - span
            count = (-(-room // stride) if self.ceil else room // stride) + 1
            if self.ceil and (count - 1) * stride >= size + before:
                count -= 1
            if count < 1:
                raise ModelError(
                    f"a window of {span} does not fit into {size} elements",
                    mend="take a larger input (--seq-len, --set)",
                )
            found.append(count)
        return tuple(found)


def windows_of(call: Call, kernel: tuple[int, ...], sizes: tuple[int, ...]) -> Windows:
    """The windows of a node over an input of these sizes.

    auto_pad SAME gives as many windows as ceil(size / stride), padded by what that takes.
    """
    if len(kernel) != len(sizes):
        raise ModelError(f"a kernel of {len(kernel)} dimensions meets {len(sizes)}", mend="check the model")
    ones = (1,) * len(kernel)
    strides = tuple(call.attribute("strides", ones))
    dilations = tuple(call.attribute("dilations", ones))
    pads = tuple(call.attribute("pads", (0,) * 2 * len(kernel)))
    if min((*kernel, *strides, *dilations)) < 1 or len(pads) != 2 * len(kernel):
        raise ModelError("its kernel, strides, dilations or pads are no sizes", mend="check the model")
    before, after = pads[: len(kernel)], pads[len(kernel) :]
    mode = call.attribute("auto_pad", "NOTSET")
    if mode == "VALID":
        before = after = (0,) * len(kernel)
    if mode.startswith("SAME"):
        needed = [
            max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
            for size, s, d, k in zip(sizes, strides, dilations, kernel, strict=True)
        ]
        small, large = tuple(n // 2 for n in needed), tuple(n - n // 2 for n in needed)
        before, after = (small, large) if mode == "SAME_UPPER" else (large, small)
    return Windows(
        kernel=kernel,
        strides=strides,
        dilations=dilations,
        before=before,
        after=after,
        ceil=bool(call.attribute("ceil_mode", 0)),
    )
