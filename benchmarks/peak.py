"""Prints the peak resident bytes of a process that does one thing to Llama 70B: `forward` or `trace`."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.models import llama70b


def peak_bytes() -> int:
    """The high-water mark of this process; unlike ru_maxrss, it does not start at its parent's.

    Raises:
        RuntimeError: The system does not tell (only Linux does).
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def main(action: str) -> None:
    """Build the model on meta, do it, and print."""
    case = llama70b()
    if action == "trace":
        import hwcost  # here, so that the other action shows what it takes without

        hwcost.trace(case.model, *case.inputs, **case.keywords)
    else:
        case.forward()
    print(peak_bytes())


if __name__ == "__main__":
    main(sys.argv[1])
