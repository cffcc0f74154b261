"""Products with scaled, packed or expert-wise operands."""

from __future__ import annotations

from dataclasses import replace

from hwcost.graph import Attribute, Op, Product, Tensor, Tree, Work
from hwcost.rules.products import product_work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import operands, present, rows


@RULES.add("aten._scaled_mm", "aten._scaled_mm_v2")
def scaled_matmul(op: Op) -> Work:
    """C[m,n] = scale_a * scale_b * (A[m,k] @ B[k,n]) (+ bias[n]), A and B of 8 bits or fewer.

    macs         m * k * n
    vector_ops   2 * m * n for the two scales, and m * n for a bias
    bytes        A, B, the scales and bias are read once, C is written once
    """
    a, b = op.inputs[:2]
    c = op.outputs[0]
    m, n = c.shape
    has_bias = "bias" not in op.attributes
    product = Product(batch=1, m=m, k=a.shape[1], n=n, a=a, b=b, c=c)
    return product_work(op, product, vector_ops=(2 + has_bias) * m * n, reads=op.inputs)


@RULES.add(
    *aten("_weight_int4pack_mm _weight_int4pack_mm_for_cpu _weight_int4pack_mm_with_scales_and_zeros"),
    *aten("_weight_int8pack_mm _dyn_quant_matmul_4bit _mixed_dtypes_linear"),
    *aten("_sparse_semi_structured_linear _sparse_semi_structured_mm _sparse_semi_structured_addmm"),
)
def packed_weight(op: Op) -> Work:
    """y[m,n] = x[m,k] @ W, W[k,n] stored in 4 or 8 bits with its scales, or with half its zeros left out.

    macs         m * k * n: the dense product
    vector_ops   k * n to scale each weight once
    bytes        x, the packed weight as it is stored and its scales are read once, y is written once
    """
    x, weight = op.inputs[:2]
    y = op.outputs[0]
    m, k, n = rows(x), x.shape[-1], y.shape[-1]
    product = Product(batch=1, m=m, k=k, n=n, a=x, b=weight, c=y)
    return product_work(op, product, vector_ops=k * n, reads=op.inputs)


@RULES.add("aten._grouped_mm", "aten._scaled_grouped_mm")
def grouped_matmul(op: Op) -> Work:
    """One product per expert e: rows of A (or columns, or the inner dimension) go to experts by offsets.

    A[M,k] B[e,k,n]    C[M,n]      macs M * k * n: each row meets one expert
    A[e,m,k] B[k,N]    C[m,N]      macs m * k * N: each column meets one expert
    A[m,K] B[K,n]      C[e,m,n]    macs m * K * n: each inner index belongs to one expert
    A[e,m,k] B[e,k,n]  C[e,m,n]    macs e * m * k * n

    macs         as above
    vector_ops   elements of C for a bias, and twice that for the scales of the scaled form
    bytes        A, B, offsets and scales are read once, C is written once; of B[e,k,n] no more
                 experts are read than there are rows
    source       by definition; the offsets are data, so rows are taken as spread evenly over experts
    """
    is_scaled = op.name == "aten._scaled_grouped_mm"
    scales = ("scale_a", "scale_b") if is_scaled else ()
    a, b = op.inputs[:2]
    others = operands(op, "self", "mat2", *scales, "offs", "bias")[2:]
    c = op.outputs[0]
    products = _grouped(a, b, c)
    passes = (others[-1] is not None) + 2 * is_scaled
    if len(a.shape) == 2 and len(b.shape) == 3:
        b = _first(b, sum(product.batch for product in products))
    return product_work(op, *products, vector_ops=passes * c.elements, reads=present(a, b, *others))


@RULES.add("torch.grouped_mm_backward")
def grouped_matmul_backward(op: Op) -> Tree[Op]:
    """Gradients of a grouped product for A, B and the bias, those that are asked for.

    amounts to   dA = g B' and dB = A' g, each a grouped product with the same offsets; db, a sum over rows
    macs         twice those of the forward pass
    source       torch/csrc/autograd/FunctionsManual.cpp, _grouped_mm_mat1_backward and _mat2_backward
    """
    needs = op.attributes.get("needs")
    asked = needs if isinstance(needs, tuple) else ()
    gradient, a, b, *others = op.inputs
    offsets = () if "offs" in op.attributes else tuple(others[:1])
    made = iter(op.outputs)
    wanted = [next(made) if is_asked_for else None for is_asked_for in asked]
    absent: dict[str, Attribute] = {"bias": None} if offsets else {"bias": None, "offs": None}
    ops = [
        Op(
            name="aten._grouped_mm",
            module=op.module,
            inputs=(*factors, *offsets),
            outputs=(into,),
            attributes=absent,
        )
        for into, factors in zip(
            wanted, ((gradient, _transposed(b)), (_transposed(a), gradient)), strict=False
        )
        if into is not None
    ]
    if wanted[-1] is not None and "bias" not in op.attributes:
        ops.append(Op(name="aten.sum", module=op.module, inputs=(gradient,), outputs=(wanted[-1],)))
    return tuple(ops)


def _transposed(matrix: Tensor) -> Tensor:
    *lead, m, n = matrix.shape
    *steps, by_row, by_column = matrix.strides
    return replace(matrix, shape=(*lead, n, m), strides=(*steps, by_column, by_row))


def _grouped(a: Tensor, b: Tensor, c: Tensor) -> tuple[Product, ...]:
    if len(a.shape) == 3 and len(b.shape) == 3:
        experts, m, k = a.shape
        return (Product(batch=experts, m=m, k=k, n=b.shape[2], a=a, b=b, c=c),)
    if len(b.shape) == 3:
        k, n = b.shape[1:]
        return tuple(
            Product(batch=experts, m=m, k=k, n=n, a=a, b=_first(b, experts), c=c)
            for experts, m in _spread(a.shape[0], b.shape[0])
        )
    if len(a.shape) == 3:
        m, k = a.shape[1:]
        return tuple(
            Product(batch=experts, m=m, k=k, n=n, a=_first(a, experts), b=b, c=c)
            for experts, n in _spread(b.shape[1], a.shape[0])
        )
    return tuple(
        Product(batch=experts, m=a.shape[0], k=k, n=b.shape[1], a=a, b=b, c=c)
        for experts, k in _spread(a.shape[1], c.shape[0])
    )


def _spread(rows_: int, experts: int) -> tuple[tuple[int, int], ...]:
    """(experts, rows of each) for rows spread as evenly as they can be; experts without rows left out."""
    share, rest = divmod(rows_, max(experts, 1))
    return tuple(
        (count, size) for count, size in ((rest, share + 1), (experts - rest, share)) if count and size
    )


def _first(stack: Tensor, count: int) -> Tensor:
    return replace(stack, shape=(min(count, stack.shape[0]), *stack.shape[1:]))
