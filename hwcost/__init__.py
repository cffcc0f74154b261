"""What a PyTorch model costs on a device, what limits it, and what would change that."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwcost.api import analyze
    from hwcost.devices import Device, load_device
    from hwcost.errors import HwcostError
    from hwcost.graph import Trace
    from hwcost.report import Report
    from hwcost.tracing.tracer import trace

__all__ = ["Device", "HwcostError", "Report", "Trace", "analyze", "load_device", "trace"]

_HOMES = {
    "analyze": "hwcost.api",
    "Device": "hwcost.devices",
    "load_device": "hwcost.devices",
    "HwcostError": "hwcost.errors",
    "Trace": "hwcost.graph",
    "Report": "hwcost.report",
    "trace": "hwcost.tracing.tracer",
}
"""Where each public name lives: imported when it is first used, so that torch waits until then."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hwcost' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
