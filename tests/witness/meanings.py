"""What each operation means, written down a second time: closed forms for SymPy and for mpmath alike.

``MEANINGS[name](m, *arguments)`` takes its functions from ``m``, which is ``Sym`` or ``Num`` below. The forms come from
the definitions in the frameworks' manuals, DLMF and IEEE 754, not from the operation table.
A decimal means the float64 nearest to it, as in the language.
"""

from __future__ import annotations

from typing import Any

import sympy
from mpmath import mp

__all__ = ["EVERYWHERE", "MEANINGS", "POINTS", "Num", "Sym"]


class Sym:
    """SymPy's functions, over real symbols."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sympy, name)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        return sympy.Piecewise((yes, condition), (no, True))

    def lgamma(self, x: Any) -> Any:
        return sympy.loggamma(x)

    def decimal(self, text: str) -> Any:
        return sympy.Rational(float(text))


class Num:
    """mpmath's functions, at whatever precision is set."""

    def __getattr__(self, name: str) -> Any:
        return getattr(mp, name)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        return yes if condition else no

    def lgamma(self, x: Any) -> Any:
        return mp.log(abs(mp.gamma(x)))

    def decimal(self, text: str) -> Any:
        return mp.mpf(float(text))


def _selu(m: Any, x: Any) -> Any:
    """Klambauer et al. 2017: the fixed point (0, 1) gives these two numbers."""
    scale, alpha = m.decimal("1.0507009873554804934193349852946"), m.decimal("1.6732632423543772848170429916717")
    return scale * m.where(x > 0, x, alpha * (m.exp(x) - 1))


MEANINGS: dict[str, Any] = {
    "add": lambda _, x, y: x + y,
    "subtract": lambda _, x, y: x - y,
    "multiply": lambda _, x, y: x * y,
    "divide": lambda _, x, y: x / y,
    "floor_divide": lambda m, x, y: m.floor(x / y),
    "remainder": lambda m, x, y: x - y * m.floor(x / y),
    "pow": lambda _, x, y: x**y,
    "negative": lambda _, x: -x,
    "where": lambda m, c, x, y: m.where(c, x, y),
    "max": lambda m, x, y: m.where(x > y, x, y),
    "min": lambda m, x, y: m.where(x < y, x, y),
    "clip": lambda m, x, lo, hi: m.where(x < lo, lo, m.where(x > hi, hi, x)),
    "abs": lambda m, x: m.where(x < 0, -x, x),
    "sign": lambda m, x: m.where(x < 0, -1 + 0 * x, m.where(x > 0, 1 + 0 * x, 0 * x)),
    "floor": lambda m, x: m.floor(x),
    "ceil": lambda m, x: -m.floor(-x),
    "round": lambda m, x: m.floor(x + m.decimal("0.5")),
    "sqrt": lambda m, x: x ** m.decimal("0.5"),
    "cbrt": lambda m, x: m.where(x < 0, -((-x) ** (m.decimal("1") / 3)), x ** (m.decimal("1") / 3)),
    "exp": lambda m, x: m.exp(x),
    "exp2": lambda _, x: 2**x,
    "expm1": lambda m, x: m.exp(x) - 1,
    "log": lambda m, x: m.log(x),
    "log2": lambda m, x: m.log(x) / m.log(2),
    "log10": lambda m, x: m.log(x) / m.log(10),
    "log1p": lambda m, x: m.log(1 + x),
    "sin": lambda m, x: m.sin(x),
    "cos": lambda m, x: m.cos(x),
    "tan": lambda m, x: m.sin(x) / m.cos(x),
    "asin": lambda m, x: m.asin(x),
    "acos": lambda m, x: m.acos(x),
    "atan": lambda m, x: m.atan(x),
    "atan2": lambda m, y, x: m.atan2(y, x),
    "sinh": lambda m, x: (m.exp(x) - m.exp(-x)) / 2,
    "cosh": lambda m, x: (m.exp(x) + m.exp(-x)) / 2,
    "tanh": lambda m, x: (m.exp(x) - m.exp(-x)) / (m.exp(x) + m.exp(-x)),
    "asinh": lambda m, x: m.log(x + m.sqrt(x * x + 1)),
    "acosh": lambda m, x: m.log(x + m.sqrt(x * x - 1)),
    "atanh": lambda m, x: m.log((1 + x) / (1 - x)) / 2,
    "sigmoid": lambda m, x: 1 / (1 + m.exp(-x)),
    "softplus": lambda m, x: m.log(1 + m.exp(x)),
    "relu": lambda m, x: m.where(x > 0, x, 0 * x),
    "leaky_relu": lambda m, x: m.where(x > 0, x, m.decimal("0.01") * x),
    "elu": lambda m, x: m.where(x > 0, x, m.exp(x) - 1),
    "selu": _selu,
    "gelu": lambda m, x: x * (1 + m.erf(x / m.sqrt(2))) / 2,
    "silu": lambda m, x: x / (1 + m.exp(-x)),
    "softsign": lambda m, x: x / (1 + m.where(x < 0, -x, x)),
    "logsigmoid": lambda m, x: -m.log(1 + m.exp(-x)),
    "hardtanh": lambda m, x: m.where(x < -1, -1 + 0 * x, m.where(x > 1, 1 + 0 * x, x)),
    "erf": lambda m, x: m.erf(x),
    "erfc": lambda m, x: 1 - m.erf(x),
    "lgamma": lambda m, x: m.lgamma(x),
    "digamma": lambda m, x: m.digamma(x),
    "trigamma": lambda m, x: m.polygamma(1, x),
    "hypot": lambda m, x, y: m.sqrt(x * x + y * y),
    "logaddexp": lambda m, x, y: m.log(m.exp(x) + m.exp(y)),
}

EVERYWHERE: tuple[tuple[float, ...], ...] = ((-4.75,), (-1.3,), (-0.3,), (0.4,), (0.8,), (1.7,), (5.2,))
"""Ordinary points of an operation of one argument that is defined everywhere; no kink is among them."""

_PAIRS = ((0.3, 1.9), (-1.7, 0.6), (2.4, -0.7), (-3.1, -1.2), (5.3, 2.5))
_INSIDE = ((-0.9,), (-0.3,), (0.2,), (0.7,), (0.96,))
_POSITIVE = ((0.05,), (0.4,), (1.3,), (7.7,), (120.5,))
_GAMMA = (*_POSITIVE, (-0.4,), (-1.6,), (-4.3,))
POINTS: dict[str, tuple[tuple[float, ...], ...]] = {
    **dict.fromkeys(
        ("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "max", "min", "atan2", "hypot"), _PAIRS
    ),
    "logaddexp": _PAIRS,
    "pow": ((0.3, 1.9), (1.7, -0.6), (2.4, 3.0), (5.3, 0.5), (120.0, -2.25)),
    "where": ((1, 0.3, 1.9), (0, 0.3, 1.9), (1, -2.0, 7.0)),
    "clip": ((0.3, -1.0, 2.0), (-3.0, -1.0, 2.0), (2.5, -1.0, 2.0)),
    **dict.fromkeys(("sqrt", "log", "log2", "log10"), _POSITIVE),
    "log1p": ((-0.9,), (-0.3,), *_POSITIVE),
    **dict.fromkeys(("asin", "acos", "atanh"), _INSIDE),
    "acosh": ((1.05,), (1.4,), (7.7,), (120.5,)),
    **dict.fromkeys(("lgamma", "digamma", "trigamma"), _GAMMA),
}
"""Ordinary points of the others, inside the domain and on no kink."""
