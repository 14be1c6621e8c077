"""Write gradients.jsonl: reference values and derivatives for formulas.jsonl.

    python tests/corpus/make.py            # needs mpmath, a few minutes
    python tests/corpus/make.py --check    # regenerate, compare, write nothing

For every formula three points are drawn from its box (seeded by the formula's
name, so adding a formula changes no other row).  At each point the value and
all partial derivatives are computed to 30 significant digits.

The reference is independent of the tool under test and of any symbolic or
automatic differentiation: an ast walker evaluates the text in mpmath with
DIGITS decimal digits and derivatives are central differences with a relative
step of 1e-40.  Truncation is then about 1e-80 and rounding about 1e-110, both
relative; every derivative is computed a second time with a step of 1e-35 and
the two must agree to 32 digits.  Text is never passed to eval().

Conventions
  * a variable is exactly the double that its decimal string denotes;
  * a literal with a point or exponent is the nearest double (0.1 is the
    double 0.1), an integer literal is itself, and arithmetic on them is exact
    (1/3 is one third);
  * pi and e are the doubles math.pi and math.e.

"condition" of a derivative g = df/dx is the largest |y * (dg/dy) / g| over the
variables y, by second differences: how many times a relative change of an
input is magnified in g.  A point with a derivative that is zero, has magnitude
outside 1e-200..1e200 or has condition above 1e6 is redrawn; such redraws are
listed on standard output.
"""

import ast
import json
import math
import operator
import pathlib
import random
import sys

from mpmath import mp

HERE = pathlib.Path(__file__).resolve().parent
FORMULAS = HERE / "formulas.jsonl"
GRADIENTS = HERE / "gradients.jsonl"

DIGITS = 150
STEP = "1e-40"
CHECK_STEP = "1e-35"
POINTS = 3
SEED = "corpus-1"
MAX_CONDITION = 1e6
MAX_TRIES = 100


class Undefined(ValueError):
    """The expression has no finite real value at the point."""


def _real(value):
    if isinstance(value, mp.mpc) or not mp.isfinite(value):
        raise Undefined(f"not a finite real: {mp.nstr(value, 8)}")
    return value


def _power(x, y):
    if x == 0 and y < 0:
        raise Undefined("zero to a negative power")
    return mp.power(x, y)


def _floor_divide(x, y):
    return mp.floor(x / y)


def _modulo(x, y):
    return x - y * mp.floor(x / y)


def _cbrt(x):
    return mp.sign(x) * mp.cbrt(abs(x))


def _sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def _softplus(x):
    return mp.log1p(mp.exp(x))


def _elu(x):
    return x if x > 0 else mp.expm1(x)


def _selu(x):
    # Klambauer et al. 2017; both constants as doubles, like any literal.
    scale, alpha = mp.mpf(1.0507009873554805), mp.mpf(1.6732632423543772)
    return scale * (x if x > 0 else alpha * mp.expm1(x))


def _gelu(x):
    return x * mp.erfc(-x / mp.sqrt(2)) / 2


def _lgamma(x):
    return mp.log(abs(mp.gamma(x)))


FUNCTIONS = {
    "abs": abs,
    "sign": mp.sign,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "round": mp.nint,
    "min": min,
    "max": max,
    "clip": lambda x, lo, hi: min(max(x, lo), hi),
    "sqrt": mp.sqrt,
    "cbrt": _cbrt,
    "exp": mp.exp,
    "exp2": lambda x: mp.power(2, x),
    "expm1": mp.expm1,
    "log": mp.log,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "log1p": mp.log1p,
    "pow": _power,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "relu": lambda x: max(x, mp.mpf(0)),
    "leaky_relu": lambda x: x if x > 0 else mp.mpf(0.01) * x,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "softsign": lambda x: x / (1 + abs(x)),
    "logsigmoid": lambda x: -_softplus(-x),
    "hardtanh": lambda x: min(max(x, mp.mpf(-1)), mp.mpf(1)),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "lgamma": _lgamma,
    "digamma": mp.digamma,
    "hypot": mp.hypot,
    "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))),
}
CONSTANTS = {"pi": math.pi, "e": math.e}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: _floor_divide,
    ast.Mod: _modulo,
    ast.Pow: _power,
}
COMPARISONS = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(node, at):
    """Value of an expression tree at the point `at` (a dict of mpf)."""
    if isinstance(node, ast.Constant):
        if type(node.value) not in (int, float):
            raise ValueError(f"bad literal {node.value!r}")
        return mp.mpf(node.value)
    if isinstance(node, ast.Name):
        return at[node.id] if node.id in at else mp.mpf(CONSTANTS[node.id])
    if isinstance(node, ast.UnaryOp):
        value = evaluate(node.operand, at)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return value
    if isinstance(node, ast.BinOp):
        left, right = evaluate(node.left, at), evaluate(node.right, at)
        try:
            return _real(OPERATORS[type(node.op)](left, right))
        except ZeroDivisionError:
            raise Undefined("division by zero") from None
    if isinstance(node, ast.Call) and not node.keywords:
        if node.func.id == "where":
            condition, yes, no = node.args
            return evaluate(yes if _holds(condition, at) else no, at)
        args = [evaluate(arg, at) for arg in node.args]
        try:
            return _real(FUNCTIONS[node.func.id](*args))
        except (ZeroDivisionError, ValueError) as error:
            raise Undefined(f"{node.func.id}: {error}") from None
    raise ValueError(f"not in the language: {ast.dump(node)}")


def _holds(node, at):
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        raise ValueError(f"not a comparison: {ast.dump(node)}")
    left, right = evaluate(node.left, at), evaluate(node.comparators[0], at)
    return COMPARISONS[type(node.ops[0])](left, right)


def _shifted(at, *moves):
    at = dict(at)
    for name, delta in moves:
        at[name] += delta
    return at


def _step(at, name, relative):
    return mp.mpf(relative) * (abs(at[name]) or 1)


def derivative(tree, at, x, relative=STEP):
    """df/dx by a central difference."""
    h = _step(at, x, relative)
    up = evaluate(tree, _shifted(at, (x, h)))
    down = evaluate(tree, _shifted(at, (x, -h)))
    return (up - down) / (2 * h)


def second_derivative(tree, at, x, y):
    """d2f/dxdy by central differences of central differences."""
    h, k = _step(at, x, STEP), _step(at, y, STEP)
    total = mp.mpf(0)
    for s in (1, -1):
        for t in (1, -1):
            total += s * t * evaluate(tree, _shifted(at, (x, s * h), (y, t * k)))
    return total / (4 * h * k)


def reference(tree, point):
    """(value, gradient, condition) at a point, a dict of floats."""
    at = {name: mp.mpf(value) for name, value in point.items()}
    value = evaluate(tree, at)
    gradient = {x: derivative(tree, at, x) for x in at}
    for x, g in gradient.items():
        again = derivative(tree, at, x, CHECK_STEP)
        if abs(g - again) > mp.mpf("1e-32") * abs(g):
            raise Undefined(f"d/d{x} not settled to 32 digits, zero or not smooth")
    condition = dict.fromkeys(at, mp.mpf(0))
    names = list(at)
    for i, x in enumerate(names):
        for y in names[i:]:
            mixed = second_derivative(tree, at, x, y)
            for p, q in ((x, y), (y, x)):
                if gradient[p]:
                    c = abs(at[q] * mixed / gradient[p])
                    condition[p] = max(condition[p], c)
    return value, gradient, condition


def objection(gradient, condition):
    """Why a point is not ordinary, or None."""
    for x, g in gradient.items():
        if g == 0:
            return f"d/d{x} is zero"
        if not mp.mpf("1e-200") < abs(g) < mp.mpf("1e200"):
            return f"d/d{x} = {mp.nstr(g, 3)} is out of range"
        if condition[x] > MAX_CONDITION:
            return f"d/d{x} has condition {mp.nstr(condition[x], 3)}"
    return None


def digits(x):
    return mp.nstr(x, 30, strip_zeros=False)


def three_digits(c):
    # Below the noise of the differences a condition is an exact zero.
    return float(mp.nstr(c, 3)) if c > mp.mpf("1e-25") else 0.0


def rows(formula, report):
    """The rows of one formula."""
    name, expression, box = formula["name"], formula["expression"], formula["box"]
    tree = ast.parse(expression, mode="eval").body
    rng = random.Random(f"{SEED}:{name}")
    found = []
    for _ in range(MAX_TRIES):
        if len(found) == POINTS:
            return found
        point = {x: rng.uniform(lo, hi) for x, (lo, hi) in box.items()}
        try:
            value, gradient, condition = reference(tree, point)
            why = objection(gradient, condition)
        except Undefined as error:
            why = str(error)
        if why:
            report(f"redrawn: {name} at {point}: {why}")
            continue
        found.append(
            {
                "name": name,
                "expression": expression,
                "at": {x: repr(v) for x, v in point.items()},
                "value": digits(value),
                "gradient": {x: digits(g) for x, g in gradient.items()},
                "condition": {x: three_digits(c) for x, c in condition.items()},
            }
        )
    report(f"given up: {name}: {len(found)} of {POINTS} points")
    return found


def main(argv):
    if argv not in ([], ["--check"]):
        sys.exit(__doc__)
    mp.dps = DIGITS
    formulas = [json.loads(line) for line in FORMULAS.read_text().splitlines()]
    out = [row for formula in formulas for row in rows(formula, print)]
    text = "".join(json.dumps(row) + "\n" for row in out)
    entries = sum(len(row["gradient"]) for row in out)
    print(f"{len(formulas)} formulas, {len(out)} rows, {entries} gradient entries")
    if argv:
        same = GRADIENTS.read_text() == text
        print("gradients.jsonl is up to date" if same else "gradients.jsonl differs")
        sys.exit(not same)
    GRADIENTS.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
