"""What the system tells of the machine: processor, caches, load, versions."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hwcost.calibration.reading import Machine

CPU_INFO: Final = Path("/proc/cpuinfo")
CACHES: Final = Path("/sys/devices/system/cpu/cpu0/cache")
UNITS: Final = {"K": 2**10, "M": 2**20, "G": 2**30}


def this_machine(device: str, threads: int) -> Machine:
    """The machine as the system describes it, with its load before anything is measured."""
    import torch

    caches: tuple[tuple[str, int], ...]
    if device == "cuda":
        found = torch.cuda.get_device_properties(0)
        title, memory = found.name, found.total_memory
        caches = (("l2", found.L2_cache_size),) if getattr(found, "L2_cache_size", 0) else ()
        cuda = f", CUDA {torch.version.cuda}"
    else:
        title, memory, cuda = cpu_title(_text(CPU_INFO)), _memory_bytes(), ""
        caches = cache_sizes(CACHES, threads)
    versions = (
        f"torch {torch.__version__}{cuda}",
        f"Python {platform.python_version()}",
        platform.platform(),
    )
    return Machine(
        title=title,
        kind="gpu" if device == "cuda" else "cpu",
        when=datetime.now(tz=UTC).strftime("%Y-%m-%d %H:%M UTC"),
        versions=", ".join(versions),
        threads=threads,
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
        memory_bytes=memory,
        caches=caches,
    )


def cpu_title(text: str) -> str:
    """The processor as /proc/cpuinfo names it, with family and model; else what Python knows of it."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip(), value.strip())
    name = found.get("model name") or platform.processor() or platform.machine() or "unknown processor"
    parts = [f"{key.removeprefix('cpu ')} {found[key]}" for key in ("cpu family", "model") if key in found]
    return f"{name} ({', '.join(parts)})" if parts else name


def cache_sizes(folder: Path, threads: int) -> tuple[tuple[str, int], ...]:
    """(name, bytes) of the data caches, nearest first: private ones once per thread, shared ones once."""
    found = {}
    for index in sorted(folder.glob("index*")):
        level, kind, size = (_text(index / key).strip() for key in ("level", "type", "size"))
        if kind == "Instruction" or not size[:-1].isdigit() or size[-1] not in UNITS:
            continue
        is_private = _text(index / "shared_cpu_list").strip().isdigit()
        found[f"l{level}"] = int(size[:-1]) * UNITS[size[-1]] * (threads if is_private else 1)
    return tuple(sorted(found.items()))


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
