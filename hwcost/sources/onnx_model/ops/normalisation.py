"""Normalisations."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import MICROSOFT, OPS

GROUP_SCALE_PER_CHANNEL = 21
"""Operator set since which a group normalisation scales by channel, not by group."""


@OPS.add("BatchNormalization", folds=False)
def batch_norm(call: Call) -> Any:
    """Batch normalisation by running statistics, or by the batch's own where training_mode is set."""
    x, scale, bias, mean, variance = (call.tensor(place) for place in range(5))
    epsilon = call.attribute("epsilon", 1e-5)
    if not call.attribute("training_mode", 0):
        return functional.batch_norm(x, mean, variance, scale, bias, training=False, eps=epsilon)
    momentum = 1 - call.attribute("momentum", 0.9)
    y = functional.batch_norm(x, None, None, scale, bias, training=True, momentum=momentum, eps=epsilon)
    return y, mean, variance


@OPS.add("InstanceNormalization", folds=False)
def instance_norm(call: Call) -> torch.Tensor:
    """Normalisation of each channel of each item."""
    x, scale, bias = (call.tensor(place) for place in range(3))
    return functional.instance_norm(x, weight=scale, bias=bias, eps=call.attribute("epsilon", 1e-5))


@OPS.add("GroupNormalization", folds=False)
def group_norm(call: Call) -> torch.Tensor:
    """Normalisation of groups of channels."""
    x, scale, bias = (call.tensor(place) for place in range(3))
    groups, epsilon = call.attribute("num_groups", 1), call.attribute("epsilon", 1e-5)
    if call.version >= GROUP_SCALE_PER_CHANNEL:
        return functional.group_norm(x, groups, scale, bias, epsilon)
    y = functional.group_norm(x, groups, None, None, epsilon)
    parts = y.reshape(y.shape[0], groups, -1)
    return (parts * scale.reshape(-1, 1) + bias.reshape(-1, 1)).reshape(x.shape)


@OPS.add("LayerNormalization", folds=False)
def layer_norm(call: Call) -> Any:
    """Normalisation over the dimensions from an axis on; also its statistics where they are asked for."""
    x, axis = call.tensor(0), call.attribute("axis", -1) % call.tensor(0).dim()
    shape = x.shape[axis:]
    scale, bias = (_over(call.optional(place), shape) for place in (1, 2))
    epsilon = call.attribute("epsilon", 1e-5)
    if not call.wants(1) and not call.wants(2):
        return functional.layer_norm(x, shape, scale, bias, epsilon)
    return torch.native_layer_norm(x, shape, scale, bias, epsilon)


@OPS.add("LayerNormalization", "SimplifiedLayerNormalization", domain=MICROSOFT, folds=False)
def layer_norm_of_onnxruntime(call: Call) -> Any:
    """The same by its older names."""
    return rms_norm(call) if "Simplified" in call.node.op else layer_norm(call)


@OPS.add("RMSNormalization", "SimplifiedLayerNormalization", folds=False)
def rms_norm(call: Call) -> torch.Tensor:
    """Normalisation by the root of the mean square."""
    x, axis = call.tensor(0), call.attribute("axis", -1) % call.tensor(0).dim()
    shape = list(x.shape[axis:])
    return functional.rms_norm(
        x, shape, _over(call.optional(1), x.shape[axis:]), call.attribute("epsilon", 1e-5)
    )


@OPS.add("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=MICROSOFT, folds=False)
def skip_norm(call: Call) -> Any:
    """Normalisation of x + skip (+ bias), and that sum."""
    x = call.tensor(0) + call.tensor(1)
    is_simple = "Simplified" in call.node.op
    bias = call.optional(3 if is_simple else 4)
    x = x if bias is None else x + bias
    epsilon, shape = call.attribute("epsilon", 1e-12), list(x.shape[-1:])
    if is_simple:
        y = functional.rms_norm(x, shape, call.optional(2), epsilon)
    else:
        y = functional.layer_norm(x, shape, call.optional(2), call.optional(3), epsilon)
    return y, None, None, x


@OPS.add("EmbedLayerNormalization", domain=MICROSOFT, folds=False)
def embedding_norm(call: Call) -> Any:
    """Normalisation of the sum of word, position and segment embeddings."""
    ids, words, positions = call.tensor(0), call.tensor(2), call.tensor(3)
    x = functional.embedding(ids, words) + positions[: ids.shape[1]]
    if call.has(1) and call.has(4):
        x = x + functional.embedding(call.tensor(1), call.tensor(4))
    y = functional.layer_norm(
        x, list(x.shape[-1:]), call.tensor(5), call.tensor(6), call.attribute("epsilon", 1e-12)
    )
    lengths = torch.sum(call.tensor(7), -1) if call.has(7) else None
    return y, lengths, x


@OPS.add("LpNormalization", folds=False)
def lp_norm(call: Call) -> torch.Tensor:
    """X divided by its norm along an axis."""
    return functional.normalize(call.tensor(0), call.attribute("p", 2), call.attribute("axis", -1))


@OPS.add("LRN", folds=False)
def local_response_norm(call: Call) -> torch.Tensor:
    """Normalisation over neighbouring channels."""
    alpha, beta = call.attribute("alpha", 1e-4), call.attribute("beta", 0.75)
    return functional.local_response_norm(
        call.tensor(0), call.attribute("size"), alpha, beta, call.attribute("bias", 1.0)
    )


@OPS.add("MeanVarianceNormalization", folds=False)
def mean_variance_norm(call: Call) -> torch.Tensor:
    """(x - mean) / (deviation + 1e-9) over some axes."""
    x, axes = call.tensor(0), list(call.attribute("axes", (0, 2, 3)))
    centred = x - torch.mean(x, axes, keepdim=True)
    deviation = torch.sqrt(torch.mean(centred * centred, axes, keepdim=True))
    return centred / (deviation + 1e-9)


def _over(scale: torch.Tensor | None, shape: torch.Size) -> torch.Tensor | None:
    """A scale of the whole normalised shape."""
    return scale if scale is None or scale.shape == shape else scale.expand(shape)
