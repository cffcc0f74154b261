"""A network that grows op by op, as torch would record it, made without torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from hwcost.graph import Attribute, Op, Role, Storage, Tensor, contiguous


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A network as it grows. dtype: of all tensors.

    is_eager: batch norms, activations and sums are ops of their own; else they ride with the op before.
    is_training: batch norms take the statistics of the batch.
    """

    dtype: str
    is_eager: bool
    is_training: bool = False
    ops: list[Op] = field(default_factory=list)

    def add(
        self, name: str, inputs: tuple[Tensor, ...], shape: tuple[int, ...], **given: Attribute
    ) -> Tensor:
        """One more op of these inputs; its result. name: without a library that of torch's own ops."""
        y = self.tensor("y", shape, "activation")
        full = name if "." in name else f"aten.{name}"
        self.ops.append(Op(name=full, inputs=inputs, outputs=(y,), attributes=given))
        return y

    def tensor(self, key: str, shape: tuple[int, ...], role: Role) -> Tensor:
        """A tensor of its own."""
        storage = Storage(id=f"{key}{len(self.ops)}", elements=prod(shape), dtype=self.dtype, role=role)
        return contiguous(storage, shape)


def conv(
    plan: Plan,
    x: Tensor,
    filters: int,
    kernel: int,
    stride: int = 1,
    *,
    padding: int | None = None,
    groups: int = 1,
    has_norm: bool = True,
    activation: str = "relu",
) -> Tensor:
    """A convolution with its batch norm and its activation, padded to keep the size at stride 1."""
    pad = kernel // 2 if padding is None else padding
    n, channels, *image = x.shape
    height, width = ((size + 2 * pad - kernel) // stride + 1 for size in image)
    w = plan.tensor("w", (filters, channels // groups, kernel, kernel), "weight")
    sizes: dict[str, Attribute] = {
        "stride": (stride, stride),
        "padding": (pad, pad),
        "dilation": (1, 1),
        "output_padding": (0, 0),
    }
    shape = (n, filters, height, width)
    y = plan.add("convolution", (x, w), shape, bias=None, transposed=False, groups=groups, **sizes)
    if not plan.is_eager:
        return y
    if has_norm:
        values = tuple(plan.tensor(f"norm{i}.", (filters,), "weight") for i in range(4))
        y = plan.add(
            "native_batch_norm", (y, *values), shape, training=plan.is_training, momentum=0.1, eps=1e-5
        )
    return plan.add(activation, (y,), shape) if activation else y
