"""The reach of a model: depth or window, as little as lets its last output look so many steps back."""

from __future__ import annotations

from typing import Final

from hwcost.matching.formula import evaluated
from hwcost.matching.search import least
from hwcost.matching.statement import Statement
from hwcost.report.fit import Change, Reach

WHOLE: Final = ("state", "attention", "source")
"""By what a model looks back over everything, as its file states it."""


def reached(stated: Statement, asked: int) -> Reach:
    """The settings by which the last output of a model looks `asked` steps back, itself included.

    A reach that is a formula of settings takes the least of the first setting of REACH_BY that is enough,
    and then the least of each further one, so that no model looks further than it must. What is
    given stays, as does everything where nothing is enough.

    Raises:
        UsageError, ModelError: the file of the model states what makes no sense.
    """
    if not stated.scaling.reach:
        is_timeless = stated.is_ready_made and "seq_len" not in stated.values
        return Reach(asked=asked, how="timeless" if is_timeless else "unstated")
    how = stated.scaling.reach
    if how not in WHOLE:
        result = evaluated(how, stated.values)
        if not isinstance(result, str):
            return _by_formula(stated, asked)
        how = result
    if how == "attention":
        return _with_positions(stated, asked)
    return Reach(asked=asked, how="state" if how == "state" else "source")


def _with_positions(stated: Statement, asked: int) -> Reach:
    """Attention over the whole sequence, with a table of as many positions where it has one."""
    for name in stated.scaling.reach_by:
        before = stated.whole(name)
        if name in stated.given and before < asked:
            return Reach(asked=asked, how="window", steps=before, held=(name,))
        seq_len = stated.values.get("seq_len")
        after = max(before, asked, seq_len if isinstance(seq_len, int) else 1)
        if name not in stated.given and after > before:
            change = Change(setting=name, before=before, after=after)
            return Reach(asked=asked, how="attention", changes=(change,))
    return Reach(asked=asked, how="attention")


def _by_formula(stated: Statement, asked: int) -> Reach:
    before = {name: stated.whole(name) for name in stated.scaling.reach_by}
    after = dict(before)

    def steps(**tried: int) -> int:
        result = evaluated(stated.scaling.reach, {**stated.values, **after, **tried})
        return int(result) if isinstance(result, int) else 0

    for name in before:
        if name not in stated.given:
            found = least(lambda value, name=name: steps(**{name: value}), asked)  # type: ignore[misc]
            after[name] = after[name] if found is None else found
    if steps() < asked:
        after = before
    held = tuple(name for name in before if name in stated.given)
    changes = (
        Change(setting=name, before=before[name], after=after[name])
        for name in before
        if after[name] != before[name]
    )
    return Reach(asked=asked, how="window", steps=steps(), changes=tuple(changes), held=held)
