"""What a framework's own gradient checker says about the very function whose gradient is checked.

A room gives the checker as a ``Tool``; bounds on the work and the record of what came out are the same for all.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Checked, Request
from gradtool.values import Array
from gradtool.witness.checkers import CHECKERS, MODES
from gradtool.witness.testimony import Case, Framework

__all__ = ["LONGEST", "MOST", "Said", "TooLongError", "Tool", "checked"]

MOST = 2_000
"""Derivatives that a checker is asked for at most; it evaluates the function twice for each coordinate."""

LONGEST = 20.0
"""Seconds after which it is stopped."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a checker made of a function: its settings, ``outcome`` and ``message`` as in ``evidence.Checked``.

    ``jacobians`` are its differences, outputs by entries for each input; empty where they can't be had.
    """

    settings: dict[str, float]
    outcome: str
    message: str = ""
    jacobians: Sequence[NDArray[np.float64]] = field(default_factory=list)


Tool = Callable[[Callable[..., Any], Sequence[Any], float | None], Said]
"""A checker: it is given a function of tensors, the tensors, and the step of its differences (None: its own)."""


class TooLongError(Exception):
    """Raised inside the function when the time is over."""


def checked(framework: Framework, request: Request, tool: Tool) -> Checked:
    """What ``tool`` says; whatever happens in it, there is a record, and no warning leaves it."""
    began = time.perf_counter()
    name = CHECKERS[request.against][framework.name]
    asked = request.against if request.step is None else f"{request.against}:{request.step!r}"
    none = Checked(request.key, asked, name, framework.version, {}, "not_run", "", {})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _run(framework, request, tool, none)
    except TooLongError:
        found = replace(none, message=f"it was stopped after {LONGEST:g} s")
    except Exception as error:  # noqa: BLE001  # a checker that breaks costs its own column only
        lines = str(error).strip().splitlines() or [""]
        found = replace(none, message=f"it raised {type(error).__name__}: {lines[0][:200]}")
    return replace(found, seconds=time.perf_counter() - began)


def _run(framework: Framework, request: Request, tool: Tool, none: Checked) -> Checked:
    if request.mode not in MODES:
        return replace(none, message="it compares first derivatives only")
    case = Case(framework, request)
    leaves = case.leaves(case.arrays)
    shape = framework.numbers(case.function(leaves)).shape
    function = "the expression"
    if request.mode == "gradient" and (shape or request.upstream is not None):
        case, function = _summed(framework, request)
        leaves, shape = case.leaves(case.arrays), ()
    sizes = {name: case.arrays[name].size for name in request.wrt}
    count = int(np.prod(shape, dtype=int)) * sum(sizes.values())
    if count > MOST:
        return replace(none, message=f"there are {count} derivatives, and it is asked for {MOST} at most")
    said = tool(_timed(case, leaves, request.wrt), [leaves[name] for name in request.wrt], request.step)
    gradients = {
        name: Array.of(place, jacobian.ravel().tolist()) if (place := (*shape, *case.arrays[name].shape))
        else float(jacobian.ravel()[0])
        for name, jacobian in zip(request.wrt, said.jacobians, strict=False)
    }  # fmt: skip
    return replace(none, settings=said.settings, outcome=said.outcome, message=said.message, gradients=gradients,
                   function=function)  # fmt: skip


def _summed(framework: Framework, request: Request) -> tuple[Case, str]:
    """The sum of the entries of the value, weighed by the upstream gradient, and what that is called."""
    if request.upstream is None:
        return Case(framework, replace(request, expression=f"sum({request.expression})")), "the sum of its entries"
    weights = "weights"
    while weights in request.point:
        weights += "_"
    text, point = f"sum(({request.expression})*{weights})", {**request.point, weights: request.upstream}
    return Case(framework, replace(request, expression=text, point=point)), "the weighed sum of its entries"


def _timed(case: Case, leaves: Mapping[str, Any], wrt: Sequence[str]) -> Callable[..., Any]:
    """The function of the tensors in ``wrt``, which raises when the time is over."""
    end = time.monotonic() + LONGEST

    def function(*tensors: Any) -> Any:
        if time.monotonic() > end:
            raise TooLongError
        return case.function({**leaves, **dict(zip(wrt, tensors, strict=True))})

    return function
