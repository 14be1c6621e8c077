"""Points at which every operation of an expression is inside its domain, away from kinks, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from mpmath import mp

from gradtool.evidence import Points, SampleRequest
from gradtool.target.dtype import rounded
from gradtool.target.expression import parse
from gradtool.values import Value
from gradtool.witness.symbolic.exact import Walk
from gradtool.witness.symbolic.node import BeyondError, UndefinedError
from gradtool.witness.walk import Step, compile_tree

__all__ = ["sample"]

ATTEMPTS = 4000

_SCHEMES: tuple[Callable[[random.Random], float], ...] = (
    lambda draw: draw.gauss(0, 1.5),
    lambda draw: draw.uniform(0, 1),
    lambda draw: draw.uniform(1, 5),
    lambda draw: draw.uniform(-1, 1),
    lambda draw: draw.lognormvariate(0, 1.5),
    lambda draw: draw.uniform(-20, 20),
    lambda draw: 10 ** draw.uniform(0, 6),
    lambda draw: -(10 ** draw.uniform(0, 6)),
)
"""Tried in turn, ordinary magnitudes first; the wide ones are for domains far from 0 such as sqrt(x - 1000)."""


def sample(request: SampleRequest) -> Points:
    """``request.count`` points with four significant digits; fewer if 4000 attempts did not find them."""
    names = parse(request.expression, request.wrt).variables
    steps = compile_tree(parse(request.expression, request.wrt).tree, request.framework)
    draw = random.Random(request.seed)  # noqa: S311  # repeatable on purpose
    found: list[dict[str, Value]] = []
    for attempt in range(ATTEMPTS if request.count else 0):
        common = _SCHEMES[attempt % (5 if attempt < ATTEMPTS // 4 else len(_SCHEMES))]
        mixed = attempt % 2 and attempt > ATTEMPTS // 8
        point: dict[str, Value] = {
            name: rounded(float(f"{(draw.choice(_SCHEMES) if mixed else common)(draw):.4g}"), request.dtype)
            for name in names
        }
        if point not in found and _is_ordinary(steps, request, point):
            found.append(point)
            if len(found) == request.count:
                break
    return Points(request.key, found)


def _is_ordinary(steps: list[Step], request: SampleRequest, point: Mapping[str, Value]) -> bool:
    with mp.workdps(25):
        try:
            values = {name: mp.mpf(value) for name, value in point.items()}
            walk = Walk(steps, request.framework, request.dtype, values, request.wrt)
        except (UndefinedError, BeyondError):
            return False
        limit = walk.arithmetic.high // 2
        return not (walk.stakes or walk.near or walk.thin) and all(
            not number or abs(mp.mag(number)) < limit
            for number in (walk.root.value, *(walk.variable(name).adjoint for name in request.wrt))
        )
