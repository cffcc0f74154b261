"""What was done to models before they were compared, in words: the settings changed, the reach, the size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hwcost.render.words import UNKNOWN, count, listed, percent, plural, quantity
from hwcost.report import Report
from hwcost.report.fit import Change, Match, Reach

NOTABLE: Final = 0.01
"""From this share on, a size that is not the one asked for is said to be off."""

NOUNS: Final = {"params": "parameters", "macs": "MACs"}

UNLIMITED: Final = {
    "state": ("carries a state", "carry a state"),
    "attention": ("attends to the whole sequence", "attend to the whole sequence"),
    "source": ("attends to the whole source", "attend to the whole source"),
}
"""By what a model looks back without a limit, said of one and of several."""


def fit_notes(reports: Sequence[Report]) -> tuple[str, ...]:
    """A sentence for each model that was changed, then what holds for several."""
    done = {model_name(report): _done(report) for report in reports}
    changed = (f"{name}: {'; '.join(parts)}." for name, parts in done.items() if parts)
    return (*changed, *_unlimited(reports), *_short(reports))


def fit_words(report: Report) -> str:
    """The settings that were changed, as one writes them: "levels=12 hidden_size=645"."""
    return " ".join(f"{change.setting}={change.after}" for change in _changes(report))


def reach_cell(report: Report) -> str:
    """How many steps the last output looks back over: a count, "any", or "-" where it is not known."""
    reach = report.fit.reach if report.fit else None
    if reach is None or reach.how in {"timeless", "unstated"}:
        return UNKNOWN
    return "any" if reach.steps is None else count(reach.steps)


def _done(report: Report) -> tuple[str, ...]:
    fit = report.fit
    if fit is None:
        return ()
    parts = (
        _reached(fit.reach) if fit.reach else "",
        _matched(fit.match) if fit.match else "",
    )
    return tuple(part for part in parts if part)


def _reached(reach: Reach) -> str:
    """What was done for the reach, and how far it goes; "" for what has no limit and was not changed."""
    if reach.how == "timeless":
        return "it has no time axis, and so no reach"
    if reach.how == "unstated":
        return "its file states no reach, and it is compared as it is"
    if reach.how != "window":
        return f"{_changed(reach.changes)}, which was its limit" if reach.changes else ""
    looks = f"looks back over {plural(reach.steps or 0, 'step')}"
    if not reach.is_met:
        why = f", since {listed(reach.held)} is given" if reach.held else ", and nothing widens it"
        return f"{looks}, not {count(reach.asked)}{why}"
    return f"{_changed(reach.changes)}, which {looks}" if reach.changes else f"{looks} as it is"


def _matched(match: Match) -> str:
    size = f"{quantity(match.found)} {NOUNS[match.quantity]}"
    if abs(match.off) >= NOTABLE:
        size += f", {percent(abs(match.off))} {'more' if match.off > 0 else 'less'} than asked"
    return f"scaled {_changed(match.changes)} ({size})" if match.changes else f"as wide as it is ({size})"


def _changed(changes: Sequence[Change]) -> str:
    """The settings with their values, once for those that were and became the same."""
    names: dict[tuple[int, int], list[str]] = {}
    for change in changes:
        names.setdefault((change.before, change.after), []).append(change.setting)
    return ", ".join(f"{listed(tuple(same))} {was} -> {is_}" for (was, is_), same in names.items())


def _changes(report: Report) -> tuple[Change, ...]:
    if report.fit is None:
        return ()
    parts = (report.fit.reach, report.fit.match)
    return tuple(change for part in parts if part is not None for change in part.changes)


def _unlimited(reports: Sequence[Report]) -> tuple[str, ...]:
    """Who looks back without a limit, and by what."""
    clauses = []
    for how, (one, several) in UNLIMITED.items():
        names = tuple(dict.fromkeys(model_name(report) for report in reports if _how(report) == how))
        if names:
            clauses.append(f"{listed(names, most=8)} {one if len(names) == 1 else several}")
    return (f"{', '.join(clauses)}: no limit to the reach.",) if clauses else ()


def model_name(report: Report) -> str:
    """The model's name; beside other orders of execution it has its own behind it."""
    return report.trace.model.removesuffix(f" {report.order}")


def _how(report: Report) -> str:
    return report.fit.reach.how if report.fit and report.fit.reach else ""


def _short(reports: Sequence[Report]) -> tuple[str, ...]:
    """Sequences that end before the reach does."""
    short: dict[int, dict[str, None]] = {}
    for report in reports:
        reach, seq_len = (report.fit.reach if report.fit else None), report.trace.seq_len
        if reach is not None and seq_len is not None and seq_len < reach.asked:
            short.setdefault(seq_len, {})[model_name(report)] = None
    return tuple(
        f"{plural(seq_len, 'step')} of {listed(tuple(names), most=8)} are fewer than the reach that was asked"
        " for: nothing lies as far back."
        for seq_len, names in short.items()
    )
