"""Recurrent layers: LSTM, GRU and RNN nodes as torch's layers of one level.

ONNX packs weights W[D,gH,I], R[D,gH,H] and B[D,2gH] over D directions: those of a direction are views of
them. The order of the gates within, a layer that runs backwards only, and whether a GRU resets its state
before or after the product change no count.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import OPS

GATES: Final = {"LSTM": 4, "GRU": 3, "RNN": 1}
STATES: Final = {"LSTM": 2, "GRU": 1, "RNN": 1}
INITIAL_STATE: Final = 5
PEEPHOLES: Final = 7
USUAL: Final = {
    "LSTM": ({"sigmoid"}, {"tanh"}, {"tanh"}),
    "GRU": ({"sigmoid"}, {"tanh"}),
    "RNN": ({"tanh", "relu"},),
}
"""Activations that the counted layers have."""

_FUNCTIONS: Any = torch._C._VariableFunctions  # noqa: SLF001  where torch keeps functions without a public name


@OPS.add("LSTM", "GRU", "RNN", folds=False)
def recurrent_layer(call: Call) -> Any:
    """(Y[T,D,N,H], Y_h[D,N,H], and Y_c of an LSTM) of X[T,N,I]; batch first where layout is 1."""
    x, batch_first = call.tensor(0), bool(call.attribute("layout", 0))
    weights, directions, hidden = _weights(call)
    if x.dim() != 3 or x.shape[-1] != weights[0].shape[-1]:
        raise ModelError(
            f"its weights take {weights[0].shape[-1]} features of T x N x I", mend="check the model"
        )
    _say_what_is_left_out(call)
    batch = x.shape[0] if batch_first else x.shape[1]
    states = [_state(call, place, (directions, batch, hidden), x) for place in range(STATES[call.node.op])]
    states = [state.transpose(0, 1) if batch_first and state.shape[0] == batch else state for state in states]
    lengths = _lengths(call, x.shape[1] if batch_first else x.shape[0])
    has_biases = call.has(3)
    if lengths is None:
        result = _layer(call)(x, _hx(states), weights, has_biases, 1, 0.0, False, directions > 1, batch_first)
        y = result[0]
    else:
        data, sizes = _FUNCTIONS._pack_padded_sequence(x, lengths, batch_first)  # noqa: SLF001
        result = _layer(call)(data, sizes, _hx(states), weights, has_biases, 1, 0.0, False, directions > 1)
        steps = x.shape[1] if batch_first else x.shape[0]
        y = _FUNCTIONS._pad_packed_sequence(result[0], sizes, batch_first, 0.0, steps)[0]  # noqa: SLF001
    y = y.reshape(*y.shape[:-1], directions, hidden)
    if batch_first:
        return y, *(state.transpose(0, 1) for state in result[1:])
    return y.permute(0, 2, 1, 3), *result[1:]


def _layer(call: Call) -> Any:
    if call.node.op != "RNN":
        return {"LSTM": torch.lstm, "GRU": torch.gru}[call.node.op]
    return torch.rnn_relu if _activations(call)[:1] == ["relu"] else torch.rnn_tanh


def _hx(states: list[torch.Tensor]) -> Any:
    return tuple(states) if len(states) > 1 else states[0]


def _weights(call: Call) -> tuple[list[torch.Tensor], int, int]:
    """Torch's list of weights, the number of directions, and the hidden size."""
    w, r, b = call.tensor(1), call.tensor(2), call.optional(3)
    directions = 2 if call.attribute("direction", "forward") == "bidirectional" else 1
    gates, hidden = GATES[call.node.op], r.shape[-1]
    rows = (directions, gates * hidden)
    fits = w.dim() == r.dim() == 3 and w.shape[:2] == rows == r.shape[:2]
    if not fits or (b is not None and b.shape != (directions, 2 * gates * hidden)):
        shapes = ", ".join("x".join(map(str, part.shape)) for part in (w, r, b) if part is not None)
        raise ModelError(
            f"its weights {shapes} are not those of {directions} directions", mend="check the model"
        )
    weights = []
    for direction in range(directions):
        weights += [w[direction], r[direction]]
        if b is not None:
            weights += torch.split(b[direction], gates * hidden)
    return weights, directions, hidden


def _state(call: Call, place: int, shape: tuple[int, int, int], like: torch.Tensor) -> torch.Tensor:
    """An initial state, zero where none is given."""
    if call.has(INITIAL_STATE + place):
        return call.tensor(INITIAL_STATE + place)
    return torch.zeros(shape, dtype=like.dtype, device=call.device)


def _lengths(call: Call, steps: int) -> torch.Tensor | None:
    """The lengths of the sequences, longest first, None where all are whole or nothing is known of them."""
    if not call.has(4):
        return None
    known = call.real(4)
    if known is None or call.run.is_guess(call.value(4)):
        call.run.note("sequence lengths are data: all sequences were taken as long as the input")
        return None
    with call.run.paused():
        numbers = sorted((int(n) for n in known.flatten().tolist()), reverse=True)
        if min(numbers, default=steps) == steps:
            return None
        if numbers[-1] < 1 or numbers[0] > steps:
            raise ModelError(
                f"its sequences have {numbers[-1]} to {numbers[0]} of {steps} steps", mend="check them"
            )
        return torch.tensor(numbers, dtype=torch.int64, device="cpu")


def _activations(call: Call) -> list[str]:
    return [str(name).lower() for name in call.attribute("activations", ())]


def _say_what_is_left_out(call: Call) -> None:
    names, usual = _activations(call), USUAL[call.node.op]
    odd = sorted({name for name, known in zip(names, usual * 2, strict=False) if name not in known})
    left_out = [f"the activation {name[:20]}" for name in odd]
    left_out += ["peephole weights"] if call.has(PEEPHOLES) else []
    left_out += ["the clip of its gates"] if call.attribute("clip") else []
    if left_out:
        call.run.note(
            f"{call.node.label}: counted as the usual {call.node.op}, without {', '.join(left_out)}"
        )
