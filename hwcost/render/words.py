"""Numbers and names as a reader sees them: rounded, with prefixes, shortened to fit."""

from __future__ import annotations

from hwcost.units import show

UNKNOWN = "-"
ELLIPSIS = "…"
AT_LEAST = "≥ "


def quantity(value: float | None, unit: str = "", *, lower_bound: bool = False) -> str:
    """A number with an SI prefix; "-" for what is not known, "≥ " before a lower bound."""
    if value is None:
        return UNKNOWN
    return (AT_LEAST if lower_bound else "") + show(value, unit)


def plain(value: float | None, *, lower_bound: bool = False) -> str:
    """A number that takes no prefix while it is short, such as an intensity: 0.981, 153, 1.2 k."""
    if value is None:
        return UNKNOWN
    return (AT_LEAST if lower_bound else "") + (f"{value:.3g}" if 1e-4 <= abs(value) < 999.5 else show(value))


def count(value: int) -> str:
    """A count in full where it is short, with a prefix where it is long."""
    return f"{value:,}" if abs(value) < 1_000_000 else show(value)


def percent(share: float) -> str:
    """A share of 0 to 1 as a percentage; "<1 %" for what is small without being nothing."""
    if 0 < share < 0.005:
        return "<1 %"
    return f"{share * 100:.0f} %"


def ratio(value: float) -> str:
    """How many times, in two digits or three: "0.65x", "1.0x", "6.1x", "298x", "1,630x"."""
    if value < 0.995:
        return f"{value:.2g}x"
    return f"{value:.1f}x" if value < 9.95 else f"{float(f'{value:.3g}'):,.0f}x"


def plural(number: int, noun: str) -> str:
    """A count with its noun: "1 step", "1,000 steps"."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def level_label(level: str) -> str:
    """A level's name as the field writes it: DRAM, L2, HBM, flash, infinity cache."""
    is_short = len(level) <= 5
    is_abbreviation = not set(level) & set("aeiou_ ") or level.endswith(("ram", "mem"))
    if is_short and (is_abbreviation or any(letter.isdigit() for letter in level)):
        return level.upper()
    return level.replace("_", " ")


def dtype_label(dtype: str) -> str:
    """A dtype in the short way: fp32, bf16, fp8, int8."""
    if dtype.startswith("float8"):
        return "fp8"
    return dtype.replace("bfloat", "bf").replace("tfloat", "tf").replace("float", "fp")


def bound_label(bound: str) -> str:
    """What bounds an op: "compute", "latency", "free", or the label of a level."""
    return bound if bound in {"compute", "latency", "free"} else level_label(bound)


def shortened(text: str, width: int) -> str:
    """A text of at most `width` letters: of a longer one the middle is left out."""
    if len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    head = (width - 1) // 2
    tail = width - 1 - head
    return text[:head] + ELLIPSIS + text[-tail:]


def shortened_path(path: str, width: int) -> str:
    """A dotted path of at most `width` letters: the last number and what follows it stay longest."""
    if len(path) <= width:
        return path
    head, *parts = path.split(".")
    tails = [".".join(parts[start:]) for start in range(len(parts))]
    last_number = max((place for place, part in enumerate(parts) if part.isdigit()), default=len(parts) - 1)
    candidates = [f"{head}{ELLIPSIS}{tail}" for tail in tails[: last_number + 1]]
    candidates += [f"{ELLIPSIS}{tail}" for tail in tails]
    return next((text for text in candidates if len(text) <= width), shortened(path, width))


def layer_label(module: str, op: str) -> str:
    """A layer in one cell: its module, then its op without the library it comes from."""
    short = op.split(".", 1)[1].lstrip("_") if "." in op else op
    return f"{module} {short}".strip()


def shortened_label(label: str, width: int) -> str:
    """A layer's label of at most `width` letters: its op stays whole as long as its module has room."""
    if len(label) <= width:
        return label
    module, _, op = label.partition(" ")
    op = shortened(op, max(width // 2, width - len(module) - 1))
    return f"{shortened_path(module, width - len(op) - 1)} {op}".strip()


def listed(names: tuple[str, ...], *, most: int = 4) -> str:
    """Names as a list in a sentence; of many, the first and how many more."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
