"""Analysis of a saved trace, whole processes: seconds, and whether torch was imported."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import hwcost
from benchmarks.clock import CONSOLE, rounds, run
from benchmarks.clock import hwcost as command
from benchmarks.models import CASES
from benchmarks.result import Result

GOAL_S: Final = 0.5
DEVICE: Final = ("--device", "echo_arm")


def torch_modules(path: Path) -> int:
    """How many of torch's modules the analysis imports, by Python's own log of imports."""
    log = run(["-X", "importtime", "-c", CONSOLE, "analyze", str(path), *DEVICE]).stderr
    names = [line.rpartition("|")[2].strip() for line in log.splitlines() if line.startswith("import time:")]
    if "hwcost" not in names:
        raise RuntimeError("the log of imports does not even show hwcost")
    return sum(name.partition(".")[0] == "torch" for name in names)


def results(repeats: int) -> Iterator[Result]:
    """Two lines per trace."""
    with TemporaryDirectory() as folder:
        paths = {"lstm": Path(folder) / "lstm.json"}
        command("trace", "lstm", "-o", str(paths["lstm"]), cache=folder)
        for number, (name, make) in enumerate(CASES.items()):
            case = make()
            paths[name] = Path(folder) / f"{number}.json"
            hwcost.trace(case.model, *case.inputs, **case.keywords).save(paths[name])
        cases = {name: partial(command, "analyze", str(path), *DEVICE) for name, path in paths.items()}
        for name, seconds in rounds(cases, repeats).items():
            size = f"{paths[name].stat().st_size / 1e6:.3g} MB"
            yield Result(what=f"analyze a saved {name}", values=seconds, unit="s", goal=GOAL_S, note=size)
        for name, path in paths.items():
            count = torch_modules(path)
            yield Result(what=f"modules of torch imported: {name}", values=[count], unit="", goal=0.0)
