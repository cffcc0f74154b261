"""Functions that are caught whole, before torch takes them apart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from types import FunctionType
from typing import Any

import torch
from torch.nn import functional

from hwcost.tracing.capture import META, Capture
from hwcost.tracing.causal_bias import is_causal_bias
from hwcost.tracing.function_mode import WholeFunction
from hwcost.tracing.python import python_handlers

_LAYERS = {torch.lstm: "lstm", torch.gru: "gru", torch.rnn_tanh: "rnn_tanh", torch.rnn_relu: "rnn_relu"}
_CELLS = {
    torch.lstm_cell: "lstm_cell",
    torch.gru_cell: "gru_cell",
    torch.rnn_tanh_cell: "rnn_tanh_cell",
    torch.rnn_relu_cell: "rnn_relu_cell",
}


def handlers() -> dict[Any, WholeFunction]:
    """What to do instead of each function that is not simply called."""
    variables: Any = torch._C._VariableFunctions
    result: dict[Any, WholeFunction] = {
        functional.scaled_dot_product_attention: _attention,
        variables._grouped_mm: _grouped_product,
        variables._pack_padded_sequence: _pack,
        variables._pad_packed_sequence: _pad,
    }
    result |= python_handlers()
    if hasattr(functional, "grouped_mm"):
        result[functional.grouped_mm] = _grouped_product
    for function, name in _LAYERS.items():
        result[function] = _layer(name)
    for function, name in _CELLS.items():
        result[function] = _cell(name)
    return result


def transparent() -> dict[Any, Callable[..., Any]]:
    """Functions that must run under the mode, as twins that do not hand themselves over to it."""
    function = functional.multi_head_attention_forward
    names = {**function.__globals__, "has_torch_function": lambda _tensors: False}
    twin = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    return {function: twin}


def _meta(capture: Capture, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return capture.to_meta(value, learn=True)
    return value


def _layer(name: str) -> WholeFunction:
    """A recurrent layer, of a padded or a packed sequence.

    torch.lstm(input, hx, weights, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    torch.lstm(input, batch_sizes, hx, weights, has_biases, num_layers, dropout, train, bidirectional)
    """

    def layer(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        names = (
            "hx",
            "params",
            "has_biases",
            "num_layers",
            "dropout",
            "train",
            "bidirectional",
            "batch_first",
        )
        x, *rest = args
        x = _meta(capture, x)
        sizes = None
        if len(args) > 3 and isinstance(args[3], list | tuple):
            sizes = capture.real(rest.pop(0), "a packed sequence").tolist()
        given = dict(zip(names, rest, strict=False)) | kwargs
        states = given["hx"] if isinstance(given["hx"], list | tuple) else [given["hx"]]
        states = [_meta(capture, state) for state in states]
        weights = [_meta(capture, weight) for weight in given["params"]]
        state_width, hidden = states[0].shape[-1], states[-1].shape[-1]
        width = (2 if given["bidirectional"] else 1) * state_width
        outputs = [torch.empty((*x.shape[:-1], width), dtype=x.dtype, device=META)]
        outputs += [torch.empty(state.shape, dtype=state.dtype, device=META) for state in states]
        capture.recorder.record(
            f"torch.{name}",
            [x, *states, *weights],
            outputs,
            {
                "has_biases": bool(given["has_biases"]),
                "num_layers": given["num_layers"],
                "bidirectional": bool(given["bidirectional"]),
                "batch_first": bool(given.get("batch_first")),
                "batch_sizes": None if sizes is None else run_lengths(sizes),
                "projection": state_width if state_width != hidden else 0,
            },
        )
        return tuple(outputs)

    return layer


def run_lengths(sizes: list[int]) -> tuple[tuple[int, int], ...]:
    """[4, 4, 3, 1] as ((4, 2), (3, 1), (1, 1)): batch and number of steps with that batch."""
    return tuple((size, len(list(group))) for size, group in groupby(sizes))


def _cell(name: str) -> WholeFunction:
    """One step of a cell: torch.lstm_cell(input, hx, w_ih, w_hh, b_ih, b_hh)."""

    def cell(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = dict(zip(("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh"), args, strict=False)) | kwargs
        states = given["hx"] if isinstance(given["hx"], list | tuple) else [given["hx"]]
        states = [_meta(capture, state) for state in states]
        weights = [given[key] for key in ("w_ih", "w_hh", "b_ih", "b_hh") if given.get(key) is not None]
        inputs = [_meta(capture, given["input"]), *states, *(_meta(capture, weight) for weight in weights)]
        outputs = [torch.empty(state.shape, dtype=state.dtype, device=META) for state in states]
        has_biases = given.get("b_ih") is not None
        capture.recorder.record(f"torch.{name}", inputs, outputs, {"has_biases": has_biases})
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    return cell


def _attention(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal, *, scale, enable_gqa)."""
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given = {"attn_mask": None, "dropout_p": 0.0, "is_causal": False, "scale": None, "enable_gqa": False}
    given |= dict(zip(names, args, strict=False)) | kwargs
    q, k, v = (_meta(capture, given.pop(name)) for name in names[:3])
    mask = given.pop("attn_mask")
    if isinstance(mask, torch.Tensor) and not is_causal_bias(mask):
        inputs = [q, k, v, _meta(capture, mask)]
    else:
        inputs = [q, k, v]
        given["is_causal"] = given["is_causal"] or mask is not None
        given["attn_mask"] = None
    lead = leading(q, k, v, is_grouped=bool(given["enable_gqa"]))
    out = torch.empty((*lead, q.shape[-2], v.shape[-1]), dtype=q.dtype, device=META)
    capture.recorder.record("torch.scaled_dot_product_attention", inputs, [out], given)
    return out


def leading(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, is_grouped: bool) -> tuple[int, ...]:
    """Batch and heads of attention's result: those of q, k and v broadcast; grouped: the heads of q."""
    shapes = [tuple(tensor.shape[:-2]) for tensor in (q, k, v)]
    if is_grouped:
        shapes = [(*shape[:-1], q.shape[-3]) for shape in shapes]
    return tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]


def _grouped_product(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """grouped_mm(a, b, offs): torch's own meta version knows one dtype only."""
    given = dict(zip(("mat_a", "mat_b", "offs", "bias"), args, strict=False)) | kwargs
    a, b = _meta(capture, given.get("mat_a")), _meta(capture, given.get("mat_b"))
    offs = _meta(capture, given.get("offs"))
    groups = (
        () if a.dim() == b.dim() + 1 or b.dim() == a.dim() + 1 else (offs if a.dim() == 2 else a).shape[:1]
    )
    out = torch.empty(
        (*groups, a.shape[-2], b.shape[-1]), dtype=given.get("out_dtype") or a.dtype, device=META
    )
    bias = _meta(capture, given.get("bias"))
    inputs = [value for value in (a, b, offs, bias) if value is not None]
    absent = {name: None for name, value in (("offs", offs), ("bias", bias)) if value is None}
    capture.recorder.record("aten._grouped_mm", inputs, [out], absent)
    return out


def _pack(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """_pack_padded_sequence(input, lengths, batch_first) -> (data, batch_sizes)."""
    given = dict(zip(("input", "lengths", "batch_first"), args, strict=False)) | kwargs
    x = _meta(capture, given["input"])
    lengths = capture.real(_meta(capture, given["lengths"]), "packing a padded sequence").tolist()
    if lengths != sorted(lengths, reverse=True) or min(lengths) <= 0:
        raise RuntimeError("lengths must be positive and sorted in decreasing order")
    batch_sizes = [sum(length > step for length in lengths) for step in range(lengths[0])]
    data = torch.empty((sum(batch_sizes), *x.shape[2:]), dtype=x.dtype, device=META)
    capture.recorder.record("aten._pack_padded_sequence", [x], [data], {"batch_first": given["batch_first"]})
    return data, torch.tensor(batch_sizes, device="cpu")


def _pad(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """_pad_packed_sequence(data, batch_sizes, batch_first, padding_value, total_length)."""
    names = ("data", "batch_sizes", "batch_first", "padding_value", "total_length")
    given = dict(zip(names, args, strict=False)) | kwargs
    data = _meta(capture, given["data"])
    sizes = capture.real(_meta(capture, given["batch_sizes"]), "padding a packed sequence").tolist()
    steps = max(given.get("total_length") or 0, len(sizes))
    lead = (sizes[0], steps) if given["batch_first"] else (steps, sizes[0])
    padded = torch.empty((*lead, *data.shape[1:]), dtype=data.dtype, device=META)
    capture.recorder.record(
        "aten._pad_packed_sequence", [data], [padded], {"batch_first": given["batch_first"]}
    )
    return padded, torch.tensor([sum(size > row for size in sizes) for row in range(sizes[0])], device="cpu")
