from pathlib import Path

import pytest

import hwcost.calibration
from hwcost.cli.app import app
from hwcost.devices import load_device
from hwcost.errors import UsageError
from tests.calibration.synthetic import readings


def run(*words: str) -> None:
    app(list(words), standalone_mode=False, prog_name="hwcost")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Nothing is timed: the synthetic machine stands for this one."""
    asked: list[dict[str, object]] = []

    def stand_in(**options: object) -> object:
        asked.append(options)
        return readings(load=3.0)

    monkeypatch.setattr(hwcost.calibration, "calibrated", stand_in)
    return asked


def test_a_profile_is_written(
    tmp_path: Path, measured: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    run("calibrate", "--threads", "1", "-o", str(file))
    assert load_device(file).kernels
    assert measured[0]["threads"] == 1
    assert "warning: The machine was busy" in capsys.readouterr().err


def test_a_file_is_not_written_over(tmp_path: Path, measured: list[dict[str, object]]) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("kept")
    with pytest.raises(UsageError, match="is there already; give another name, or --force"):
        run("calibrate", "-o", str(file))
    assert (file.read_text(), measured) == ("kept", [])
    run("calibrate", "-o", str(file), "--force")
    assert load_device(file).kernels


def test_a_wrong_name_is_told_before_anything_is_measured(
    tmp_path: Path, measured: list[dict[str, object]]
) -> None:
    with pytest.raises(UsageError, match=r"end it in \.yaml"):
        run("calibrate", "-o", str(tmp_path / "mine.json"))
    with pytest.raises(UsageError, match="its folder does not exist"):
        run("calibrate", "-o", str(tmp_path / "none" / "mine.yaml"))
    assert measured == []


def test_no_cuda_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="no CUDA device here; take --on cpu"):
        run("calibrate", "--on", "cuda", "-o", str(tmp_path / "gpu.yaml"))


def test_measure_tells_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    run("measure", "lstm", "--seq-len", "2", "--repeat", "1", "--device", "epyc_milan_vm4")
    assert "lstm takes" in capsys.readouterr().out


def test_measure_takes_no_saved_trace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no module"):
        run("measure", str(tmp_path / "saved.json"))
