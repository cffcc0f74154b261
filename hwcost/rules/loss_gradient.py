"""Where gradients begin."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES
from hwcost.rules.work import work_of
from hwcost.training.loss import GRADIENT


@RULES.add(GRADIENT)
def loss_gradient(op: Op) -> Work:
    """The gradient of each output that depends on a weight; of a loss that the model returns it is 1.

    macs         0: a loss that the model does not compute itself is not known
    bytes        each output is read once and its gradient written once, as any loss does at least
    """
    return work_of(op, "copy")
