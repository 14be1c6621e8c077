"""One segment of the path integral: how far f goes along it, how far its gradient says it goes, and how sure both are.

Nothing about the noise is assumed that can be measured:

- of the function: f at the 15 nodes and both ends, less the integral of the polynomial through the slopes up to there,
  is a constant where the gradient is right and smooth where it is not; what a polynomial of degree 6 leaves of it is
  noise. The nodes are irregular and cover the segment, so stairs up to its own length are seen.
- of the gradient: what a polynomial of degree 10 leaves of the 15 slopes is noise, a kink on the segment, or a
  function too lively for the quadrature. All three widen the bar.

A floor from the unit roundoff is added: u |f| at each end, and u times the Euclidean norm of the terms of g . w (they
have random signs, which keeps their rounding errors from adding up).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradtool.witness.directional.flat_function import Array, FlatFunction, left_over

__all__ = ["Places", "Reading", "foreseen", "places", "ratio", "reading"]

_HALF_NODES = (
    0.991455371120812639206854697526329, 0.949107912342758524526189684047851, 0.864864423359769072789712788640926,
    0.741531185599394439863864773280788, 0.586087235467691130294144691658160, 0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
)  # fmt: skip
_HALF_WEIGHTS = (
    0.022935322010529224963732008058970, 0.063092092629978553290700663189204, 0.104790010322250183839876322541518,
    0.140653259715525918745189590510238, 0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
)  # fmt: skip
_HALF_GAUSS = (
    0.129484966168869693270611432679082, 0.279705391489276667901467771423780, 0.381830050505118944950369775488975,
)  # fmt: skip
NODES = np.array([-node for node in _HALF_NODES] + [0.0] + list(_HALF_NODES[::-1]))
"""The 15 nodes of Kronrod's extension of the 7-point Gauss rule, in order; every other one is a node of Gauss.

A. S. Kronrod, Nodes and Weights of Quadrature Formulas, 1965; the digits are those of DQK15 in QUADPACK (R. Piessens
et al., 1983).
"""
KRONROD = np.array([*_HALF_WEIGHTS, 0.209482141084727828012999174891714, *_HALF_WEIGHTS[::-1]])
GAUSS = np.array([*_HALF_GAUSS, 0.417959183673469387755102040816327, *_HALF_GAUSS[::-1]])

_PLACES = np.array([-1.0, *NODES, 1.0])
_LEGENDRE = np.polynomial.legendre
_COEFFICIENTS = np.linalg.inv(_LEGENDRE.legvander(NODES, 14))
PRIMITIVE = _LEGENDRE.legvander(_PLACES, 15) @ _LEGENDRE.legint(_COEFFICIENTS, lbnd=-1)
"""Takes the 15 slopes to the integral of the polynomial through them, from -1 to each of the 17 places."""

_FUNCTION_NOISE = left_over(_PLACES, 6)
_SLOPE_NOISE = left_over(NODES, 10)
_BASIS = _LEGENDRE.legvander(_PLACES, 16)
_DERIVED = _LEGENDRE.legvander(NODES, 15) @ _LEGENDRE.legder(np.linalg.inv(_BASIS))
"""Takes the values at the 17 places to the slopes, at the nodes, of the polynomial through them."""
_MISSED = KRONROD.copy()
_MISSED[1::2] -= GAUSS
_FORESEEN = np.vstack([_MISSED, np.linalg.norm(KRONROD) * _SLOPE_NOISE]) @ _DERIVED
_FORESEEN_ROUNDING = float(np.linalg.norm(_FORESEEN))
_DEVIATIONS = 8
"""Standard deviations that noise is given: estimates from ten and four degrees of freedom have long tails."""
_QUIET = 64
"""Noise above so many times the least there must be may be a jump or a pole, which a shorter segment would avoid."""
_FEW_LEVELS = 8
"""Different values of f at 17 places that tell of stairs; their height is not seen from one of them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One segment: ``difference`` is f(b) - f(a), ``integral`` that of the gradient, ``size`` that of |g| . |v|.

    ``noise`` and ``quadrature`` are the two parts of the bar, ``rounding`` is the least that ``noise`` must be,
    ``step`` is H, and ``levels`` is the number of different values of f.
    """

    difference: float
    integral: float
    size: float
    noise: float
    rounding: float
    quadrature: float
    step: float
    levels: int

    @property
    def bar(self) -> float:
        """How large the gap may be."""
        return self.noise + self.quadrature

    @property
    def gap(self) -> float:
        """What the gradient leaves unexplained."""
        return abs(self.difference - self.integral)

    @property
    def agrees(self) -> bool:
        """Whether the bar explains the gap."""
        return self.gap <= self.bar

    @property
    def coarseness(self) -> float:
        """The bar relative to |g| . |v|."""
        return ratio(self.bar, self.size)

    @property
    def settled(self) -> bool:
        """Whether only rounding is left, and no more of it than there must be."""
        return self.quadrature <= self.noise <= _QUIET * self.rounding

    @property
    def frozen(self) -> bool:
        """Whether f stands still on a stair while the gradient says it moves: rounding further in may have made it."""
        return self.levels <= _FEW_LEVELS and not self.agrees


@dataclass(frozen=True, slots=True)
class Places:
    """The ends and the 15 nodes of a segment of half-length ``step``, as they were rounded, in order."""

    low: Array
    high: Array
    step: float
    function: FlatFunction

    @property
    def half(self) -> Array:
        """From the middle to the upper end."""
        return (self.high - self.low) / 2

    def node(self, place: float) -> Array:
        """The point at ``place`` from -1 to 1."""
        if abs(place) == 1:
            return self.high if place > 0 else self.low
        return self.function.rounded(self.low + (1 + place) * self.half)

    def astray(self, place: float, at: Array) -> Array:
        """By how much rounding moved it."""
        return (at - self.low) - (1 + place) * self.half

    def values(self) -> Array | None:
        """The function at all of them; None where it is not finite."""
        found: list[float] = []
        for place in _PLACES:
            found.append(self.function.value(self.node(place)))
            if not math.isfinite(found[-1]):
                return None
        return np.array(found)


def places(function: FlatFunction, direction: Array, step: float) -> Places | None:
    """The segment of half-length ``step``; None if an entry stands still on it."""
    start = function.start()
    low, high = function.rounded(start - step * direction), function.rounded(start + step * direction)
    if np.any((low == high) & (direction != 0)):
        return None
    return Places(low, high, step, function)


def foreseen(values: Array, unit: float) -> tuple[float, bool]:
    """How large the quadrature's part of the bar will be, relative to how far f goes, to judge by its values alone.

    Asked of the polynomial through the 17 values, without a gradient. And whether no more is seen than rounding of the
    values could make.
    """
    rounding = unit * float(np.max(np.abs(values))) * _FORESEEN_ROUNDING
    seen = float(np.linalg.norm(_FORESEEN @ (values - values[len(values) // 2])))
    return ratio(max(seen, rounding), float(np.ptp(values))), seen <= rounding


def reading(where: Places | None, values: Array | None = None) -> Reading | None:
    """The segment; None if there is none, or f or its gradient is not finite on it. ``values`` if they are known."""
    if where is None:
        return None
    function, half = where.function, where.half
    ends = [function.value(where.node(end)) for end in (-1, 1)] if values is None else values[[0, -1]].tolist()
    if not all(map(math.isfinite, ends)):
        return None
    nodes = []
    for number, node in enumerate(NODES, 1):
        at = where.node(node)
        value, slopes = function.value_and_slopes(at) if values is None else (values[number], function.slopes(at))
        terms = slopes * half
        sums = np.sum(terms), np.sum(np.abs(terms)), np.dot(terms, terms), np.dot(slopes, where.astray(node, at))
        nodes.append([*sums, value])
        if not np.all(np.isfinite(nodes[-1])):
            return None
    return _weighed(np.array(nodes), (ends[0], ends[1]), function.unit, where.step)


def _weighed(nodes: Array, ends: tuple[float, float], unit: float, step: float) -> Reading:
    """The reading from sums of g . w, |g . w|, (g . w)**2 and g . (rounding of the node), and the value, per node."""
    slopes, sizes, squares, astray, values = nodes.T
    difference, integral = ends[1] - ends[0], float(np.dot(KRONROD, slopes))
    unexplained = np.array([0.0, *(values - ends[0] - astray), difference]) - PRIMITIVE @ slopes
    least = 2 * abs(ends[0]) + 2 * abs(ends[1]) + 16 * math.sqrt(float(np.mean(squares))) + 4 * abs(integral)
    rounding = unit * least
    spread = _DEVIATIONS * float(np.linalg.norm(KRONROD) * np.linalg.norm(_SLOPE_NOISE @ (slopes - slopes[0])))
    return Reading(
        difference,
        integral,
        size=float(np.dot(KRONROD, sizes)),
        noise=_DEVIATIONS * math.sqrt(2) * float(np.linalg.norm(_FUNCTION_NOISE @ unexplained)) + rounding,
        rounding=rounding,
        quadrature=max(abs(integral - float(np.dot(GAUSS, slopes[1::2]))), spread),
        step=step,
        levels=len({*ends, *values.tolist()}),
    )


def ratio(part: float, whole: float) -> float:
    """Part by whole; 0 for nothing of anything, infinite for something of nothing."""
    if part == 0:
        return 0.0
    return part / whole if whole and math.isfinite(part) else math.inf
