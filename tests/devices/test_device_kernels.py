from pathlib import Path

import pytest

from hwcost.devices import Device, load_device
from hwcost.errors import ProfileError

PROFILE = """\
title: "T"
kind: cpu
compute:
  vector:
    float32: [100 GFLOP/s, "measured: here"]
memory:
  dram:
    peak_bandwidth: [20 GB/s, "measured: here"]
    policy: lru
efficiency:
  default: [0.5, "measured: here"]
latency:
  kernel: [1 us, "measured: here"]
  recurrent_step: [1 us, "measured: here"]
kernels:
  lstm:
    start: [0.3 us, "measured: here"]
    pack: {1024: [0.2 ns/B, "measured: here"]}
    peak_share: {1: [0.25, "measured: here"]}
    level_share:
      dram: {1: [0.5, "measured: here"]}
runtime:
  fusion: eager
"""


def loaded(folder: Path, text: str) -> Device:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return load_device(file)


def test_every_number_is_there(tmp_path: Path) -> None:
    device = loaded(tmp_path, PROFILE)
    lstm = device.kernels["lstm"]
    assert (lstm.start_s, lstm.call_s) == (pytest.approx(0.3e-6), None)
    assert lstm.pack_s_per_byte == {1024: pytest.approx(0.2e-9)}
    assert lstm.level_share == {"dram": {1: 0.5}}
    paths = [number.path for number in device.numbers]
    assert "kernels.lstm.pack.1024" in paths
    assert "kernels.lstm.level_share.dram.1" in paths


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("  lstm:", "  lstn:", r"mine.yaml:16: unknown key 'lstn' in kernels; did you mean 'lstm'\?"),
        ("{1: [0.25", "{one: [0.25", "'one' as a count in kernels.lstm.peak_share"),
        ("{1: [0.25", "{0: [0.25", "'0' as a count"),
        ("[0.25,", "[1.25,", "kernels.lstm.peak_share.1 is 1.25; a share"),
        ("      dram: {1", "      dran: {1", "did you mean 'dram'"),
        ("0.2 ns/B", "0.2 ns", "'0.2 ns' is in s where s/B belongs"),
        ("    start: [0.3", "    stort: [0.3", "unknown key 'stort'"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, good: str, bad: str, message: str) -> None:
    assert good in PROFILE
    with pytest.raises(ProfileError, match=message):
        loaded(tmp_path, PROFILE.replace(good, bad))
