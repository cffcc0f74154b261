"""The shipped profiles: each loads, its numbers are what their sources say, and laws that all keep."""

import copy
import dataclasses
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import hwcost
from hwcost.devices import Device, Number, device_names, load_device
from hwcost.errors import ProfileError
from hwcost.graph import OpClass

EXPECTED = set(
    """
    echo_arm echo_gen1 rpi3b rpi4b rpi5 stm32h743 jetson_nano haswell_e5_2699v3 xeon_spr_8480
    epyc_milan_vm4 k80_die p100_pcie v100_sxm2 titan_xp t4 a100_sxm_80 h100_sxm h200_sxm rtx4090
    mi300x tpu_v1 coral_edgetpu snowflake
    echo_dot3 rpi3bplus stm32f746 stm32l4r5 jetson_agx_xavier jetson_orin_nano_8gb apple_m1
    xeon_skylake_8180 epyc_milan_socket m40 rtx3090 b200_sxm tpu_v4 tpu_v5e groq_tsp
    """.split()  # noqa: SIM905
)

DEVICES = {name: load_device(name) for name in device_names()}


def peak(name: str, dtype: str) -> float:
    return max(unit.peak_flop_per_s.get(dtype, 0.0) for unit in DEVICES[name].units)


def by_path(device: Device) -> dict[str, Number]:
    return {number.path: number for number in device.numbers}


def test_every_expected_profile_is_shipped() -> None:
    assert not EXPECTED - set(DEVICES)
    assert list(device_names()) == sorted(device_names())


def test_echo_arm_by_hand() -> None:
    device = DEVICES["echo_arm"]
    registers, l1, l2, dram = device.levels
    assert device.kind == "cpu"
    assert device.year == 2016
    (vector,) = device.units
    assert vector.peak_flop_per_s["float32"] == 48e9  # 4 cores * 1.5e9 Hz * 8
    assert registers.size_bytes == 2048  # 4 cores * 32 registers * 16 B
    assert registers.peak_bytes_per_s is None
    assert l1.size_bytes == 131072  # 4 cores * 32 * 1024 B
    assert l1.peak_bytes_per_s == 96e9  # 4 cores * 1.5e9 Hz * 16 B
    assert l1.achieved_bytes_per_s == 96e9  # no figure: the peak
    assert l2.size_bytes == 524288  # 512 * 1024 B
    assert dram.size_bytes == 536870912  # 512 * 1024 * 1024 B
    assert dram.peak_bytes_per_s == 6.4e9  # 32 bit / 8 * 1600e6 per second
    assert dram.achieved_bytes_per_s == 2.7e9
    assert device.efficiency["gemm"] == 0.35
    assert device.efficiency["depthwise"] == 0.2
    assert device.kernel_s == pytest.approx(5e-6)
    assert device.energy_j_per_flop["float32"] == pytest.approx(2.3e-12)  # (0.9 + 3.7) pJ / 2
    assert dram.energy_j_per_byte == pytest.approx(1e-10)
    assert peak("echo_arm", "float32") / float(dram.peak_bytes_per_s or 0) == pytest.approx(7.5)  # 48 / 6.4


def test_evidence_of_echo_arm() -> None:
    numbers = by_path(DEVICES["echo_arm"])
    assert numbers["memory.dram.size"].evidence == "read"
    assert "4 Gbit LPDDR3" in numbers["memory.dram.size"].source
    assert numbers["memory.dram.achieved_bandwidth"].evidence == "derived"
    assert "tinymembench" in numbers["memory.dram.achieved_bandwidth"].source  # [rock64], written out
    assert numbers["memory.l2.size"].evidence == "unverified"
    assert numbers["latency.kernel"].evidence == "unverified"
    assert numbers["compute.vector.float32"].evidence == "unverified"  # derived from what is unverified


@pytest.mark.parametrize(
    ("name", "dtype", "macs_per_byte"),
    [("tpu_v1", "int8", 1350), ("haswell_e5_2699v3", "float32", 13), ("k80_die", "float32", 9)],
)
def test_ridges_of_the_tpu_paper(name: str, dtype: str, macs_per_byte: float) -> None:
    # Jouppi et al. 2017, figures 5 to 7: multiply-adds per byte, rounded there.
    bandwidth = DEVICES[name].levels[-1].peak_bytes_per_s
    assert bandwidth is not None
    assert peak(name, dtype) / 2 / bandwidth == pytest.approx(macs_per_byte, rel=0.03)


def test_tpu_v1_is_its_array() -> None:
    assert peak("tpu_v1", "int8") == pytest.approx(65_536 * 2 * 0.7e9, rel=0.005)
    assert DEVICES["tpu_v1"].static_w == 28
    assert DEVICES["tpu_v1"].levels[1].size_bytes == 28 * 2**20


def test_an_lstm_of_1024_stays_in_the_last_cache_of_milan_and_one_of_2048_does_not() -> None:
    l3, dram = DEVICES["epyc_milan_vm4"].levels[-2:]
    assert l3.size_bytes is not None
    assert l3.achieved_bytes_per_s is not None
    assert dram.achieved_bytes_per_s is not None
    weights_1024, weights_2048 = 4 * 1024**2 * 4, 4 * 2048**2 * 4  # 16 and 64 MiB
    assert weights_1024 < l3.size_bytes < weights_2048
    # Measured: 125 ms for 1000 steps of hidden size 1024.
    assert 1000 * weights_1024 / l3.achieved_bytes_per_s == pytest.approx(0.125, rel=0.05)
    assert 1000 * weights_1024 / dram.achieved_bytes_per_s > 3 * 0.125


@pytest.mark.parametrize(
    ("name", "dtype", "flop_per_s"),
    [
        ("epyc_milan_vm4", "float32", 4 * 3.13e9 * 2 * 8 * 2),
        ("haswell_e5_2699v3", "float32", 18 * 2.3e9 * 2 * 8 * 2),
        ("v100_sxm2", "float32", 80 * 64 * 2 * 1.53e9),
        ("a100_sxm_80", "float32", 108 * 64 * 2 * 1.41e9),
        ("a100_sxm_80", "float16", 108 * 4 * 256 * 2 * 1.41e9),
        ("h100_sxm", "bfloat16", 132 * 4 * 512 * 2 * 1.83e9),
        ("titan_xp", "float32", 30 * 128 * 2 * 1.582e9),
        ("rtx4090", "float32", 128 * 128 * 2 * 2.52e9),
        ("mi300x", "float32", 304 * 128 * 2 * 2.1e9),
        ("snowflake", "int16", 256 * 2 * 250e6),
        ("jetson_nano", "float32", 128 * 2 * 0.9216e9),
    ],
)
def test_peaks_are_units_times_clock(name: str, dtype: str, flop_per_s: float) -> None:
    assert peak(name, dtype) == pytest.approx(flop_per_s, rel=0.02)


def test_deepbench_fit_of_titan_xp() -> None:
    # DeepBench, GRU of hidden size 2560 at batch 1, 1500 steps: 190.7 us per step.
    device = DEVICES["titan_xp"]
    bandwidth = device.levels[-1].peak_bytes_per_s
    assert device.family is not None
    steps = device.family.kernels["vector"].steps
    assert steps is not None
    assert bandwidth is not None
    step_s = steps.narrow_step_s + 3 * 2560**2 * 4 / (bandwidth * steps.vector_share)
    assert step_s == pytest.approx(190.7e-6, rel=0.08)


@pytest.mark.parametrize("device", DEVICES.values(), ids=list(DEVICES))
class TestLaws:
    def test_achieved_is_at_most_peak(self, device: Device) -> None:
        for level in device.levels:
            peak_rate, achieved = level.peak_bytes_per_s, level.achieved_bytes_per_s
            assert (peak_rate is None) == (achieved is None)
            assert peak_rate is None or 0 < (achieved or 0) <= peak_rate

    def test_one_instance_of_a_level_is_no_smaller_than_of_the_one_nearer(self, device: Device) -> None:
        sizes = [n for n in device.numbers if n.path.startswith("memory.") and n.path.endswith(".size")]
        assert sizes == sorted(sizes)

    def test_each_number_is_there_once_and_knows_its_source(self, device: Device) -> None:
        paths = [number.path for number in device.numbers]
        assert len(paths) == len(set(paths))
        assert all(number.source and number.text for number in device.numbers)

    def test_all_instances_together(self, device: Device) -> None:
        numbers = by_path(device)
        for level in device.levels:
            count = numbers.get(f"memory.{level.name}.instances", 1)
            for key, value in (("size", level.size_bytes), ("peak_bandwidth", level.peak_bytes_per_s)):
                one = numbers.get(f"memory.{level.name}.{key}")
                assert one is None or value == pytest.approx(count * one)

    def test_what_is_derived_from_unverified_numbers_is_unverified(self, device: Device) -> None:
        assert not [n for n in device.numbers if n.evidence == "derived" and "unverified" in n.source]
        assert set(device.unverified) == {n for n in device.numbers if n.evidence == "unverified"}

    def test_memory_can_be_timed_and_reached(self, device: Device) -> None:
        assert device.levels[-1].achieved_bytes_per_s
        assert all(level.size_bytes for level in device.levels[:-1])
        assert all(level.name != "registers" for level in device.levels[1:])

    def test_efficiency_covers_every_class(self, device: Device) -> None:
        classes = set(get_args(OpClass)) - {"view", "unknown"}
        assert set(device.efficiency) == classes | {"default"}
        assert all(0 < share <= 1 for share in device.efficiency.values())

    def test_energy_is_whole_or_absent(self, device: Device) -> None:
        assert bool(device.energy_j_per_flop) == (device.levels[-1].energy_j_per_byte is not None)

    def test_no_number_is_out_of_this_world(self, device: Device) -> None:
        # Bounds between a microcontroller and a data centre, to catch a wrong prefix.
        bounds = {"B": (64, 1e12), "B/s": (1e8, 1e14), "FLOP/s": (1e7, 1e16), "s": (0, 1e-3)}
        # Arrays come in thousands, and cells bear up to 1e9 writes.
        most = 1e9 if device.arrays or device.near_memory else 1000
        for number in device.numbers:
            low, high = bounds.get(number.unit, (0, most))
            assert low <= number <= high, number.path


def test_numbers_can_be_copied_and_pickled() -> None:
    device = DEVICES["echo_arm"]
    for same in (copy.deepcopy(device), pickle.loads(pickle.dumps(device))):
        assert same == device
        assert same.levels[-1].size_bytes.source == device.levels[-1].size_bytes.source
    assert dataclasses.asdict(device)["kernel_s"].evidence == "unverified"


def test_profiles_are_found_inside_an_installed_package(tmp_path: Path) -> None:
    source = Path(hwcost.__file__).parent
    package = tmp_path / "hwcost"
    for file in ("__init__.py", "errors.py", "units.py"):
        package.mkdir(exist_ok=True)
        (package / file).write_text("" if file == "__init__.py" else (source / file).read_text())
    (package / "devices").mkdir()
    for path in (source / "devices").glob("*.py"):
        (package / "devices" / path.name).write_text(path.read_text())
    (package / "device_profiles").mkdir()
    profile = source.parent / "device_profiles" / "echo_arm.yaml"
    (package / "device_profiles" / profile.name).write_text(profile.read_text())
    code = "from hwcost.devices import *; print(device_names(), load_device('echo_arm').kind)"
    run = [sys.executable, "-c", code]
    output = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert output == "('echo_arm',) cpu\n"


def test_loading_runs_no_torch_and_no_difflib() -> None:
    code = (
        "import sys; from hwcost.devices import load_device; load_device('echo_arm');"
        "print([name for name in ('torch', 'numpy', 'difflib') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "[]\n"


def test_the_worked_example_of_the_docs_loads(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "devices.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL)
    path = tmp_path / "mine.yaml"
    path.write_text(example)
    device = load_device(path)
    compute, dram = device.units[0].peak_flop_per_s["float32"], device.levels[-1]
    assert compute / dram.peak_bytes_per_s == pytest.approx(10)  # 32 / 3.2
    assert device.efficiency["gemm"] * compute / dram.achieved_bytes_per_s == pytest.approx(6.24)


def test_the_errors_of_the_docs_are_what_it_says(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "devices.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL)
    edits = [
        ("peak_bandwidth: [3.2", "peak_bandwith: [3.2"),
        ("[3.2 GB/s,", "[3.2 GB,"),
        ("[2 GB/s,", "[20 GB/s,"),
    ]
    for old, new in edits:
        path = tmp_path / "mine.yaml"
        path.write_text(example.replace(old, new, 1))
        with pytest.raises(ProfileError) as caught:
            load_device(path)
        assert str(caught.value).replace(f"{tmp_path}/", "    ") in docs
