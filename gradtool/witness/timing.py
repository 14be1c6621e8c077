"""How long the value, the gradient and the derivative written out take, eager and compiled, whichever framework it is.

The derivative written out is the symbolic witness's formula, run by the same framework on the same tensors: what a
person would have programmed by hand.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from gradtool.evidence import MeasureRequest, Timed
from gradtool.problem import ProblemError
from gradtool.target.expression import parse_row_text
from gradtool.target.shapes import ShapeError
from gradtool.target.tree import variables
from gradtool.values import labels, upstream_name
from gradtool.witness.modes import Gradient, Subject, difference, reason
from gradtool.witness.stopwatch import first_run, spread
from gradtool.witness.testimony import Floats, Framework
from gradtool.witness.walk import Step, compile_tree

__all__ = ["WORKS", "How", "Timing", "timing"]

WORKS = ("value", "gradient", "formula")

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class How:
    """A way to run things: how a call of a function, and of its gradient beside its value, is made ready."""

    how: str
    title: str
    value: Callable[[Function, Subject], Callable[[], Any]]
    gradient: Callable[[Function, Subject], Callable[[], Gradient]]


class Timing(Protocol):
    """What a framework's room provides."""

    framework: Framework
    hows: Sequence[How]

    def excuse(self, error: BaseException) -> str:
        """Why something is not to be had here, where ``error`` says that something is missing; else empty."""


def timing(room: Timing, asked: MeasureRequest) -> Iterator[Timed]:
    """One record for each work and way: the value, the gradient, and the formula of the gradient."""
    subject = Subject(room.framework, asked.request)
    plain = _gradient(subject, room.hows[0])
    for how in room.hows:
        none = Timed(asked.key, room.framework.name, room.framework.version, "", how.how, how.title)
        for work in WORKS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    yield _timed(subject, asked.formulas, plain, how, replace(none, work=work))
                except (ProblemError, ShapeError) as error:
                    yield replace(none, work=work, skipped=f"the formula cannot be run: {error}")
                except Exception as error:  # noqa: BLE001  # what breaks costs its own row only
                    yield replace(none, work=work, skipped=room.excuse(error) or reason(error))


def _timed(subject: Subject, formulas: Mapping[str, str], plain: Floats, how: How, none: Timed) -> Timed:
    if none.work == "formula":
        wanted = labels({name: subject.request.point[name] for name in subject.wrt})
        if set(wanted) - set(formulas):
            return replace(none, skipped="the gradient has no formula")
        written = _Written(subject, [formulas[label] for label in wanted])
        values, first = first_run(run := how.value(written, subject))
        gap = difference(written.numbers(values), plain, subject.request.dtype)
        return replace(none, time=spread(run, first), ulp=gap)
    make = how.value if none.work == "value" else how.gradient
    _, first = first_run(run := make(subject.function, subject))
    return replace(none, time=spread(run, first))


def _gradient(subject: Subject, how: How) -> Floats:
    """All numbers of the gradient in a line."""
    _, gradients = how.gradient(subject.function, subject)()
    parts = [
        np.zeros(subject.case.arrays[name].size) if gradient is None else subject.framework.numbers(gradient).ravel()
        for name, gradient in zip(subject.wrt, gradients, strict=True)
    ]
    return np.concatenate(parts)


class _Written:
    """The formulas of a gradient as one function of the variables; they may name the upstream gradient."""

    def __init__(self, subject: Subject, texts: Sequence[str]) -> None:
        self.subject = subject
        self.zero = subject.framework.tensor(0.0, subject.request.dtype)
        self.given, shapes = dict(subject.leaves), dict(subject.case.shapes)
        if subject.request.upstream is not None:
            above = upstream_name(subject.request.point)
            self.given[above], shapes[above] = subject.weights, subject.shape
        self.parts: list[tuple[list[Step], frozenset[str]]] = []
        for text in texts:
            tree = parse_row_text(text, tuple(self.given))
            if unknown := variables(tree) - set(self.given):
                raise ValueError(f"the formula has names that the expression has not: {', '.join(sorted(unknown))}")
            steps = compile_tree(tree, subject.framework.name, shapes)
            self.parts.append((steps, variables(tree)))

    def __call__(self, *tensors: Any) -> list[Any]:
        """A tensor for each formula; it is given its own variables only, whose shape its numbers take."""
        subject = self.subject
        leaves = {**self.given, **dict(zip(subject.wrt, tensors, strict=True))}
        return [
            subject.framework.run(steps, {n: leaves[n] for n in used} or {"": self.zero}, subject.request.dtype)
            for steps, used in self.parts
        ]

    def numbers(self, values: Sequence[Any]) -> Floats:
        """The numbers of what a call gave."""
        return np.array([float(self.subject.framework.numbers(value)) for value in values])
