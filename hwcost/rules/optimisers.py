"""Steps of optimisers."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES
from hwcost.rules.work import work_of
from hwcost.training.optimisers import OPTIMISERS, PREFIX, optimiser


@RULES.add(*(f"{PREFIX}{name}" for name in OPTIMISERS))
def optimiser_step(op: Op) -> Work:
    """One parameter w is updated with its gradient g; Adam keeps m and v beside it, momentum m.

    vector_ops   per element: sgd 2 (w - a g); momentum 4 (m = b m + g, w - a m); adam 10, of which
                 m + (1 - b1) (g - m) 3, b2 v + (1 - b2) g g 4, w - a m / (sqrt(v) / c + eps) 3; adamw 11,
                 with w (1 - a d)
    special_ops  per element: adam and adamw 3 (a root, two divisions)
    bytes        w, g and what is kept beside w are read once; all but g is written once
    kernels      1 per parameter, as the fused forms of torch.optim (`fused=True`) pass over memory once; the
                 default forms of several kernels read and write what lies between them too
    source       torch.optim; Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter 2019,
                 arXiv:1711.05101
    """
    rule = optimiser(op.name.removeprefix(PREFIX))
    elements = op.inputs[0].elements
    return work_of(
        op,
        "pointwise",
        vector_ops=rule.vector_ops * elements,
        special_ops=rule.special_ops * elements,
    )
