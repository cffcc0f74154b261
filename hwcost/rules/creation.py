"""Making tensors from nothing."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import free, work_of


@RULES.add(
    *aten("empty empty_like empty_strided empty_permuted new_empty new_empty_strided"),
    *aten("_efficientzerotensor resize_ resize set_ _resize_output_ resize_as_"),
    *aten("_empty_affine_quantized"),
)
def empty(op: Op) -> Work:
    """y: memory set aside, nothing written to it.

    macs         0
    bytes        none: what fills it later is counted there
    kernels      0
    """
    return free(op)


@RULES.add(
    *aten("zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full fill zero eye"),
    *aten("tril_indices triu_indices scalar_tensor _new_zeros_with_same_feature_meta"),
)
def constant(op: Op) -> Work:
    """Constant: y = a constant everywhere, or a fixed pattern of zeros, ones and indices.

    macs         0
    bytes        y is written once; a tensor that only lends its shape is not read
    """
    reads = op.inputs[1:] if op.name == "aten.fill" else ()
    return work_of(op, "copy", reads=reads)


@RULES.add(*aten("arange linspace range fft_fftfreq fft_rfftfreq"))
def progression(op: Op) -> Work:
    """y[i] = start + i step.

    vector_ops   2 per element: product and sum
    bytes        y is written once
    """
    return work_of(op, "copy", vector_ops=2 * op.outputs[0].elements, reads=())


@RULES.add(*aten("hann_window hamming_window blackman_window bartlett_window kaiser_window logspace"))
def window(op: Op) -> Work:
    """y[i] = a - b cos(2 pi i / n), or 10^(start + i step), and their kin.

    vector_ops   2 per element: product and sum
    special_ops  1 per element: cosine, power or Bessel function
    bytes        y is written once
    """
    n = op.outputs[0].elements
    return work_of(op, "copy", vector_ops=2 * n, special_ops=n, reads=())
