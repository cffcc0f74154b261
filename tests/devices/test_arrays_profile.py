"""Profiles of chips that compute in memory: what they become, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.devices import load_device
from hwcost.errors import ProfileError

CHIP = """\
title: A small chip of arrays
kind: compute_in_memory
sources:
  paper: "A paper, table 1"
arrays:
  proof: simulation
  style: analog
  geometry:
    rows: [64, paper]
    columns: [64, paper]
    count: [16, paper]
  weights:
    bits: [8, paper]
    cell_bits: [2, paper]
    sign_cells: [2, paper]
  input:
    coding: bit_serial
    bits: [8, paper]
    pulse_bits: [1, paper]
    pulse: [100 ns, paper]
  converter:
    bits: [8, paper]
    time: [10 ns, paper]
    columns: [8, paper]
  pipeline: [200 ns, paper]
  write:
    row: [1 us, paper]
    cell: [10 pJ, paper]
    at_once: [4, paper]
    endurance: [1e6, paper]
  energy:
    row: [1 pJ, paper]
    adc: [2 pJ, paper]
  network:
    bandwidth: [10 GB/s, paper]
    energy: [1 pJ/B, paper]
  effective_bits: [6, paper]
compute:
  vector:
    int8: [8 GOP/s, paper]
memory:
  sram:
    size: [32 KiB, paper]
    policy: pinned
  dram:
    peak_bandwidth: [4 GB/s, paper]
    policy: lru
efficiency:
  default: [0.5, paper]
latency:
  kernel: [0 s, paper]
  recurrent_step: [1 us, paper]
runtime:
  fusion: fused
"""

NEAR = """\
title: Units in a memory
kind: near_memory
sources:
  paper: "A paper, table 1"
near_memory:
  proof: silicon
  units: [128, paper]
  host:
    bandwidth: [20 GB/s, paper]
    energy: [100 pJ/B, paper]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text)
    return path


def without(text: str, first: str, *, lines: int = 1) -> str:
    """The text without some lines, from the one that begins so."""
    found = text.splitlines(keepends=True)
    (start,) = [place for place, line in enumerate(found) if line.lstrip().startswith(first)]
    return "".join(found[:start] + found[start + lines :])


def test_every_number_of_the_arrays(tmp_path: Path) -> None:
    arrays = load_device(write(tmp_path, CHIP)).arrays
    assert arrays is not None
    assert (arrays.proof, arrays.style) == ("simulation", "analog")
    assert (arrays.rows, arrays.columns, arrays.count) == (64, 64, 16)
    assert (arrays.weight_bits, arrays.cell_bits, arrays.sign_cells) == (8, 2, 2)
    assert arrays.input.pulse_s == pytest.approx(1e-7)
    assert (arrays.input.bits, arrays.input.pulse_bits, arrays.input.phases) == (8, 1, 1)
    assert arrays.converter is not None
    assert arrays.converter.convert_s == pytest.approx(1e-8)
    assert arrays.pipeline_s == pytest.approx(2e-7)
    assert arrays.writing is not None
    assert arrays.writing.cell_j == pytest.approx(1e-11)
    assert (arrays.writing.at_once, arrays.writing.endurance) == (4, 1e6)
    assert arrays.energy is not None
    assert (arrays.energy.array_j, arrays.energy.shift_j) == (0, 0)
    assert arrays.network is not None
    assert arrays.network.bytes_per_s == 1e10
    assert arrays.effective_bits == 6
    assert arrays.rows.source == "A paper, table 1"


def test_what_may_be_left_out(tmp_path: Path) -> None:
    text = CHIP
    for key, lines in (("sign_cells", 1), ("pipeline", 1), ("write:", 5), ("energy:\n", 3), ("effective", 1)):
        text = without(text, key, lines=lines)
    arrays = load_device(write(tmp_path, without(text, "network", lines=3))).arrays
    assert arrays is not None
    assert (arrays.sign_cells, arrays.pipeline_s) == (1, 0)
    assert arrays.writing is arrays.energy is arrays.network is arrays.effective_bits is None


def test_units_near_memory(tmp_path: Path) -> None:
    device = load_device(write(tmp_path, NEAR + CHIP[CHIP.index("compute:") :]))
    assert device.near_memory is not None
    assert (device.near_memory.units, device.near_memory.host.bytes_per_s) == (128, 2e10)
    assert device.arrays is None


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("rows: [64, paper]", "rows: [0, paper]", 9, "arrays.geometry.rows is zero (0)"),
        ("count: [16, paper]", "count: [0, paper]", 11, "arrays.geometry.count is zero (0)"),
        ("rows: [64, paper]", "rows: [63.5, paper]", 9, "arrays.geometry.rows is 63.5; write a whole"),
        ("columns: [64, paper]", "columns: [4, paper]", 12, "a weight takes 8 cells and an array has 4 col"),
        ("pulse_bits: [1,", "pulse_bits: [9,", 16, "pulses of 9 bits for inputs of 8"),
        ("columns: [8, paper]", "columns: [65, paper]", 21, "a converter for 65 of 64 columns"),
        ("style: analog", "style: digital", 21, "digital arrays with a converter; remove it"),
        ("style: analog", "style: optical", 7, "arrays.style is 'optical'; take one of"),
        ("at_once: [4,", "at_once: [17,", 29, "17 arrays written at once, of 16"),
        (
            "pulse: [100 ns, paper]",
            "pulse: [100 nJ, paper]",
            20,
            "is in J where s belongs; write it like 5 us",
        ),
        ("row: [1 pJ, paper]", "row: [1 us, paper]", 32, "is in s where J belongs; write it like 1.6 pJ"),
        ("row: [1 us, paper]", "row: [1 us]", 27, "arrays.write.row is not a pair"),
        ("row: [1 us, paper]", "rows: [1 us, paper]", 27, "unknown key 'rows' in arrays.write; did you mean"),
        ("proof: simulation", "proof: rumour", 6, "arrays.proof is 'rumour'"),
        ("coding: bit_serial", "coding: pulse_width", 19, "arrays.input has 'pulse_bits'; remove it"),
        ("kind: compute_in_memory", "kind: gpu", 5, "the key 'arrays' in a profile of kind gpu"),
        (
            "kind: compute_in_memory",
            "kind: near_memory",
            5,
            "the key 'arrays' in a profile of kind near_memory",
        ),
        ("  sram:", "  network:", 42, "'network' as the name of a level"),
    ],
)
def test_bad_geometry_is_one_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert CHIP.count(old) == 1
    path = write(tmp_path, CHIP.replace(old, new))
    with pytest.raises(ProfileError) as caught:
        load_device(path)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert message.startswith(f"{path}:{line}: ")


@pytest.mark.parametrize(
    ("first", "lines", "said"),
    [
        ("converter:", 4, "analog arrays have no 'converter'; add 'converter:' under arrays"),
        ("pulse_bits:", 1, "arrays.input has no 'pulse_bits'"),
        ("geometry:", 4, "arrays has no 'geometry'; add 'geometry:'"),
    ],
)
def test_what_may_not_be_left_out(tmp_path: Path, first: str, lines: int, said: str) -> None:
    with pytest.raises(ProfileError, match=said.replace("(", r"\(")):
        load_device(write(tmp_path, without(CHIP, first, lines=lines)))


def test_the_kind_needs_arrays(tmp_path: Path) -> None:
    text = CHIP[: CHIP.index("arrays:")] + CHIP[CHIP.index("compute:") :]
    with pytest.raises(ProfileError, match="the kind compute_in_memory has no 'arrays'; add 'arrays:'"):
        load_device(write(tmp_path, text))


def test_the_evidence_of_the_shipped_chips() -> None:
    proofs = {
        "isaac": "simulation",
        "puma": "simulation",
        "ibm_hermes": "silicon",
        "jia2020": "silicon",
        "tsmc_22nm_dcim": "silicon",
        "mythic_m1076": "vendor",
        "cim_edge": "modelled",
    }
    for name, proof in proofs.items():
        arrays = load_device(name).arrays
        assert arrays is not None
        assert arrays.proof == proof
    for name in ("hbm_pim", "upmem"):
        near = load_device(name).near_memory
        assert near is not None
        assert near.proof == "silicon"


def test_tiles_and_overlap(tmp_path: Path) -> None:
    own = load_device(write(tmp_path, CHIP)).arrays
    assert own is not None
    assert (own.tiles, own.overlap) == (None, "none")
    parts = "  overlap: layers\n  tiles:\n    arrays: [8, paper]\n    blocks: [4, paper]\n"
    parts += "    in_turn: [3, paper]\n    turn: [5 us, paper]\n"
    own = load_device(write(tmp_path, CHIP.replace("  effective_bits", parts + "  effective_bits"))).arrays
    assert own is not None
    assert own.tiles is not None
    assert own.overlap == "layers"
    tiles = own.tiles
    assert (tiles.arrays, tiles.blocks, tiles.in_turn) == (8, 4, 3)
    assert tiles.turn_s == pytest.approx(5e-6)


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ("  overlap: everything\n", "overlap"),
        ("  tiles:\n    arrays: [8, paper]\n", "blocks"),
        (
            "  tiles:\n    arrays: [8, paper]\n    blocks: [1.5, paper]\n    in_turn: [3, paper]\n"
            "    turn: [5 us, paper]\n",
            "blocks",
        ),
    ],
)
def test_wrong_tiles_and_overlap(tmp_path: Path, parts: str, what: str) -> None:
    with pytest.raises(ProfileError, match=what):
        load_device(write(tmp_path, CHIP.replace("  effective_bits", parts + "  effective_bits")))
