"""Recurrent layers and cells, caught whole."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from math import prod
from typing import Any

import torch

from hwcost.tracing.capture import META, Capture
from hwcost.tracing.differentiable import Call, Kept, record
from hwcost.tracing.function_mode import WholeFunction
from hwcost.training.reserve import Reserve, cell_elements

_LAYERS = {torch.lstm: "lstm", torch.gru: "gru", torch.rnn_tanh: "rnn_tanh", torch.rnn_relu: "rnn_relu"}
_CELLS = {
    torch.lstm_cell: "lstm_cell",
    torch.gru_cell: "gru_cell",
    torch.rnn_tanh_cell: "rnn_tanh_cell",
    torch.rnn_relu_cell: "rnn_relu_cell",
}
_LAYER_ARGUMENTS = (
    *("hx", "params", "has_biases", "num_layers"),
    *("dropout", "train", "bidirectional", "batch_first"),
)


def recurrent_handlers() -> dict[Any, WholeFunction]:
    """What to do instead of torch's recurrent layers and cells."""
    layers: dict[Any, WholeFunction] = {function: _layer(name) for function, name in _LAYERS.items()}
    return layers | {function: _cell(name) for function, name in _CELLS.items()}


def _layer(name: str) -> WholeFunction:
    """A recurrent layer, of a padded or a packed sequence.

    torch.lstm(input, hx, weights, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    torch.lstm(input, batch_sizes, hx, weights, has_biases, num_layers, dropout, train, bidirectional)
    """

    def layer(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        x, *rest = args
        x = capture.to_meta(x, learn=True)
        sizes = None
        if len(args) > 3 and isinstance(args[3], list | tuple):
            sizes = capture.real(rest.pop(0), "a packed sequence").tolist()
        given = dict(zip(_LAYER_ARGUMENTS, rest, strict=False)) | kwargs
        states = _states(capture, given["hx"])
        weights = [capture.to_meta(weight, learn=True) for weight in given["params"]]
        reserve = _reserve(name, x, states, given)
        width = reserve.ways * reserve.width
        outputs = [torch.empty((*x.shape[:-1], width), dtype=x.dtype, device=META)]
        outputs += [torch.empty(state.shape, dtype=state.dtype, device=META) for state in states]
        attributes = {
            "has_biases": bool(given["has_biases"]),
            "num_layers": given["num_layers"],
            "bidirectional": bool(given["bidirectional"]),
            "batch_first": bool(given.get("batch_first")),
            "batch_sizes": None if sizes is None else run_lengths(sizes),
            "projection": reserve.width if reserve.width != reserve.hidden else 0,
        }
        call = Call(
            name=f"torch.{name}",
            inputs=[x, *states, *weights],
            outputs=outputs,
            attributes=attributes | ({"dropout": given["dropout"]} if reserve.has_dropout else {}),
            backward=f"torch.{name}_backward",
            kept=_kept(reserve, x.dtype),
            keeps_outputs=1,
        )
        return record(capture, call)

    return layer


def _reserve(name: str, x: torch.Tensor, states: list[torch.Tensor], given: Mapping[str, Any]) -> Reserve:
    """What a layer keeps for its backward pass."""
    return Reserve(
        kind=name,
        positions=prod(x.shape[:-1]),
        hidden=states[-1].shape[-1],
        width=states[0].shape[-1],
        layers=given["num_layers"],
        ways=2 if given["bidirectional"] else 1,
        has_dropout=given["train"] and given["dropout"] > 0 and given["num_layers"] > 1,
    )


def _kept(reserve: Reserve, dtype: torch.dtype) -> list[Kept]:
    kept: list[Kept] = [((reserve.elements,), dtype)] if reserve.elements else []
    return [*kept, ((reserve.masked_elements,), torch.bool)] if reserve.masked_elements else kept


def run_lengths(sizes: list[int]) -> tuple[tuple[int, int], ...]:
    """[4, 4, 3, 1] as ((4, 2), (3, 1), (1, 1)): batch and number of steps with that batch."""
    return tuple((size, len(list(group))) for size, group in groupby(sizes))


def _cell(name: str) -> WholeFunction:
    """One step of a cell: torch.lstm_cell(input, hx, w_ih, w_hh, b_ih, b_hh)."""

    def cell(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = dict(zip(("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh"), args, strict=False)) | kwargs
        states = _states(capture, given["hx"])
        weights = [given[key] for key in ("w_ih", "w_hh", "b_ih", "b_hh") if given.get(key) is not None]
        weights = [capture.to_meta(weight, learn=True) for weight in weights]
        outputs = [torch.empty(state.shape, dtype=state.dtype, device=META) for state in states]
        kept = cell_elements(name.removesuffix("_cell"), states[0].numel())
        call = Call(
            name=f"torch.{name}",
            inputs=[capture.to_meta(given["input"], learn=True), *states, *weights],
            outputs=outputs,
            attributes={"has_biases": given.get("b_ih") is not None},
            backward=f"torch.{name}_backward",
            kept=[((kept,), states[0].dtype)] if kept else [],
            keeps_outputs=len(outputs),
        )
        results = record(capture, call)
        return results if len(results) > 1 else results[0]

    return cell


def _states(capture: Capture, given: Any) -> list[torch.Tensor]:
    """The initial states, of which an LSTM has two."""
    return [
        capture.to_meta(state, learn=True)
        for state in (given if isinstance(given, list | tuple) else [given])
    ]
