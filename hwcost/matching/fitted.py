"""A model made comparable: first its reach, then its width."""

from __future__ import annotations

from collections.abc import Mapping

from hwcost.matching.reach import reached
from hwcost.matching.sizes import macs, parameters
from hwcost.matching.statement import statement
from hwcost.matching.target import Target
from hwcost.matching.width import matched
from hwcost.report.fit import Change, Fit, Match, Reach


def fitted(
    model: str,
    *,
    seq_len: int | None = None,
    batch: int | None = None,
    settings: Mapping[str, object] | None = None,
    match: Target | None = None,
    reach: int | None = None,
) -> tuple[dict[str, object], Fit]:
    """The settings by which a model looks `reach` steps back and has the size `match`, and what was changed.

    model, seq_len, batch, settings: as `hwcost.load.load_trace` takes them. What is in `settings` stays.

    Raises:
        HwcostError: there is no such model or setting, it cannot be scaled, or no width of it comes near.
    """
    chosen = dict(settings or {})
    stated = statement(model, chosen, seq_len=seq_len)
    found_reach = None if reach is None else reached(stated, reach)
    if found_reach is not None:
        chosen |= _after(found_reach)
        stated = statement(model, chosen, seq_len=seq_len)
    found_match: Match | None = None
    if match is not None:
        size = (
            parameters(model, seq_len=seq_len, batch=batch)
            if match.quantity == "params"
            else macs(stated, seq_len=seq_len, batch=batch, settings=chosen)
        )
        found_match = matched(stated, match, lambda widths: size({**chosen, **widths}))
        chosen |= _after(found_match)
    return chosen, Fit(reach=found_reach, match=found_match)


def _after(changed: Reach | Match) -> dict[str, int]:
    changes: tuple[Change, ...] = changed.changes
    return {change.setting: change.after for change in changes}
