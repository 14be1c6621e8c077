"""A callable whose gradient is None, cut or no number: which causes are asked for, and that a finder may fail."""

from __future__ import annotations

import math
from typing import Any

from gradtool.evidence import Autodiff, CallablePoint, Cause, CodeLine, Survey, WrongEntry
from gradtool.values import Value
from gradtool.witness.callable.causes import Sought, asked_at, sought

CUT = Cause("none", "detach", "detach", CodeLine("ops.py:7", "x.detach()", "f"), ["x"])


def at(value: Value = 1.0, x: Value | None = 2.0, y: Value | None = 2.0, **cells: Any) -> CallablePoint:
    survey = cells.pop("survey", None)
    autodiff = Autodiff(0, "torch", "2.13", value, {"x": x, "y": y}, [], 0.1, survey)
    return CallablePoint("given", {"x": 1.0, "y": 1.0}, [0.5], autodiff, **cells)


def test_what_is_in_order_asks_for_nothing() -> None:
    def never(*_: Any) -> Sought:
        raise AssertionError

    point = at()
    assert asked_at(point).fates() == []
    assert sought(None, point, never) == (point, [])


def test_each_trouble_asks_for_its_own_finder() -> None:
    assert (asked_at(at(x=None)).none, asked_at(at(x=None)).fates()) == (["x"], ["none"])
    broken = asked_at(at(y=math.nan))
    assert (broken.nonfinite, broken.fates()) == (["y"], ["nonfinite"])
    assert asked_at(at(value=math.inf)).loss
    wrong = WrongEntry("x", (), 2.0, 3.0, 1e-9)
    assert asked_at(at(confirmed=[wrong])).fates() == ["cut"]
    scaled = Survey([], False, 1e-7, {}, [], {"x": 0.5}, True, 100)
    assert asked_at(at(survey=scaled)).fates() == ["cut"]


def test_the_finder_gets_the_weights_of_the_point_and_its_causes_are_kept() -> None:
    def finder(subject: str, upstream: Any, asked: Any) -> Sought:
        assert (subject, [float(one) for one in upstream], asked.none) == ("subject", [0.5], ["x"])
        return Sought([CUT], ["a note"])

    point, notes = sought("subject", at(x=None), finder)
    assert (point.causes, notes) == ([CUT], ["a note"])


def test_a_finder_that_fails_costs_itself_alone() -> None:
    def fails(*_: Any) -> Sought:
        raise RuntimeError("out of luck")

    point, notes = sought(None, at(x=None), fails)
    assert point == at(x=None)
    assert notes == ["the causes could not be looked for: RuntimeError: out of luck"]
