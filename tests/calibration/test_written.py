from pathlib import Path

import pytest

from hwcost.api import analyze
from hwcost.calibration import profile_text
from hwcost.calibration.reading import Readings
from hwcost.devices import Device, load_device
from hwcost.errors import UsageError
from tests.calibration.synthetic import machine, readings


def loaded(folder: Path, found: Readings) -> Device:
    file = folder / "mine.yaml"
    file.write_text(profile_text(found), encoding="utf-8")
    return load_device(file)


def test_a_profile_loads(tmp_path: Path) -> None:
    device = loaded(tmp_path, readings())
    assert device.units[0].peak_flop_per_s["float32"] == pytest.approx(100e9)
    assert {"gemm", "lstm", "gru", "rnn", "lstm_cell"} <= set(device.kernels)
    assert device.levels[-1].size_bytes == 2**34
    assert not device.unverified


def test_every_number_says_when_where_and_with_what(tmp_path: Path) -> None:
    for number in loaded(tmp_path, readings()).numbers:
        assert "2026-01-02 03:04 UTC" in number.source
        assert "Chip 'X' (rev 1)" in number.source
        assert "torch 2.0" in number.source
        assert "quartiles a factor of 1.00 apart" in number.source


def test_a_busy_machine_is_told(tmp_path: Path) -> None:
    busy = readings(load=3.0)
    (warning,) = busy.warnings()
    assert "3.0 programs ran on its 4 cores" in warning
    assert warning in loaded(tmp_path, busy).notes
    assert not list(readings().warnings())


def test_unsteady_times_are_told() -> None:
    (warning,) = readings(spread=1.4).warnings()
    assert "1.40 apart" in warning


def test_without_products_there_is_no_profile() -> None:
    with pytest.raises(UsageError, match="could not multiply"):
        profile_text(Readings(machine=machine(), every=()))


def test_a_slow_dtype_is_told(tmp_path: Path) -> None:
    report = analyze("lstm", device=loaded(tmp_path, readings()), seq_len=2, dtype="float16")
    assert any("slower than in float32" in note for note in report.machine.stand_ins)
