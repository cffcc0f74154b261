"""The table of units in docs/formats.md is that of the profiles (HWCOST_WRITE_GOLDEN=1 writes it)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hwcost.devices import load_device
from hwcost.formats import format_name
from hwcost.kinds.processor.rates import product_rate
from hwcost.units import dtype_bits, show

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
MARKED = re.compile(r"<!-- units -->\n(.*?)<!-- /units -->", re.DOTALL)

WORDS = ("fp32", "tf32", "fp16", "bf16", "fp8", "int8", "int4")
DEVICES = (
    *("echo_arm", "rpi3b", "rpi5", "xeon_spr_8480", "v100_sxm2", "t4", "a100_sxm_80", "h100_sxm", "rtx4090"),
    *("mi300x", "tpu_v1", "tpu_v5e", "groq_tsp"),
)


def cell(device: str, word: str) -> str:
    dtype = format_name(word)
    rate = product_rate(load_device(device), dtype)
    speed = show(rate.flop_per_s).replace(" ", "")
    return f"{rate.unit.name} {speed}" if rate.dtype == dtype else f"→ {rate.dtype} {speed}"


def table() -> str:
    lines = [f"| device | {' | '.join(WORDS)} |", "|:--" * (len(WORDS) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(cell(name, word) for word in WORDS)} |" for name in DEVICES]
    return "\n".join(lines) + "\n"


def test_units() -> None:
    text = PAGE.read_text()
    if os.environ.get("HWCOST_WRITE_GOLDEN"):
        text = MARKED.sub(lambda _: f"<!-- units -->\n{table()}<!-- /units -->", text)
        PAGE.write_text(text)
    (shown,) = MARKED.findall(text)
    assert shown == table()


def test_words_and_bits() -> None:
    text = PAGE.read_text()
    rows = re.findall(r"^\| (`[^|]*`) \| `(\w+)` \| (\d+) \|", text, re.MULTILINE)
    assert len(rows) == 10
    for words, name, bits in rows:
        assert {format_name(word) for word in re.findall(r"`(\w+)`", words)} == {name}
        assert dtype_bits(name) == int(bits)
