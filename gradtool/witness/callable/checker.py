"""The framework's own gradient checker on the sum of a callable's outputs, bounded in work and time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from gradtool.evidence import CallableRequest, Checked
from gradtool.values import Array
from gradtool.witness.callable.subject import Subject
from gradtool.witness.checked import LONGEST, MOST, Tool, TooLongError
from gradtool.witness.checkers import CHECKERS

__all__ = ["Handed", "checked"]

Handed = tuple[Callable[..., Any], Sequence[Any]]
"""A function of tensors to a single number, and the tensors."""


def checked(subject: Subject, request: CallableRequest, room: tuple[str, str], tool: Tool, handed: Handed) -> Checked:
    """What ``tool`` says of ``handed``; whatever happens in it, there is a record. ``room`` is a name and a version."""
    began = time.perf_counter()
    name, version = room
    asked = request.against if request.step is None else f"{request.against}:{request.step!r}"
    told = "its value" if all(not slot.shape for slot in subject.results) else "the sum of its outputs"
    none = Checked(request.key, asked, CHECKERS[request.against][name], version, {}, "not_run", "", {}, told)
    count = sum(array.size for array in subject.point.values())
    if count > MOST:
        return replace(none, message=f"there are {count} derivatives, and it is asked for {MOST} at most")
    function, tensors = handed
    end = time.monotonic() + LONGEST

    def timed(*moved: Any) -> Any:
        if time.monotonic() > end:
            raise TooLongError
        return function(*moved)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = tool(timed, tensors, request.step)
    except TooLongError:
        return replace(none, message=f"it was stopped after {LONGEST:g} s")
    except Exception as error:  # noqa: BLE001  # a checker that breaks costs its own column only
        lines = str(error).strip().splitlines() or [""]
        return replace(none, message=f"it raised {type(error).__name__}: {lines[0][:200]}")
    gradients = {
        one: Array.of(array.shape, jacobian.ravel().tolist()) if array.shape else float(jacobian.ravel()[0])
        for (one, array), jacobian in zip(subject.point.items(), said.jacobians, strict=False)
    }
    found = replace(none, settings=said.settings, outcome=said.outcome, message=said.message, gradients=gradients)
    return replace(found, seconds=time.perf_counter() - began)
