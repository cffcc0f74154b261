"""From the words of a command to reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.report import Report


SIZES = {"seq_len": "--seq-len N", "batch": "--batch N"}
"""Settings that are options, since a report tells and uses them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How models are to be run, as the options of a command say it.

    Its fields bear the names of the commands' parameters. device: of commands on one device. settings:
    pairs KEY=VALUE. order: one, or several with commas between them.
    """

    device: str = ""
    seq_len: int | None
    batch: int | None
    dtype: str | None
    weights: str | None = None
    activations: str | None = None
    kv: str | None = None
    settings: Sequence[str]
    fusion: str | None
    order: str
    prompt: int | None = None
    generate: int | None = None
    strict: bool
    match: str | None = None
    reach: int | None = None
    phase: str = "inference"
    optimizer: str | None = None


def run_of(words: Mapping[str, Any]) -> Run:
    """The run that a command is asked for: of its parameters, by name, those that a run has."""
    own = {field.name: words[field.name] for field in fields(Run) if field.name in words}
    return Run(**{**own, "settings": tuple(own["settings"] or ())})


def reports_of(models: Sequence[str], run: Run) -> list[Report]:
    """One report per model and order, all on the same device.

    Raises HwcostError for what is misspelt, before any model is built, or cannot be traced.
    """
    from hwcost.api import analyze, optimizer_of
    from hwcost.cli.fits import fits_of
    from hwcost.cli.output import guest, progress
    from hwcost.devices import load_device
    from hwcost.formats import asked
    from hwcost.orders.order import asked_order

    settings = [settings_for(model, run.settings, models) for model in models]
    formats = asked(dtype=run.dtype, weights=run.weights, activations=run.activations, kv=run.kv)
    optimizer_of(run.phase, run.optimizer)
    device = load_device(run.device)
    orders = orders_of(run.order)
    for order in orders:
        asked_order(order, prompt=run.prompt, generate=run.generate, seq_len=run.seq_len, phase=run.phase)
    seq_lens = [_seq_len(model, run, alone=len(models) == 1) for model in models]
    fits = fits_of(models, settings, run, seq_lens)
    reports = []
    each = zip(models, seq_lens, fits, strict=True)
    for model, seq_len, (chosen, fit), order in ((*one, order) for one in each for order in orders):
        with progress(f"analyzing {model}"), guest(model):
            report = analyze(
                model,
                device=device,
                seq_len=seq_len,
                batch=run.batch,
                weights=formats.weights,
                activations=formats.activations,
                kv=formats.kv,
                order=order,
                prompt=run.prompt,
                generate=run.generate,
                phase=run.phase,
                optimizer=run.optimizer,
                fusion=run.fusion,
                settings=chosen,
                strict=run.strict,
            )
        reports.append(report if fit is None else replace(report, fit=fit))
    if len(orders) > 1:
        reports = [_named(report, f"{report.trace.model} {report.order}") for report in reports]
    words = [model for model in models for _ in orders]
    names = distinct_names([report.trace.model for report in reports], words)
    return [_named(report, name) for report, name in zip(reports, names, strict=True)]


def reports_on(devices: Sequence[str], model: str, run: Run) -> list[Report]:
    """One report per device, of a model that is traced once; the device of the run is left aside.

    Raises HwcostError for what is misspelt, before the model is built, or cannot be traced.
    """
    from hwcost.api import analyze
    from hwcost.cli.output import guest, progress
    from hwcost.devices import load_devices
    from hwcost.formats import asked
    from hwcost.load import load_trace
    from hwcost.orders.order import parse_order

    settings = settings_for(model, run.settings)
    formats = asked(dtype=run.dtype, weights=run.weights, activations=run.activations, kv=run.kv)
    profiles = load_devices(devices)
    with progress(f"analyzing {model}"), guest(model):
        trace = load_trace(
            model, seq_len=run.seq_len, batch=run.batch, settings=settings, order=parse_order(run.order)
        )
        return [
            analyze(
                trace,
                device=profile,
                weights=formats.weights,
                activations=formats.activations,
                kv=formats.kv,
                order=run.order,
                fusion=run.fusion,
                strict=run.strict,
            )
            for profile in profiles
        ]


def devices_of(words: str, *, most: int | None = None) -> list[str]:
    """The devices among words with commas between them.

    Raises UsageError for fewer than two, one that is there twice, or more than `most`.
    """
    names = [word.strip() for word in words.split(",") if word.strip()]
    where = f"--devices {words}"
    if len(names) < 2:
        raise UsageError("fewer than two devices", where=where, mend="write --devices echo_arm,cim_edge")
    if len(set(names)) < len(names):
        raise UsageError("a device is there twice", where=where, mend="keep one of them")
    if most is not None and len(names) > most:
        raise UsageError(f"{len(names)} devices", where=where, mend=f"keep {most} of them or fewer")
    return names


def orders_of(words: str) -> list[str]:
    """The orders among words with commas between them.

    Raises UsageError for one that is misspelt, or there twice.
    """
    from hwcost.orders.order import parse_order

    orders = [parse_order(word.strip()).word for word in words.split(",")]
    if len(set(orders)) < len(orders):
        raise UsageError("an order is there twice", where=f"--order {words}", mend="keep one of them")
    return orders


def require_one_order(words: str) -> None:
    """Raise UsageError for more than one order, or one that is misspelt."""
    if len(orders_of(words)) > 1:
        raise UsageError("more than one order", where=f"--order {words}", mend="keep one of them")


def distinct_names(names: Sequence[str], words: Sequence[str]) -> list[str]:
    """Names of models side by side: where two are the same, what each was given as, else numbered."""
    given = [
        Path(word).name.removesuffix(".json") if names.count(name) > 1 else name
        for name, word in zip(names, words, strict=True)
    ]
    return [
        name if name not in given[:place] else f"{name} {given[: place + 1].count(name)}"
        for place, name in enumerate(given)
    ]


def _named(report: Report, name: str) -> Report:
    return report if name == report.trace.model else replace(report, trace=replace(report.trace, model=name))


def settings_for(model: str, pairs: Sequence[str], models: Sequence[str] = ()) -> dict[str, object]:
    """The hyper-parameters of a model among pairs KEY=VALUE, and MODEL.KEY=VALUE for one of several."""
    chosen: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        owner, dot, name = key.rpartition(".")
        if not equals or not name.strip():
            raise UsageError("no KEY=VALUE", where=f"--set {pair}", mend="write it as --set hidden_size=1024")
        if dot and owner not in (models or (model,)):
            raise UsageError(
                f"{owner!r} is none of the models", where=f"--set {pair}", mend="write MODEL.KEY=VALUE"
            )
        if dot and owner != model:
            continue
        if name.strip() in SIZES:
            raise UsageError(
                "has an option of its own", where=f"--set {pair}", mend=f"write {SIZES[name.strip()]}"
            )
        if name.strip() in chosen:
            raise UsageError(f"{name!r} is set twice", where=f"--set {pair}", mend="keep one of them")
        chosen[name.strip()] = value.strip()
    return chosen


def _seq_len(model: str, run: Run, *, alone: bool) -> int | None:
    """The sequence length for a model; beside others, a ready-made one without a time axis takes none."""
    from hwcost.models import card, model_names

    if run.seq_len is None or alone or model not in model_names():
        return run.seq_len
    return run.seq_len if "seq_len" in card(model).settings else None
