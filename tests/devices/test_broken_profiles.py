"""Broken profiles: each gives one line that says what is wrong, in which file and line, and the mend."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwcost.devices import device_names, load_device
from hwcost.devices.folder import profile_folder
from hwcost.errors import ProfileError

VALID = """\
title: A small device
kind: cpu
year: 2020
sources:
  sheet: "Data sheet, page 3"
  bench: "A benchmark"
compute:
  vector:
    float32: [8 GFLOP/s, "derived: 4 lanes x 2 x 1 GHz [sheet]"]
    special: [1 GOP/s, sheet]
memory:
  registers:
    size: [512 B, sheet]
    instances: [2, sheet]
    policy: pinned
  l1:
    size: [32 KiB, sheet]
    instances: [2, "unverified: two cores"]
    peak_bandwidth: [16 GB/s, sheet]
    policy: random
  dram:
    peak_bandwidth: [4 GB/s, sheet]
    achieved_bandwidth: [2 GB/s, bench]
    policy: lru
efficiency:
  gemm: [0.5, bench]
  recurrent_step: [0.25, bench]
  default: [0.3, "unverified: below gemm"]
latency:
  kernel: [0 s, "unverified: nothing is dispatched"]
  recurrent_step: [1 us, bench]
energy:
  flop:
    float32: [2 pJ/FLOP, sheet]
  byte:
    dram: [100 pJ/B, sheet]
  static: [1 W, sheet]
runtime:
  fusion: eager
notes:
  - "The page is the third [sheet]."
"""


def write(folder: Path, content: str | bytes, name: str = "own.yaml") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path | str) -> str:
    with pytest.raises(ProfileError) as caught:
        load_device(path)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.mend
    return message


def test_the_valid_profile_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    device = load_device(path)
    assert device == load_device(str(path))
    assert (device.name, device.title, device.kind, device.year) == ("own", "A small device", "cpu", 2020)
    assert device.units[0].special_per_s == 1e9
    registers, l1, dram = device.levels
    assert registers.size_bytes == 1024  # 2 * 512 B
    assert l1.size_bytes == 65536  # 2 * 32 * 1024 B
    assert l1.size_bytes.text == "2 x 32 KiB"
    assert l1.size_bytes.evidence == "unverified"  # the count is, though the size is read
    assert l1.peak_bytes_per_s == l1.achieved_bytes_per_s == 32e9  # 2 * 16e9 B/s
    assert (dram.size_bytes, dram.peak_bytes_per_s, dram.achieved_bytes_per_s) == (None, 4e9, 2e9)
    assert device.efficiency["recurrent step"] == 0.25
    assert device.efficiency["conv"] == 0.3
    assert (device.kernel_s, device.step_s, device.static_w) == (0, 1e-6, 1)
    assert device.notes == ("The page is the third [Data sheet, page 3].",)
    assert device.numbers[0].source == "derived: 4 lanes x 2 x 1 GHz [Data sheet, page 3]"
    assert len(device.numbers) == VALID.count(": [")
    assert [number.path for number in device.unverified] == [
        "memory.l1.instances",
        "efficiency.default",
        "latency.kernel",
    ]


def test_achieved_alone_is_the_peak_too(tmp_path: Path) -> None:
    dram = load_device(write(tmp_path, VALID.replace("    peak_bandwidth: [4 GB/s, sheet]\n", ""))).levels[-1]
    assert dram.peak_bytes_per_s == dram.achieved_bytes_per_s == 2e9


# what it is, text to replace, its replacement, text in the line at fault, parts of the message
EDITS = {
    "unknown key": (
        "year: 2020",
        "yaer: 2020",
        "yaer",
        "unknown key 'yaer' in the profile; did you mean 'year'",
    ),
    "unknown key of a level": (
        "achieved_bandwidth",
        "achieved_bandwith",
        "achieved_bandwith",
        "'achieved_bandwidth'?",
    ),
    "unknown unit": ("  vector:", "  vectr:", "vectr", "did you mean 'vector'?"),
    "unknown dtype": ("    float32: [8", "    float23: [8", "float23", "did you mean 'float32'?"),
    "short dtype": ("    float32: [8", "    fp32: [8", "fp32", "write 'float32'"),
    "unknown op class": ("  gemm:", "  gem:", "gem:", "did you mean 'gemm'?"),
    "missing title": ("title: A small device\n", "", "kind", "has no 'title'"),
    "missing policy": ("    policy: random\n", "", "  l1:", "memory.l1 has no 'policy'"),
    "missing size": ("    size: [32 KiB, sheet]\n", "", "  l1:", "memory.l1 has no 'size'"),
    "missing latency": ("  kernel: [0 s,", "  recurrent: [0 s,", "recurrent: [", "'recurrent_step'?"),
    "missing default": (
        '  default: [0.3, "unverified: below gemm"]\n',
        "",
        "efficiency:",
        "efficiency has no 'default'",
    ),
    "no peak": (
        '    float32: [8 GFLOP/s, "derived: 4 lanes x 2 x 1 GHz [sheet]"]\n',
        "",
        "vector",
        "no peak",
    ),
    "empty section": ("  vector:\n", "  vector: {}\n  matrix:\n", "vector", "is no mapping"),
    "section is a word": ("runtime:\n  fusion: eager", "runtime: eager", "runtime", "runtime is no mapping"),
    "duplicate key": ("kind: cpu\n", "kind: cpu\nkind: gpu\n", "kind: gpu", "first in line 2"),
    "duplicate level": (
        "  dram:\n",
        "  l1:\n",
        "  l1:\n    peak_bandwidth: [4",
        "'l1' again, first in line 16",
    ),
    "duplicate number": (
        "    size: [32 KiB, sheet]\n",
        "    size: [32 KiB, sheet]\n    size: [64 KiB, sheet]\n",
        "64 KiB",
        "the key 'size' again",
    ),
    "no source": ("[4 GB/s, sheet]", "4 GB/s", "4 GB/s", 'write [6.4 GB/s, "SOURCE"]'),
    "source left out": ("[4 GB/s, sheet]", "[4 GB/s]", "4 GB/s", "not a pair [quantity, source]"),
    "source without quotes": (
        "[4 GB/s, sheet]",
        "[4 GB/s, derived: 4 x 1, by hand]",
        "by hand",
        "the source in quotes",
    ),
    "unknown source": ("[4 GB/s, sheet]", "[4 GB/s, sheat]", "sheat", "did you mean 'sheet'?"),
    "reason left out": ("[4 GB/s, sheet]", '[4 GB/s, "derived:"]', "[4 GB/s", "without a reason"),
    "reason left out, no colon": ("[4 GB/s, sheet]", "[4 GB/s, unverified]", "4 GB/s", "without a reason"),
    "unknown citation": ("GHz [sheet]", "GHz [shed]", "[shed]", "[shed] cites no key"),
    "unknown citation in a note": ("third [sheet]", "third [shed]", "third", "[shed] cites no key"),
    "unused source": ("sources:\n", "sources:\n  more: A book\n", "more", "nothing cites the source 'more'"),
    "bad source key": ("  sheet:", '  "a]b":', "a]b", "without brackets"),
    "citation is a number pair": ('"A benchmark"', "[A, benchmark]", "bench:", "sources.bench is no text"),
    "no unit": ("[4 GB/s,", "[4,", "[4,", "'4' has no unit where B/s belongs"),
    "wrong unit": ("[4 GB/s,", "[4 Gb/s,", "[4 Gb/s", "unknown unit 'Gb/s'"),
    "wrong prefix": ("[4 GB/s,", "[4 GGB/s,", "[4 GGB/s", "unknown unit 'GGB/s'"),
    "wrong dimension": ("[4 GB/s,", "[4 GB,", "[4 GB,", "is in B where B/s belongs"),
    "unit of a share": ("[0.5, bench]", "[50 %, bench]", "50 %", "a plain number belongs"),
    "no number": ("[4 GB/s,", "[fast,", "fast", "'fast' is not a number"),
    "negative": ("[4 GB/s,", "[-4 GB/s,", "-4", "is negative (-4 GB/s); give a finite value above zero"),
    "negative latency": ("[1 us,", "[-1 us,", "-1 us", "zero or more"),
    "zero": ("[4 GB/s,", "[0 GB/s,", "[0 GB/s", "is zero"),
    "zero by underflow": ("[4 GB/s,", "[1e-400 GB/s,", "1e-400", "is zero"),
    "nan": ("[4 GB/s,", "[nan GB/s,", "nan", "is not a number"),
    "yaml nan": ("[4 GB/s,", "[.nan,", ".nan", "is not a number"),
    "infinite": ("[4 GB/s,", "[inf GB/s,", "inf", "is not a number"),
    "infinite by overflow": ("[4 GB/s,", "[1e400 GB/s,", "1e400", "is not finite"),
    "infinite by prefix": ("[4 GB/s,", "[1e300 EB/s,", "1e300", "is not finite"),
    "infinite by instances": ("[32 KiB,", "[1.7e308 B,", "two cores", "instances is 2"),
    "half an instance": ('[2, "unver', '[2.5, "unver', "2.5", "a whole number"),
    "no instance": ('[2, "unver', '[0, "unver', "two cores", "is zero"),
    "achieved over peak": ("[2 GB/s,", "[5 GB/s,", "[5 GB/s", "achieves 5 GB/s of a peak of 4 GB/s"),
    "share over one": ("[0.5, bench]", "[1.01, bench]", "1.01", "at most 1"),
    "share of zero": ("[0.5, bench]", "[0, bench]", "[0, bench]", "is zero"),
    "bad kind": ("kind: cpu", "kind: cpus", "cpus", "kind is 'cpus'; did you mean 'cpu'?"),
    "bad policy": ("policy: random", "policy: rnd", "rnd", "memory.l1.policy is 'rnd'"),
    "bad fusion": ("fusion: eager", "fusion: [eager]", "fusion", "runtime.fusion is no word"),
    "bad year": ("year: 2020", "year: soon", "soon", "write it like 2018"),
    "no title": ("title: A small device", "title:", "title", "title is no text"),
    "null title": ("title: A small device", "title: null", "title", "title is no text"),
    "title with an escape code": (
        "title: A small device",
        'title: "\\e[31mred"',
        "title",
        "cannot be shown",
    ),
    "long text": ("A benchmark", "A" * 3000, "AAA", "a text of 3000 characters"),
    "notes are a text": ('  - "The page', '  "The page', "notes", "notes is no list"),
    "a note is a list": ('  - "The page', '  - [1, 2]\n  - "The page', "[1, 2]", "a note is no text"),
    "farthest level without bandwidth": (
        "    peak_bandwidth: [4 GB/s, sheet]\n    achieved_bandwidth: [2 GB/s, bench]\n",
        "",
        "dram:",
        "has no bandwidth",
    ),
    "registers with bandwidth": (
        "    policy: pinned",
        "    peak_bandwidth: [1 GB/s, sheet]\n    policy: pinned",
        "[1 GB/s",
        "unknown key 'peak_bandwidth' in memory.registers",
    ),
    "level named as a bound": ("  l1:\n", "  latency:\n", "  latency:\n    size", "the name of a level"),
    "level in capitals": ("  l1:\n", "  L1:\n", "  L1:", "lower-case"),
    "energy without bytes": (
        "  byte:\n    dram: [100 pJ/B, sheet]\n",
        "",
        "  flop:",
        "energy has 'flop' without 'byte'",
    ),
    "energy without flop": (
        "  flop:\n    float32: [2 pJ/FLOP, sheet]\n",
        "",
        "  byte:",
        "energy has 'byte' without 'flop'",
    ),
    "energy of no level": ("    dram: [100", "    hbm: [100", "hbm", "unknown key 'hbm' in energy.byte"),
    "energy of no unit": ("float32: [2 pJ", "float16: [2 pJ", "float16: [2", "which no unit computes"),
    "power in joules": ("[1 W, sheet]", "[1 J, sheet]", "1 J", "is in J where W belongs"),
    "python object": (
        "title: A small device",
        "title: !!python/object/apply:os.getcwd []",
        "title",
        "a profile holds plain values only",
    ),
    "python name": ("kind: cpu", "kind: !!python/name:os.system cpu", "kind", "the tag"),
    "own tag": ("kind: cpu", "kind: !cpu x", "kind", "the tag '!cpu'"),
    "anchor": ("kind: cpu", "kind: &k cpu", "kind", "the anchor or alias 'k'"),
    "alias": ("kind: cpu", "kind: *k", "kind", "the anchor or alias 'k'"),
    "merge key": ("kind: cpu", "<<: {a: b}\nkind: cpu", "<<", "unknown key '<<'"),
    "key is a list": ("kind: cpu", "[kind]: cpu", "kind", "a key that is no text"),
    "tab": ("kind: cpu", "kind:\tcpu", "kind", "a tab; use spaces"),
    "broken quotes": ('"A benchmark"', '"A benchmark', "derived: 4 lanes", "not YAML"),
    "broken indent": ("  fusion: eager", " - fusion\n  eager: 1", "eager: 1", "not YAML"),
    "second document": ("notes:\n", "---\nnotes:\n", "notes:", "one profile per file"),
    "control character": ("A small", "A \x01 small", "", "not YAML"),
}


@pytest.mark.parametrize("case", EDITS)
def test_one_line_with_file_line_and_mend(tmp_path: Path, case: str) -> None:
    old, new, at, expected = EDITS[case]
    assert old in VALID
    broken = VALID.replace(old, new, 1)
    path = write(tmp_path, broken)
    message = refusal(path)
    assert expected in message
    line = broken[: broken.index(at)].count("\n") + 1 + at.startswith("\n") if at else None
    assert message.startswith(f"{path}:{line}: " if line else f"{path}: "), message


def test_registers_must_be_nearest(tmp_path: Path) -> None:
    lines = VALID.splitlines(keepends=True)
    first, second = lines[11:15], lines[15:20]
    path = write(tmp_path, "".join([*lines[:11], *second, *first, *lines[20:]]))
    assert f"{path}:17: registers are not the nearest level; put it first" in refusal(path)


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (b"", 1, "is empty"),
        (b"# nothing\n\n", 1, "is empty"),
        (b"---\n...\n", 1, "is empty"),
        (b"- a\n- b\n", 1, "is no mapping"),
        (b"just words\n", 1, "is no mapping"),
        (b"{}", 1, "is no mapping"),
        (b"title: caf\xe9\n", 1, "not UTF-8"),
        (b"title: x\nkind: \xff\xfe\n", 2, "not UTF-8"),
        (VALID.encode("utf-16"), 1, "not UTF-8"),
        (b"\x00" * 100, None, "not YAML"),
        (b"title: " + b"[" * 500_000, 1, "nested too deep"),
        (b"title: " + b"{a: " * 100_000, 1, "nested too deep"),
        (b"".join(b" " * i + b"a:\n" for i in range(1200)), 9, "nested too deep"),
        (b"? " * 100_000, 1, "nested too deep"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", 1, "the anchor or alias 'a'"),
        (b"title: x\nmemory: *all\n", 2, "the anchor or alias 'all'"),
        (b"x" * (2**20 + 1), None, "a file of 1.0 MiB"),
    ],
)
def test_what_is_no_profile_at_all(tmp_path: Path, content: bytes, line: int | None, expected: str) -> None:
    path = write(tmp_path, content)
    message = refusal(path)
    assert message.startswith(f"{path}:{line}: " if line else f"{path}: "), message
    assert expected in message


def test_a_file_of_5_gb_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(5_000_000_000)  # a hole: it takes no room on the disk
    assert "a file of 4768.4 MiB; a profile has at most 1 MiB" in refusal(path)


def test_folders_and_devices_are_no_files(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: is a folder; give the path of one YAML profile"
    assert "is no regular file" in refusal(Path(os.devnull))
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    assert "cannot be read" in refusal(loop)


@pytest.mark.parametrize("path", ["missing.yaml", "./missing", "folder/missing.yml", Path("missing")])
def test_a_missing_file(path: str | Path) -> None:
    assert refusal(path) == f"{Path(path)}: no such file; check the path"


@pytest.mark.parametrize("path", ["a\0b.yaml", "x" * 5000 + ".yaml"])
def test_a_path_that_cannot_be(path: str) -> None:
    assert "cannot be read" in refusal(path)


@pytest.mark.parametrize(
    ("name", "near"),
    [("echo_amr", "echo_arm"), ("Echo_Arm", "echo_arm"), ("h100", "h100_sxm"), ("a100_sxm", "a100_sxm_80")],
)
def test_a_wrong_name_suggests_the_nearest(name: str, near: str) -> None:
    message = refusal(name)
    assert message.startswith(f"no device is named {name!r}; did you mean {near!r}?")


@pytest.mark.parametrize("name", ["", "zzz", "\n", "\0"])
def test_a_name_that_is_near_to_none_lists_them_all(name: str) -> None:
    assert "take one of a100_pcie_40, a100_pcie_80, a100_sxm_80, " in refusal(name)


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    assert load_device(path).title == "A small device"


TEXTS = [VALID, *(path.read_text() for path in sorted(profile_folder().glob("*.yaml")))]

PIECES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *("\t", "\0", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "!!python/name:os.system ", "? "),
            *("'", '"', "#", "|", ">", "null", "nan", "inf", "1e999", "-1", "0", "%", "\u2028", "\ufeff"),
            *("GB/s", "KiB", "9" * 5000, "registers:\n", "default:", "\n", "\n  ", "unverified: ", "1_"),
            *("---\n", "\\x", "٣"),
        ]
    ),
)


@st.composite
def mutated_profiles(draw: st.DrawFn) -> bytes:
    """A valid text after some edits: pieces cut out, put in, repeated, lines exchanged, bytes changed."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:start] + draw(PIECES) + text[start:]
            case 2:
                text = text[:start] + draw(PIECES) + text[end:]
            case _:
                lines = text.splitlines(keepends=True) or [""]
                at = draw(st.integers(0, len(lines) - 1))
                to = draw(st.integers(0, len(lines) - 1))
                lines.insert(to, lines[at] if draw(st.booleans()) else lines.pop(at))
                text = "".join(lines)
    content = text.encode("utf-8", "surrogatepass")
    if draw(st.booleans()) and content:
        at = draw(st.integers(0, len(content) - 1))
        content = content[:at] + bytes([draw(st.integers(0, 255))]) + content[at + 1 :]
    return content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles")


@given(content=mutated_profiles())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_mutation_loads_or_is_refused_in_one_line(folder: Path, content: bytes) -> None:
    path = write(folder, content)
    try:
        device = load_device(path)
    except ProfileError as error:
        message = str(error)
        assert message.isprintable()
        assert message.startswith(f"{path}:")
        assert error.mend  # noqa: PT017
    else:
        assert device.levels[-1].peak_bytes_per_s
        assert all(0 < share <= 1 for share in device.efficiency.values())
        assert all(level.achieved_bytes_per_s == level.achieved_bytes_per_s for level in device.levels)


@given(name=st.text(max_size=20))
def test_any_name_is_known_or_refused(name: str) -> None:
    if name not in device_names():
        refusal(name)
