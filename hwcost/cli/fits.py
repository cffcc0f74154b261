"""From the words --match and --reach to settings by which models are comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.cli.run import Run
    from hwcost.report.fit import Fit

WHY_NO_REACH = {
    "timeless": ("it has no time axis", "leave --reach out"),
    "unstated": ("its file states no REACH", 'write REACH = "state", or the like, into it'),
    "window": ("it cannot look back as far", "leave out what --set gives, or --reach"),
}


def fits_of(
    models: Sequence[str],
    settings: Sequence[Mapping[str, object]],
    run: Run,
    seq_lens: Sequence[int | None],
) -> list[tuple[dict[str, object], Fit | None]]:
    """The settings of each model and what was done to them; None where nothing was asked for.

    Raises:
        HwcostError: `match` is misspelt, a model cannot be scaled, or none can look back as far.
    """
    if run.match is None and run.reach is None:
        return [(dict(chosen), None) for chosen in settings]
    from hwcost.cli.output import guest, progress
    from hwcost.matching import fitted, target

    size = None if run.match is None else target(run.match)
    fits: list[tuple[dict[str, object], Fit | None]] = []
    for model, chosen, seq_len in zip(models, settings, seq_lens, strict=True):
        with progress(f"scaling {model}"), guest(model):
            fits.append(
                fitted(model, seq_len=seq_len, batch=run.batch, settings=chosen, match=size, reach=run.reach)
            )
    reaches = [fit.reach for _, fit in fits if fit is not None and fit.reach is not None]
    if reaches and not any(found.is_met for found in reaches):
        what, mend = WHY_NO_REACH[reaches[0].how]
        raise UsageError(f"--reach {run.reach}: {what}", where=models[0], mend=mend)
    return fits
