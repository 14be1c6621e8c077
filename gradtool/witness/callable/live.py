"""A live function, in the caller's own process, as a target: nothing is run that was not handed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradtool.evidence import CallableRequest
from gradtool.witness.callable.framework import Framework
from gradtool.witness.callable.signature import bound
from gradtool.witness.callable.subject import Origin, Subject
from gradtool.witness.callable.usable import misfit, nothing_differentiable, unbounded
from gradtool.witness.testimony import Floats

__all__ = ["live_subject", "weights"]


def live_subject(
    framework: Framework,
    function: Any,
    arguments: Sequence[Any] | Mapping[str, Any],
    keywords: Mapping[str, Any],
    request: CallableRequest,
) -> Subject:
    """``function`` at its arguments. Raises ValueError where there is nothing to differentiate, or no such name."""
    kind = next((kind for kind in framework.kinds if kind.fits(function)), None)
    if kind is None:
        raise TypeError(f"{function!r} can't be called with tensors: give a function, an operation or a module")
    known = kind.arguments(function) or []
    arguments, options = bound(arguments, known) if isinstance(arguments, Mapping) else (arguments, {})
    name = getattr(function, "__name__", type(function).__name__)
    if name == "apply":
        name = getattr(function.__self__, "__name__", name)
    origin = Origin(name, kind.title)
    subject = framework.subject(
        kind.call(function),
        arguments,
        {**options, **keywords},
        [one.name for one in known if not one.keyword],
        origin,
        request.seed,
        wrt=request.wrt,
    )
    inputs = [slot.name for slot in subject.inputs]
    if missing := [name for name in request.wrt if name not in inputs]:
        raise ValueError(f"wrt names {', '.join(missing)}; the inputs are {', '.join(inputs)}")
    if told := nothing_differentiable(subject) or unbounded(subject):
        raise ValueError(told)
    return subject


def weights(upstream: Any, subject: Subject, numbers: Any) -> Floats | None:
    """The upstream gradient as an array of the output's shape. Raises ValueError where it does not fit."""
    if upstream is None:
        return None
    found = np.asarray(numbers(upstream) if hasattr(upstream, "dtype") and not isinstance(upstream, np.ndarray)
                       else upstream, dtype=np.float64)  # fmt: skip
    if told := misfit(found.shape, subject):
        raise ValueError(told)
    return found
