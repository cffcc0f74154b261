"""Ops that eager runtimes compute on a CPU element by element, whatever its vector unit could do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hwcost.devices.device import Device
from hwcost.graph import Tensor, Work

LOOP_S: Final[Mapping[str, float]] = {"max_pool": 3.5e-9, "avg_pool": 1.2e-9}
"""Seconds of one core per element of a window, PyTorch over images whose rows lie side by side.

Measured on a core of an EPYC 9004 (Zen 4), fp32, torch 2: max pool 2.6 to 5.4 ns, mean pool 0.95 to 1.9 ns
(3 x 3 and 2 x 2, 14 to 224 wide). On a core of a Xeon Platinum 8260 at 2.4 GHz 5.304 and 2.032 ms for
64 x 112 x 112, 3 x 3 / 2 (pytorch/pytorch, pull requests 42719 and 47490): 2.9 and 1.1 ns."""

DIMENSIONS: Final = 3
"""Least dimensions of an image with its channels, without the batch."""


def loop_s(work: Work, device: Device) -> float:
    """Seconds of one call of such an op, all cores at work; 0 for every other op, and where nothing is known.

    With the channels side by side the loop runs over vectors, and compiled runtimes make one of their own, as
    the libraries of a family may.
    """
    if device.kind != "cpu" or device.fusion != "eager" or device.family is not None:
        return 0.0
    name = work.op.name.partition(".")[2].removeprefix("mkldnn_")
    seconds = next((found for prefix, found in LOOP_S.items() if name.startswith(prefix)), 0.0)
    if not seconds or name.endswith("backward") or not _lies_in_rows(work.op.inputs[0]):
        return 0.0
    return seconds * work.vector_ops / device.cores


def _lies_in_rows(image: Tensor) -> bool:
    """Whether neighbours of a row are neighbours in memory, of an image of two dimensions or more."""
    return len(image.shape) >= DIMENSIONS and image.strides[-1] == 1
