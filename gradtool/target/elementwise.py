"""The rows of THE operation table that work number by number: operators, choices, functions of one or two arguments.

On arrays they broadcast as NumPy does.
"""

from __future__ import annotations

from gradtool.target.operation import Operation

__all__ = ["LAST_PSI", "ROWS", "XY", "X"]

X, XY = ("x",), ("x", "y")
_HYPOT = (
    "where(abs(x) > abs(y), "
    "abs(x)*sqrt(1 + (where(abs(x) > abs(y), y, 0)/where(abs(x) > abs(y), x, 1))**2), "
    "abs(y)*sqrt(1 + (where(abs(x) > abs(y), 0, x)/where(abs(x) > abs(y) or y == 0, 1, y))**2))"
)
"""The larger side times sqrt(1 + q^2): no square overflows. Each branch is harmless where it is not taken."""

_DIGAMMA = "where(x > 0, digamma(x + 10) - (digamma(x + 10) - digamma(x)), digamma(1 - x) - pi/tan(pi*x))"
_TRIGAMMA = "where(x > 0, trigamma(x), pi**2/sin(pi*x)**2 - trigamma(1 - x))"
"""Recurrence from larger arguments, and reflection for negative ones: both subtract."""

LAST_PSI = 7
"""As far as the fifth derivative of trigamma needs."""

_POW = "where(x == 0 or y == floor(y) and abs(y) < 24, 0, y*x**(y - 1))"
"""y - 1 is rounded where it is no whole number, and x**(y - 1) may be subnormal where y times it is not."""

_ATAN2 = ("x/(x*x + y*y)", "-y/(x*x + y*y)")
_ATAN2_TENSORFLOW = ("x*(1/(x*x + y*y))", "-y*(1/(x*x + y*y))")
_SILU = "sigmoid(x)*(1 + x*(1 - sigmoid(x)))"
_ERF = "torch.erf of 16-bit numbers has an absolute error of 2e-7, so erf(1e-7) is 0"
_SELU_SCALE, _SELU_ALPHA = "1.0507009873554804934", "1.6732632423543772848"

ROWS = (
    # ---- operators
    Operation("add", XY, "Sum of two numbers.", "torch.add({x}, {y})", "tf.add({x}, {y})", "Add",
              derivatives=("1", "1"), operator="+", group="operator"),
    Operation("subtract", XY, "Difference of two numbers.", "torch.subtract({x}, {y})", "tf.subtract({x}, {y})",
              "Sub",
              derivatives=("1", "-1"), operator="-", group="operator"),
    Operation("multiply", XY, "Product of two numbers.", "torch.multiply({x}, {y})", "tf.multiply({x}, {y})", "Mul",
              derivatives=("y", "x"), operator="*", group="operator"),
    Operation("divide", XY, "Quotient x/y.", "torch.divide({x}, {y})", "tf.divide({x}, {y})",
              "Div", derivatives=("1/y", "-x/y**2"), domain="y != 0", operator="/", group="operator"),
    Operation("floor_divide", XY, "Largest integer not above x/y.", "", "tf.math.floordiv({x}, {y})",
              formula="floor(x/y)", derivatives=("0", "0"), domain="y != 0", kinks=("x % y", "x % y - y"),
              operator="//", group="operator", forward={"tensorflow": "floor(x/y)"}),
    Operation("remainder", XY, "x - y*floor(x/y): takes the sign of y, as Python's % does.",
              "torch.remainder({x}, {y})", "tf.math.floormod({x}, {y})", formula="x - y*floor(x/y)",
              derivatives=("1", "-(x//y)"), domain="y != 0", kinks=("x % y", "x % y - y"),
              operator="%", group="operator", loses={"tensorflow": ("0", "floor(x/y)")}),
    Operation("pow", XY, "x to the power y.", "torch.pow({x}, {y})", "tf.pow({x}, {y})", "Pow",
              derivatives=("where(y == 0, 0, y*x**(y - 1))", "where(x == 0, 0, x**y*log(x))"),
              domain="x > 0 or x == 0 and y >= 0 or x < 0 and y == floor(y)",
              kinks=("where(y == floor(y) and y > 0, 1, x)",),
              operator="**", group="operator", aliases=("power",),
              loses={"torch": (_POW, "0"), "tensorflow": (_POW, "0")}),
    Operation("negative", X, "The number with its sign changed.", "torch.neg({x})", "tf.negative({x})",
              "Neg", derivatives=("-1",), operator="-", group="operator"),
    # ---- conditions and choice
    Operation("less", XY, "True where x < y.", "torch.lt({x}, {y})", "tf.less({x}, {y})", "StrictLessThan",
              kinks=("x - y",), operator="<", group="condition", logical=True),
    Operation("less_equal", XY, "True where x <= y.", "torch.le({x}, {y})", "tf.less_equal({x}, {y})", "LessThan",
              kinks=("x - y",), operator="<=", group="condition", logical=True),
    Operation("greater", XY, "True where x > y.", "torch.gt({x}, {y})", "tf.greater({x}, {y})", "StrictGreaterThan",
              kinks=("x - y",), operator=">", group="condition", logical=True),
    Operation("greater_equal", XY, "True where x >= y.", "torch.ge({x}, {y})", "tf.greater_equal({x}, {y})",
              "GreaterThan", kinks=("x - y",), operator=">=", group="condition", logical=True),
    Operation("equal", XY, "True where x equals y.", "torch.eq({x}, {y})", "tf.equal({x}, {y})", "Equality",
              kinks=("x - y",), operator="==", group="condition", logical=True),
    Operation("not_equal", XY, "True where x differs from y.", "torch.ne({x}, {y})", "tf.not_equal({x}, {y})",
              "Unequality", kinks=("x - y",), operator="!=", group="condition", logical=True),
    Operation("logical_and", XY, "True where both conditions hold.", "torch.logical_and({x}, {y})",
              "tf.logical_and({x}, {y})", "And", operator="and", group="condition", logical=True),
    Operation("logical_or", XY, "True where at least one condition holds.", "torch.logical_or({x}, {y})",
              "tf.logical_or({x}, {y})", "Or", operator="or", group="condition", logical=True),
    Operation("logical_not", X, "True where the condition does not hold.", "torch.logical_not({x})",
              "tf.logical_not({x})", "Not", operator="not", group="condition", logical=True),
    Operation("where", ("condition", "x", "y"), "x where the condition holds, y elsewhere.",
              "torch.where({condition}, {x}, {y})", "tf.where({condition}, {x}, {y})", "Piecewise",
              derivatives=("0", "where(condition, 1, 0)", "where(condition, 0, 1)"), group="choice"),
    Operation("max", XY, "The largest of its arguments.", "torch.maximum({x}, {y})", "tf.maximum({x}, {y})", "Max",
              derivatives=("where(x >= y, 1, 0)", "where(x >= y, 0, 1)"),
              kinks=("x - y",), group="choice", aliases=("maximum",), variadic=True),
    Operation("min", XY, "The smallest of its arguments.", "torch.minimum({x}, {y})", "tf.minimum({x}, {y})", "Min",
              derivatives=("where(x <= y, 1, 0)", "where(x <= y, 0, 1)"),
              kinks=("x - y",), group="choice", aliases=("minimum",), variadic=True),
    Operation("clip", ("x", "lo", "hi"), "x limited to the interval from lo to hi.", "torch.clamp({x}, {lo}, {hi})",
              "tf.clip_by_value({x}, {lo}, {hi})", "Clip", formula="where(x < lo, lo, where(x > hi, hi, x))",
              derivatives=("where(lo <= x and x <= hi, 1, 0)", "where(x < lo, 1, 0)", "where(x > hi, 1, 0)"),
              domain="lo <= hi", kinks=("x - lo", "x - hi", "lo - hi"), group="choice", aliases=("clamp",)),
    # ---- steps and magnitudes
    Operation("abs", X, "Magnitude of x.", "torch.abs({x})", "tf.abs({x})", "Abs", derivatives=("sign(x)",),
              kinks=("x",), group="step"),
    Operation("sign", X, "-1, 0 or 1 as x is negative, zero or positive.", "torch.sign({x})", "tf.sign({x})", "sign",
              derivatives=("0",), kinks=("x",), group="step"),
    Operation("floor", X, "Largest integer not above x.", "torch.floor({x})", "tf.floor({x})", "floor",
              derivatives=("0",), kinks=("x - round(x)",), group="step"),
    Operation("ceil", X, "Smallest integer not below x.", "torch.ceil({x})", "tf.math.ceil({x})", "ceiling",
              derivatives=("0",), kinks=("x - round(x)",), group="step"),
    Operation("round", X, "Nearest integer, halves to the even one.", "torch.round({x})", "tf.round({x})", "round",
              derivatives=("0",), kinks=("x - floor(x) - 0.5",), group="step"),
    # ---- roots, exponentials, logarithms
    Operation("sqrt", X, "Square root.", "torch.sqrt({x})", "tf.sqrt({x})", "sqrt", derivatives=("1/(2*sqrt(x))",),
              domain="x >= 0"),
    Operation("cbrt", X, "Cube root, odd: cbrt(-8) = -2.", formula="sign(x)*abs(x)**(1/3)",
              derivatives=("1/(3*cbrt(x)**2)",)),
    Operation("exp", X, "e to the power x.", "torch.exp({x})", "tf.exp({x})", "exp", derivatives=("exp(x)",)),
    Operation("exp2", X, "2 to the power x.", "torch.exp2({x})", formula="2**x", derivatives=("2**x*log(2)",)),
    Operation("expm1", X, "exp(x) - 1, accurate near 0.", "torch.expm1({x})", "tf.math.expm1({x})",
              formula="exp(x) - 1", derivatives=("exp(x)",),
              backward={"torch": ("out + 1",)}),
    Operation("log", X, "Natural logarithm.", "torch.log({x})", "tf.math.log({x})", "log", derivatives=("1/x",),
              domain="x > 0", aliases=("ln",)),
    Operation("log2", X, "Logarithm to the base 2.", "torch.log2({x})", formula="log(x)/log(2)",
              derivatives=("1/(x*log(2))",), domain="x > 0"),
    Operation("log10", X, "Logarithm to the base 10.", "torch.log10({x})", formula="log(x)/log(10)",
              derivatives=("1/(x*log(10))",), domain="x > 0"),
    Operation("log1p", X, "log(1 + x), accurate near 0.", "torch.log1p({x})", "tf.math.log1p({x})",
              formula="log(1 + x)", derivatives=("1/(1 + x)",), domain="x > -1"),
    # ---- trigonometric and hyperbolic
    Operation("sin", X, "Sine of x radians.", "torch.sin({x})", "tf.sin({x})", "sin", derivatives=("cos(x)",)),
    Operation("cos", X, "Cosine of x radians.", "torch.cos({x})", "tf.cos({x})", "cos", derivatives=("-sin(x)",)),
    Operation("tan", X, "Tangent of x radians.", "torch.tan({x})", "tf.tan({x})", "tan",
              derivatives=("1/cos(x)**2",)),
    Operation("asin", X, "Inverse sine, in [-pi/2, pi/2].", "torch.asin({x})", "tf.asin({x})", "asin",
              derivatives=("1/sqrt((1 - x)*(1 + x))",), domain="-1 <= x and x <= 1", aliases=("arcsin",)),
    Operation("acos", X, "Inverse cosine, in [0, pi].", "torch.acos({x})", "tf.acos({x})", "acos",
              derivatives=("-1/sqrt((1 - x)*(1 + x))",), domain="-1 <= x and x <= 1", aliases=("arccos",)),
    Operation("atan", X, "Inverse tangent, in (-pi/2, pi/2).", "torch.atan({x})", "tf.atan({x})", "atan",
              derivatives=("1/(1 + x**2)",), aliases=("arctan",)),
    Operation("atan2", ("y", "x"), "Angle of the point (x, y), in [-pi, pi].", "torch.atan2({y}, {x})",
              "tf.atan2({y}, {x})", "atan2", derivatives=("x/(x**2 + y**2)", "-y/(x**2 + y**2)"),
              domain="x != 0 or y != 0", kinks=("where(x < 0, y, 1)",), aliases=("arctan2",),
              backward={"torch": _ATAN2, "tensorflow": _ATAN2_TENSORFLOW}),
    Operation("sinh", X, "Hyperbolic sine.", "torch.sinh({x})", "tf.sinh({x})", "sinh", derivatives=("cosh(x)",)),
    Operation("cosh", X, "Hyperbolic cosine.", "torch.cosh({x})", "tf.cosh({x})", "cosh", derivatives=("sinh(x)",)),
    Operation("tanh", X, "Hyperbolic tangent.", "torch.tanh({x})", "tf.tanh({x})", "tanh",
              derivatives=("1/cosh(x)**2",),
              backward={"torch": ("1 - out*out",), "tensorflow": ("1 - out*out",)},
              deviations={"tensorflow/float32": "tf.tanh is 1 from 7.908 on, where 1 - tanh(x) is still 2.7e-7"}),
    Operation("asinh", X, "Inverse hyperbolic sine.", "torch.asinh({x})", "tf.asinh({x})", "asinh",
              derivatives=("1/sqrt(1 + x**2)",), aliases=("arcsinh",),
              backward={"torch": ("1/sqrt(x*x + 1)",), "tensorflow": ("1/cosh(out)",)}),
    Operation("acosh", X, "Inverse hyperbolic cosine.", "torch.acosh({x})", "tf.acosh({x})", "acosh",
              derivatives=("1/sqrt((x - 1)*(x + 1))",), domain="x >= 1", aliases=("arccosh",),
              backward={"torch": ("1/sqrt(x*x - 1)",), "tensorflow": ("1/sinh(out)",)}),
    Operation("atanh", X, "Inverse hyperbolic tangent.", "torch.atanh({x})", "tf.atanh({x})", "atanh",
              derivatives=("1/((1 - x)*(1 + x))",), domain="-1 < x and x < 1", aliases=("arctanh",)),
    # ---- activations
    Operation("sigmoid", X, "Logistic function 1/(1 + exp(-x)).", "torch.sigmoid({x})", "tf.sigmoid({x})",
              formula="1/(1 + exp(-x))", derivatives=("exp(-abs(x))/(1 + exp(-abs(x)))**2",), group="activation",
              backward={"torch": ("out*(1 - out)",), "tensorflow": ("out*(1 - out)",)}),
    Operation("softplus", X, "log(1 + exp(x)), a smooth relu.", "torch.nn.functional.softplus({x})",
              "tf.math.softplus({x})", formula="log(1 + exp(x))", derivatives=("sigmoid(x)",), group="activation",
              deviations={"torch/float64": "PyTorch's softplus is the straight line x above 20, off by exp(-x)"}),
    Operation("relu", X, "Rectified linear unit, max(x, 0).", "torch.relu({x})", "tf.nn.relu({x})",
              formula="where(x > 0, x, 0)", derivatives=("where(x > 0, 1, 0)",), kinks=("x",), group="activation"),
    Operation("leaky_relu", X, "x where positive, 0.01*x elsewhere.",
              "torch.nn.functional.leaky_relu({x}, negative_slope=0.01)", "tf.nn.leaky_relu({x}, alpha=0.01)",
              formula="where(x > 0, x, 0.01*x)", derivatives=("where(x > 0, 1, 0.01)",), kinks=("x",),
              group="activation",
              deviations={"tensorflow/float64": "tf.nn.leaky_relu keeps its slope in float32, so 0.01 is 2.2e-8 off"}),
    Operation("elu", X, "x where positive, exp(x) - 1 elsewhere.", "torch.nn.functional.elu({x})", "tf.nn.elu({x})",
              formula="where(x > 0, x, expm1(x))", derivatives=("where(x > 0, 1, exp(x))",), group="activation",
              forward={"tensorflow": "where(x > 0, x, exp(x) - 1)"},
              backward={"tensorflow": ("where(x > 0, 1, out + 1)",)}),
    Operation("selu", X, "Scaled elu of self-normalising networks.", "torch.nn.functional.selu({x})",
              "tf.nn.selu({x})", formula=f"{_SELU_SCALE}*where(x > 0, x, {_SELU_ALPHA}*expm1(x))",
              derivatives=(f"{_SELU_SCALE}*where(x > 0, 1, {_SELU_ALPHA}*exp(x))",), kinks=("x",),
              group="activation",
              forward={"tensorflow": f"where(x > 0, {_SELU_SCALE}*x, {_SELU_SCALE}*{_SELU_ALPHA}*(exp(x) - 1))"},
              backward={"tensorflow": (f"where(x > 0, {_SELU_SCALE}, out + {_SELU_SCALE}*{_SELU_ALPHA})",)},
              deviations={"tensorflow": "tf.nn.selu computes exp(x) - 1 and takes tiny negative numbers for positive"}),
    Operation("gelu", X, "Gaussian error linear unit, x times the normal distribution function.",
              "torch.nn.functional.gelu({x})", "tf.nn.gelu({x})", formula="x*(1 + erf(x/sqrt(2)))/2",
              derivatives=("erfc(-x/sqrt(2))/2 + x*exp(-x**2/2)/sqrt(2*pi)",), group="activation",
              forward={"torch": "x*(1 + erf(x/sqrt(2)))/2", "tensorflow": "x*erfc(-x/sqrt(2))/2"},
              backward={"torch": ("(1 + erf(x/sqrt(2)))/2 + x*exp(-x*x/2)/sqrt(2*pi)",)},
              deviations={"tensorflow/float64": "tf.nn.gelu passes 1/sqrt(2) through float32, 2.4e-8 off"}),
    Operation("silu", X, "x*sigmoid(x), also called swish.", "torch.nn.functional.silu({x})", "tf.nn.silu({x})",
              formula="x/(1 + exp(-x))", derivatives=("sigmoid(x)*(1 + x*sigmoid(-x))",), group="activation",
              aliases=("swish",),
              backward={"torch": (_SILU,), "tensorflow": (_SILU,)}),
    Operation("softsign", X, "x/(1 + abs(x)).", "torch.nn.functional.softsign({x})", "tf.nn.softsign({x})",
              formula="x/(1 + abs(x))", derivatives=("1/(1 + abs(x))**2",), group="activation",
              backward={"torch": ("1/(1 + abs(x)) - abs(x)/(1 + abs(x))**2",)}),
    Operation("logsigmoid", X, "log(sigmoid(x)).", "torch.nn.functional.logsigmoid({x})", "tf.math.log_sigmoid({x})",
              formula="-log(1 + exp(-x))", derivatives=("sigmoid(-x)",), group="activation",
              aliases=("log_sigmoid",)),
    Operation("hardtanh", X, "x limited to [-1, 1].", "torch.nn.functional.hardtanh({x})", formula="clip(x, -1, 1)",
              derivatives=("where(abs(x) <= 1, 1, 0)",), kinks=("x - 1", "x + 1"), group="activation"),
    # ---- special functions
    Operation("erf", X, "Error function.", "torch.erf({x})", "tf.math.erf({x})", "erf",
              derivatives=("2*exp(-x**2)/sqrt(pi)",), group="special",
              deviations={"torch/float16": _ERF, "torch/bfloat16": _ERF,
                          "tensorflow/float64": "tf.math.erf is NaN above 1.3e154, where x*x overflows"}),
    Operation("erfc", X, "Complementary error function, 1 - erf(x).", "torch.erfc({x})", "tf.math.erfc({x})", "erfc",
              derivatives=("-2*exp(-x**2)/sqrt(pi)",), group="special"),
    Operation("lgamma", X, "Logarithm of the magnitude of the gamma function.", "torch.lgamma({x})",
              "tf.math.lgamma({x})", "lgamma", derivatives=("digamma(x)",), domain="x > 0 or x != floor(x)",
              group="special", aliases=("gammaln",), backward={"torch": (_DIGAMMA,), "tensorflow": (_DIGAMMA,)}),
    Operation("digamma", X, "Derivative of lgamma.", "torch.digamma({x})", "tf.math.digamma({x})", "digamma",
              derivatives=("trigamma(x)",), domain="x > 0 or x != floor(x)", group="special",
              forward={"torch": _DIGAMMA, "tensorflow": _DIGAMMA},
              backward={"torch": (_TRIGAMMA,), "tensorflow": (_TRIGAMMA,)},
              deviations={
                  "torch": "PyTorch's derivative of digamma is a short series, up to 7e-10 off",
                  "tensorflow/float64": "TensorFlow's derivative of digamma is 0 from 1e154 on",
                  "tensorflow/float32": "TensorFlow's derivative of digamma is wrong below -7, and 0 from 1e19 on",
              }),
    Operation("trigamma", X, "Derivative of digamma.", "torch.polygamma(1, {x})",
              "tf.math.polygamma(tf.ones_like({x}), {x})", "trigamma", derivatives=("_psi2(x)",),
              domain="x > 0 or x != floor(x)", group="special", deviations={
                  "torch": "torch.polygamma(1, x) is a short series, up to 7e-10 off",
                  "tensorflow/float64": "tf.math.polygamma is 0 from 1e154 on",
                  "tensorflow/float32": "tf.math.polygamma is wrong below -7, and 0 from 1e19 on",
              }),
    # ---- the derivatives of trigamma, which no framework has by name
    *(Operation(f"_psi{n}", X, f"Derivative {n} of digamma.", derivatives=(f"_psi{n + 1}(x)",) if n < LAST_PSI else (),
                domain="x > 0 or x != floor(x)", group="special", hidden=True) for n in range(2, LAST_PSI + 1)),
    # ---- two arguments
    Operation("hypot", XY, "sqrt(x**2 + y**2) without overflow on the way.", "torch.hypot({x}, {y})", "", "Hypot",
              formula=_HYPOT, derivatives=("x/hypot(x, y)", "y/hypot(x, y)"),
              backward={"torch": ("x/out", "y/out")}),
    Operation("logaddexp", XY, "log(exp(x) + exp(y)) without overflow on the way.", "torch.logaddexp({x}, {y})",
              formula="where(x > y, x + softplus(y - x), y + softplus(x - y))",
              derivatives=("sigmoid(x - y)", "sigmoid(y - x)"),
              forward={"torch": "where(x > y, x + log1p(exp(y - x)), y + log1p(exp(x - y)))"},
              backward={"torch": ("1/(1 + exp(y - x))", "1/(1 + exp(x - y))")}),
)  # fmt: skip
