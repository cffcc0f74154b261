"""Products of matrices and vectors."""

from __future__ import annotations

from math import prod

from hwcost.graph import Op, OpClass, Product, Tensor, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integers, number, require, rows, work_of


def product_class(*products: Product) -> OpClass:
    """The class of products: gemv where each has one row or one column, else gemm."""
    return "gemv" if all(min(product.m, product.n) == 1 for product in products) else "gemm"


def product_work(op: Op, *products: Product, vector_ops: int = 0, reads: tuple[Tensor, ...]) -> Work:
    """Work of products whose operands lie in memory."""
    return work_of(
        op,
        product_class(*products),
        macs=sum(each.batch * each.m * each.k * each.n for each in products),
        vector_ops=vector_ops,
        reads=reads,
        products=products,
    )


@RULES.add(*aten("mm dot vdot mv bmm _int_mm"))
def matmul(op: Op) -> Work:
    """C[b,m,n] = A[b,m,k] @ B[b,k,n], b = 1 without a batch, m or n = 1 for a vector.

    macs         b * m * k * n
    bytes        A and B are read once, C is written once
    source       by definition: each element of C sums k products
    """
    a, b = op.inputs[:2]
    product = _product(op, a, b)
    return product_work(op, product, reads=(a, b))


@RULES.add(*aten("addmm addmv baddbmm addbmm"))
def matmul_with_sum(op: Op) -> Work:
    """C[b,m,n] = beta * S + alpha * A[b,m,k] @ B[b,k,n]; addbmm sums its batch into C[m,n] too.

    macs         b * m * k * n
    vector_ops   elements of C, for the sum with S, and again for each of alpha and beta that is not 1
    bytes        S, A and B are read once (S not where beta is 0), C is written once
    source       by definition; the sum over the batch of addbmm is part of its macs
    """
    addend, a, b = op.inputs[:3]
    product = _product(op, a, b)
    beta, alpha = number(op, "beta", 1), number(op, "alpha", 1)
    passes = (beta != 0) + (beta not in (0, 1)) + (alpha != 1)
    vector_ops = passes * op.outputs[0].elements
    return product_work(op, product, vector_ops=vector_ops, reads=(addend, a, b) if beta else (a, b))


@RULES.add("aten._addmm_activation")
def matmul_with_activation(op: Op) -> Work:
    """C[m,n] = f(beta * S + alpha * A[m,k] @ B[k,n]), f = relu, or gelu in its tanh form.

    macs         m * k * n
    vector_ops   that of addmm, and m * n for relu or 8 * m * n for gelu
    special_ops  m * n for the tanh of gelu
    bytes        S, A and B are read once, C is written once
    """
    plain = matmul_with_sum(op)
    elements = op.outputs[0].elements
    uses_gelu = bool(op.attributes.get("use_gelu"))
    activation_ops = 8 * elements if uses_gelu else elements
    return work_of(
        op,
        plain.op_class,
        macs=plain.macs,
        vector_ops=plain.vector_ops + activation_ops,
        special_ops=elements if uses_gelu else 0,
        reads=plain.reads,
        products=plain.products,
    )


@RULES.add("aten.addr")
def outer_with_sum(op: Op) -> Work:
    """C[m,n] = beta * S[m,n] + alpha * x[m] y[n].

    macs         m * n
    vector_ops   m * n for the sum with S, and again for each of alpha and beta that is not 1
    bytes        S, x and y are read once, C is written once
    """
    addend, x, y = op.inputs
    m, n = x.elements, y.elements
    beta, alpha = number(op, "beta", 1), number(op, "alpha", 1)
    passes = (beta != 0) + (beta not in (0, 1)) + (alpha != 1)
    product = Product(batch=1, m=m, k=1, n=n, a=x, b=y, c=op.outputs[0])
    return product_work(op, product, vector_ops=passes * m * n, reads=(addend, x, y) if beta else (x, y))


@RULES.add("aten.outer", "aten.ger")
def outer(op: Op) -> Work:
    """C[m,n] = x[m] y[n].

    macs         0: nothing is accumulated
    vector_ops   m * n
    bytes        x and y are read once, C is written once
    source       torch computes it as a broadcast product of elements
    """
    return work_of(op, "pointwise", vector_ops=op.outputs[0].elements)


@RULES.add("aten.linear", "aten.mkldnn_linear")
def linear(op: Op) -> Work:
    """y[...,n] = x[...,k] @ w[n,k]' (+ bias[n]).

    macs         m * k * n, m = rows of x over all its leading dimensions
    vector_ops   m * n for the bias, else 0
    bytes        x, w and bias are read once, y is written once
    """
    x, weight = op.inputs[:2]
    k, n = weight.shape[-1], prod(weight.shape[:-1])
    require(x.shape[-1] == k, op, f"the rows of x have {x.shape[-1]} elements, those of the weight {k}")
    product = Product(batch=1, m=rows(x), k=k, n=n, a=x, b=weight, c=op.outputs[0])
    return product_work(op, product, vector_ops=product.m * n * len(op.inputs[2:]), reads=op.inputs)


@RULES.add("aten.matmul", "aten.linalg_matmul")
def broadcast_matmul(op: Op) -> Work:
    """C[...,m,n] = A[...,m,k] @ B[...,k,n], leading dimensions broadcast, vectors as one row or column.

    macs         elements of C * k
    bytes        A and B are read once, C is written once
    """
    a, b = op.inputs
    k = a.shape[-1]
    if len(b.shape) <= 2:
        n = b.shape[1] if len(b.shape) == 2 else 1
        product = Product(batch=1, m=rows(a), k=k, n=n, a=a, b=b, c=op.outputs[0])
    else:
        m, n = a.shape[-2] if len(a.shape) > 1 else 1, b.shape[-1]
        batch = op.outputs[0].elements // max(m * n, 1)
        product = Product(batch=batch, m=m, k=k, n=n, a=a, b=b, c=op.outputs[0])
    return product_work(op, product, reads=(a, b))


@RULES.add("aten.inner")
def inner(op: Op) -> Work:
    """C[m...,n...] = sum over k of A[m...,k] B[n...,k].

    macs         m * k * n
    bytes        A and B are read once, C is written once
    """
    a, b = op.inputs
    product = Product(batch=1, m=rows(a), k=a.shape[-1], n=rows(b), a=a, b=b, c=op.outputs[0])
    return product_work(op, product, reads=(a, b))


@RULES.add("aten.chain_matmul", "aten.linalg_multi_dot")
def chain(op: Op) -> Work:
    """C = A @ B @ ..., in the order of least arithmetic; a vector may stand first or last.

    macs         the least sum of m * k * n over all orders
    bytes        each factor is read once, C is written once
    source       Cormen et al., Introduction to Algorithms, section on matrix-chain multiplication; torch
                 picks its order alike (aten/src/ATen/native/LinearAlgebra.cpp, matrix_chain_order)
    """
    first, *others = op.inputs
    sizes = [first.shape[0]] if len(first.shape) == 2 else [1]
    sizes += [first.shape[-1], *(each.shape[1] if len(each.shape) == 2 else 1 for each in others)]
    products = tuple(
        Product(batch=1, m=m, k=k, n=n, a=op.inputs[left], b=op.inputs[right], c=op.outputs[0])
        for m, k, n, left, right in _cheapest(tuple(sizes))
    )
    return product_work(op, *products, reads=op.inputs)


def _cheapest(sizes: tuple[int, ...]) -> list[tuple[int, int, int, int, int]]:
    """The products (m, k, n, first factor, last factor) of a chain; factor i is sizes[i] by sizes[i + 1]."""
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(len(sizes) - 1)}
    for length in range(1, len(sizes) - 1):
        for i in range(len(sizes) - 1 - length):
            j = i + length
            best[i, j] = min(
                (best[i, cut][0] + best[cut + 1, j][0] + sizes[i] * sizes[cut + 1] * sizes[j + 1], cut)
                for cut in range(i, j)
            )

    def products(i: int, j: int) -> list[tuple[int, int, int, int, int]]:
        if i == j:
            return []
        cut = best[i, j][1]
        return [*products(i, cut), *products(cut + 1, j), (sizes[i], sizes[cut + 1], sizes[j + 1], i, j)]

    return products(0, len(sizes) - 2)


@RULES.add("aten._trilinear")
def trilinear(op: Op) -> Work:
    """y[n,o] = sum over i, j of x[n,i] w[o,i,j] z[n,j] (nn.Bilinear), or one of its gradients.

    macs         n * o * i * j for x w, then n * o * j for the product with z; of a gradient likewise the
                 sizes of all dimensions that a pair of factors has
    bytes        x, w and z are read once, y is written once
    source       aten/src/ATen/native/Linear.cpp, _trilinear: two pairwise products in turn
    """
    x, weight, z = op.inputs
    of_x, of_weight, of_z = (_by_dimension(op, tensor, i + 1) for i, tensor in enumerate(op.inputs))
    summed = set(integers(op, "sumdim"))
    sizes = {**of_x, **of_weight, **of_z}
    both = {dim: sizes[dim] for dim in {*of_x, *of_weight} if dim in of_z or dim not in summed}
    pairs = ((of_x, of_weight, summed - set(of_z), x, weight), (both, of_z, summed, weight, z))
    products = []
    for left, right, gone, a, b in pairs:
        shared = set(left) & set(right)
        product = Product(
            batch=prod(sizes[dim] for dim in shared - gone),
            m=prod(sizes[dim] for dim in set(left) - shared),
            k=prod(sizes[dim] for dim in shared & gone),
            n=prod(sizes[dim] for dim in set(right) - shared),
            a=a,
            b=b,
            c=op.outputs[0],
        )
        products.append(product)
    return product_work(op, *products, reads=(x, weight, z))


def _by_dimension(op: Op, tensor: Tensor, place: int) -> dict[int, int]:
    """The sizes of a factor by the dimension of the whole: it has all but those that it is expanded by."""
    absent = set(integers(op, f"expand{place}"))
    dimensions = (dim for dim in range(len(tensor.shape) + len(absent)) if dim not in absent)
    return dict(zip(dimensions, tensor.shape, strict=True))


def _product(op: Op, a: Tensor, b: Tensor) -> Product:
    """The product of A[b,m,k], A[m,k] or A[k] with B[b,k,n], B[k,n] or B[k]."""
    k = a.shape[-1]
    k_of_b = b.shape[-2] if len(b.shape) > 1 else b.shape[0]
    require(k == k_of_b, op, f"A has {k} columns, B has {k_of_b} rows")
    batch = a.shape[0] if len(a.shape) == 3 else 1
    m = a.shape[-2] if len(a.shape) > 1 else 1
    n = b.shape[-1] if len(b.shape) > 1 else 1
    return Product(batch=batch, m=m, k=k, n=n, a=a, b=b, c=op.outputs[0])
