"""Witnesses that failed, as the record of a check tells them."""

from __future__ import annotations

from gradtool.evidence import Exact, ExactEntry, Failure, Request
from gradtool.pipeline.judged import judged
from gradtool.settings import CheckSettings
from gradtool.target.suite import read_target


def test_a_derivative_that_came_before_the_time_was_over_is_told_as_that() -> None:
    """The table had the exact derivative, and below it the symbolic witness had given no answer."""
    asked = Request(0, "x**2", {"x": 3.0}, ["x"], "torch")
    exact = Exact(0, "defined", "9", [ExactEntry("x", "smooth", "6")])
    stopped = [Failure(0, name, "timeout", f"{name} was stopped") for name in ("torch", "symbolic")]
    target = read_target("x**2", CheckSettings(at={"x": "3"}))
    for evidence, told in (([*stopped, exact], "symbolic was stopped; the exact derivative had come before"),
                           (stopped, "symbolic was stopped")):  # fmt: skip
        record = judged(target, [asked], [evidence], CheckSettings(), 0.0)
        assert [failure.message for failure in record.failures] == ["torch was stopped", told]
