"""The walls of the house: which room may import which, and who may import torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "hwcost"

GROUND = {"errors", "units", "graph", "report"}
"""The nouns: standard library only, and each other."""

MAY_IMPORT = {
    "errors": set(),
    "units": {"errors"},
    "graph": {"units", "tracefile"},
    "tracefile": {"errors", "graph", "units"},
    "report": {"graph", "units"},
    "devices": {"errors", "units"},
    "training": {"report", "graph", "units", "errors"},
    "rules": {"training", "graph", "units", "errors"},
    "formats": {"rules", "report", "graph", "units", "errors"},
    "memory": {"graph", "units", "errors"},
    "kinds": {"memory", "devices", "report", "graph", "units", "errors"},
    "tracing": {"training", "graph", "errors", "units"},
    "models": {"errors", "units"},
    "render": {"portrait", "report", "graph", "units", "errors", "audit", "validation", "measurement"},
    "cache": {"tracefile", "graph", "errors"},
    "dependence": {"graph", "units", "errors"},
    "orders": {"dependence", "graph", "units", "errors"},
    "sources": {"cache", "graph", "errors", "models", "orders", "tracing"},
    "matching": {"models", "load", "rules", "report", "graph", "units", "errors"},
    "audit": {"sources", "tracing", "rules", "graph"},
    "portrait": {"load", "models", "rules", "memory", "dependence", "graph", "errors", "units"},
    "passes": {"api", "devices", "report", "graph"},
    "calibration": {"memory", "devices", "units", "errors"},
    "measurement": {
        "passes",
        "calibration",
        "audit",
        "sources",
        "load",
        "devices",
        "report",
        "graph",
        "errors",
    },
    "load": {"sources", "orders", "tracefile", "graph", "errors"},
}
"""Rooms (and the few files between them) -> rooms they may import; what is not here may import all."""

TORCH = {"tracing", "models", "sources", "audit", "calibration", "measurement"}


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_go_down_only(path: Path) -> None:
    room = room_of(path)
    if room not in MAY_IMPORT:
        return
    inside = {name.split(".")[1] for name in imports(path) if name.startswith("hwcost.")}
    assert inside - {room} <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_torch_stays_in_its_rooms(path: Path) -> None:
    outside = {name.split(".")[0] for name in imports(path)}
    typing_only = "TYPE_CHECKING" in path.read_text() and room_of(path) in {"load", "api", "__init__"}
    assert "torch" not in outside or room_of(path) in TORCH or typing_only


def test_the_ground_is_standard_library() -> None:
    for path in FILES:
        if room_of(path) in GROUND | {"tracefile"}:
            outside = {name.split(".")[0] for name in imports(path)} - {"hwcost"}
            assert outside <= set(sys.stdlib_module_names), path


@pytest.mark.parametrize(
    "statement",
    ["import hwcost", "import hwcost.cli.app", "import hwcost.api", "from hwcost import load_device, Trace"],
)
def test_torch_waits_until_it_is_needed(statement: str) -> None:
    check = f"{statement}\nimport sys\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_every_file_says_in_one_sentence_what_it_is() -> None:
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text())), path
