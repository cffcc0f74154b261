"""What elementwise functions cost per element of their result."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """Functions of equal cost per element.

    names: without `aten.`. vector_ops, special_ops: per element of the result. formula: what is
    counted. scale: an attribute that costs one vector op more where it is not 1.
    """

    names: str
    vector_ops: int
    special_ops: int
    formula: str
    scale: str = ""


ARITHMETIC = (
    Row("add sub rsub", 1, 0, "x + alpha y", "alpha"),
    Row("mul multiply subtract square", 1, 0, "x y"),
    Row("neg negative abs absolute sign sgn conj_physical _conj_physical", 1, 0, "-x, |x|"),
    Row("ceil floor round trunc fix", 1, 0, "nearest whole number"),
    Row("frac", 2, 0, "x - trunc(x)"),
    Row("maximum minimum fmax fmin", 1, 0, "larger or smaller of x and y"),
    Row("clamp clamp_min clamp_max clip", 1, 0, "x held between bounds: one operation, as in hardware"),
    Row("lerp", 3, 0, "x + w (y - x)"),
    Row("addcmul", 2, 0, "x + value y z", "value"),
    Row("addcdiv", 1, 1, "x + value y / z", "value"),
    Row("reciprocal true_divide divide", 0, 1, "x / y"),
    Row("floor_divide", 1, 1, "floor(x / y)"),
    Row("fmod remainder", 3, 1, "x - trunc(x / y) y"),
    Row("deg2rad rad2deg", 1, 0, "c x"),
    Row("ldexp", 1, 0, "x 2^n"),
    Row("nan_to_num", 3, 0, "three selections"),
    Row("copysign heaviside nextafter", 1, 0, "one selection"),
    Row("gcd lcm", 0, 1, "Euclid's algorithm, counted as one"),
    Row("hypot", 3, 1, "sqrt(x^2 + y^2)"),
    Row("frexp", 2, 0, "mantissa and exponent"),
    Row("native_dropout_backward _masked_scale", 2, 0, "g mask scale"),
)

LOGIC = (
    Row("eq ne lt le gt ge not_equal less less_equal greater greater_equal", 1, 0, "one comparison"),
    Row("isnan isinf isposinf isneginf isfinite signbit isreal", 1, 0, "one comparison"),
    Row("logical_and logical_or logical_xor logical_not", 1, 0, "one logical operation"),
    Row("bitwise_and bitwise_or bitwise_xor bitwise_not", 1, 0, "one operation on bits"),
    Row("__and__ __or__ __xor__ __iand__ __ior__ __ixor__", 1, 0, "one operation on bits"),
    Row("bitwise_left_shift bitwise_right_shift", 1, 0, "one shift"),
    Row("__lshift__ __rshift__ __ilshift__ __irshift__", 1, 0, "one shift"),
    Row("masked_fill", 1, 0, "one selection"),
    Row("isclose", 5, 0, "|x - y| <= a + r |y|"),
)

FUNCTIONS = (
    Row("exp exp2 expm1 special_exp2 special_expm1", 0, 1, "one exponential"),
    Row("log log2 log10 log1p special_log1p", 0, 1, "one logarithm"),
    Row("sqrt rsqrt", 0, 1, "one root"),
    Row("sin cos tan asin acos atan atan2 arctan2", 0, 1, "one trigonometric function"),
    Row("sinh cosh tanh asinh acosh atanh", 0, 1, "one hyperbolic function"),
    Row("erf erfc erfinv special_erf special_erfc special_erfinv special_erfcx", 0, 1, "one error function"),
    Row("sigmoid special_expit", 0, 1, "1 / (1 + exp(-x)), one unit of its own in hardware"),
    Row("lgamma digamma polygamma mvlgamma igamma igammac", 0, 1, "one gamma function"),
    Row("i0 special_i0 special_i0e special_i1 special_i1e", 0, 1, "one Bessel function"),
    Row(
        "special_bessel_j0 special_bessel_j1 special_bessel_y0 special_bessel_y1", 0, 1, "one Bessel function"
    ),
    Row("special_zeta special_ndtri special_log_ndtr special_airy_ai", 0, 1, "one special function"),
    Row("sinc special_sinc", 1, 2, "sin(pi x) / (pi x)"),
    Row("logit special_logit", 1, 2, "log(x / (1 - x))"),
    Row("xlogy special_xlog1py special_entr", 1, 1, "x log(y)"),
    Row("logaddexp logaddexp2", 3, 2, "max + log1p(exp(-|x - y|))"),
    Row("angle", 0, 1, "atan2(im, re)"),
    Row("polar", 2, 2, "r cos(a) + i r sin(a)"),
    Row("float_power", 0, 1, "x^y"),
)

ACTIVATIONS = (
    Row("relu", 1, 0, "max(x, 0)"),
    Row("relu6 hardtanh", 1, 0, "x held between bounds"),
    Row("threshold", 2, 0, "compare, select"),
    Row("leaky_relu _prelu_kernel prelu rrelu_with_noise", 2, 0, "max(x, a x)"),
    Row("hardsigmoid", 3, 0, "clamp(x + 3) / 6, the division by a constant as a product"),
    Row("hardswish", 4, 0, "x clamp(x + 3) / 6"),
    Row("hardshrink", 2, 0, "compare, select"),
    Row("softshrink", 3, 0, "compare, subtract, select"),
    Row("elu celu selu", 4, 1, "compare, a (exp(x) - 1), select"),
    Row("silu", 1, 1, "x sigmoid(x)"),
    Row("glu", 1, 1, "x sigmoid(y)"),
    Row("softplus", 3, 2, "log(1 + exp(x)), compare, select"),
    Row("mish", 2, 3, "x tanh(log(1 + exp(x)))"),
    Row("log_sigmoid_forward log_sigmoid", 3, 2, "-log(1 + exp(-x))"),
)

GRADIENTS = (
    Row(
        "threshold_backward hardtanh_backward hardshrink_backward softshrink_backward",
        2,
        0,
        "compare, select",
    ),
    Row("leaky_relu_backward _prelu_kernel_backward hardsigmoid_backward", 3, 0, "compare, product, select"),
    Row("rrelu_with_noise_backward", 1, 0, "g noise"),
    Row("hardswish_backward", 6, 0, "two comparisons, g (x / 3 + 1 / 2), two selections"),
    Row("sigmoid_backward", 3, 0, "g y (1 - y)"),
    Row("tanh_backward", 3, 0, "g (1 - y^2)"),
    Row("logit_backward", 2, 1, "g / (x (1 - x))"),
    Row("elu_backward", 4, 1, "compare, g a exp(x), select"),
    Row("silu_backward", 5, 1, "g s (1 + x (1 - s)), s = sigmoid(x)"),
    Row("softplus_backward", 4, 1, "g sigmoid(x), compare, select"),
    Row("mish_backward", 6, 3, "g (t + x s (1 - t^2)), t = tanh(log(1 + exp(x))), s = sigmoid(x)"),
    Row("log_sigmoid_backward", 3, 2, "g (1 - sigmoid(x))"),
    Row("glu_backward", 3, 1, "g s, g x s (1 - s) over both halves"),
)

SECTIONS = {
    "Arithmetic": ARITHMETIC,
    "Comparison and logic": LOGIC,
    "Functions": FUNCTIONS,
    "Activations": ACTIVATIONS,
    "Gradients": GRADIENTS,
}

TABLE = {f"aten.{name}": row for rows in SECTIONS.values() for row in rows for name in row.names.split()}
"""By the name of the op."""
