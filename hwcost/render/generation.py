"""A generation in words and numbers: how long its tokens take, and what they move and keep."""

from __future__ import annotations

from hwcost.render.words import UNKNOWN, bound_label, level_label, plural, quantity
from hwcost.report import Generation, Report


def generation_rows(report: Report) -> tuple[tuple[str, ...], ...]:
    """One quantity per row, with what it is; nothing for any other order."""
    found = report.generation
    if found is None:
        return ()
    level = level_label(report.farthest_level) or "memory"
    prompt = f"expected, {_bound(found.prefill.bound)}: a prompt of {plural(found.prompt, 'token')}"
    rows = [("time to first token", quantity(found.first_token_s, "s"), prompt)]
    if found.decode is not None:
        behind = f"expected, {_bound(found.decode.bound)}: mean of the {found.tokens - 1:,} behind it"
        whole = "" if found.batch == 1 else f" of all {found.batch:,} sequences"
        most = found.roofline_tokens_per_s
        roof = "" if most is None else f"; no run exceeds {tokens_per_s(most)}"
        rows += [
            ("time per token", quantity(found.token_s, "s"), behind),
            ("tokens per second", tokens_per_s(found.tokens_per_s), f"expected{whole}{roof}"),
            (f"{level} bytes per token", quantity(found.token_bytes, "B"), "expected"),
            ("energy per token", _energy(found), "expected"),
        ]
    if found.cache_bytes:
        rows.append(("cache per token", quantity(found.cache_bytes, "B"), "keys and values, counted"))
    rows.append(("weights and state", quantity(report.held_bytes, "B"), _room(report)))
    return tuple(row for row in rows if row[1])


def tokens_per_s(value: float | None) -> str:
    """Tokens per second as they are quoted: 0.72, 119, 2,310; "-" for what is not known."""
    if value is None:
        return UNKNOWN
    return f"{value:.3g}" if value < 999.5 else f"{float(f'{value:.4g}'):,.0f}"


def _bound(bound: str) -> str:
    return f"{bound_label(bound)} bound"


def _energy(found: Generation) -> str:
    return "" if found.token_j is None else quantity(found.token_j, "J")


def _room(report: Report) -> str:
    """Whether the memory of the device holds it."""
    memory = report.machine.memory_bytes
    if memory is None:
        return ""
    verb = "fits" if report.fits else "does not fit"
    return f"{verb} in the {quantity(memory, 'B')} of {report.machine.name}"
