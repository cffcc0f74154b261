"""Fourier transforms."""

from __future__ import annotations

import torch

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.dtypes import dtype_of
from hwcost.sources.onnx_model.registry import OPS

AXIS_IS_INPUT = 20
"""Operator set since which the axis of a transform is an input."""


@OPS.add("DFT", folds=False)
def transform(call: Call) -> torch.Tensor:
    """The discrete Fourier transform of x[..., 1] (real) or x[..., 2] (complex)."""
    x = call.tensor(0)
    if call.version >= AXIS_IS_INPUT:
        axis = int(call.number(2)) if call.has(2) else -2
    else:
        axis = call.attribute("axis", 1)
    axis = axis % x.dim()
    length = int(call.number(1)) if call.has(1) else None
    one_sided, inverse = bool(call.attribute("onesided", 0)), bool(call.attribute("inverse", 0))
    if x.shape[-1] not in (1, 2):
        raise ModelError("its last dimension is neither 1 nor 2", mend="check the model")
    if one_sided and inverse:
        result: torch.Tensor = torch.fft.irfft(torch.view_as_complex(x), length, axis)
        return result.unsqueeze(-1)
    signal = x[..., 0] if x.shape[-1] == 1 else torch.view_as_complex(x.contiguous())
    if one_sided:
        spectrum = torch.fft.rfft(signal.real if signal.is_complex() else signal, length, axis)
    else:
        spectrum = (torch.fft.ifft if inverse else torch.fft.fft)(signal, length, axis)
    return torch.view_as_real(spectrum)


@OPS.add("STFT", folds=False)
def short_time_transform(call: Call) -> torch.Tensor:
    """Fourier transforms of frames of a signal[N,T,1 or 2]."""
    x, step, window = call.tensor(0), int(call.number(1)), call.optional(2)
    length = int(call.number(3)) if call.has(3) else (window.shape[0] if window is not None else 0)
    if step < 1 or length < 1 or length > x.shape[1]:
        raise ModelError(
            f"frames of {length} every {step} do not fit {x.shape[1]} samples", mend="take a longer input"
        )
    signal = x[..., 0] if x.shape[-1] == 1 or x.dim() == 2 else torch.view_as_complex(x.contiguous())
    frames = signal.unfold(1, length, step)
    frames = frames if window is None else frames * window
    one_sided = bool(call.attribute("onesided", 1)) and not frames.is_complex()
    return torch.view_as_real((torch.fft.rfft if one_sided else torch.fft.fft)(frames))


@OPS.add("MelWeightMatrix")
def mel_weights(call: Call) -> torch.Tensor:
    """Weights[n / 2 + 1, bins] from a spectrum to mel bins: a constant, whose values change no count."""
    bins, length = int(call.number(0)), int(call.number(1))
    dtype = dtype_of(call.attribute("output_datatype", 1), "")
    return torch.zeros(length // 2 + 1, bins, dtype=dtype, device=call.device)
