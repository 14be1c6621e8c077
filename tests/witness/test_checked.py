"""The runner of a framework's checker, with checkers that misbehave."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from gradtool.evidence import Checked, Request, decode, encode
from gradtool.values import Array
from gradtool.witness import checked as module
from gradtool.witness.checked import Said, checked


class Plain:
    """A framework of NumPy arrays whose only function is the sum of squares."""

    name, version = "torch", "0"

    def tensor(self, value: Any, dtype: str) -> Any:
        del dtype
        return np.asarray(value)

    def numbers(self, tensor: Any) -> Any:
        return np.asarray(tensor)

    def run(self, steps: Sequence[Any], leaves: Mapping[str, Any], dtype: str) -> Any:
        del steps, dtype
        return np.sum(leaves["x"] ** 2)


def asked(tool: Callable[..., Said], **cells: Any) -> Checked:
    point = {"x": Array.of((3,), [1.0, 2.0, 3.0])}
    told: dict[str, Any] = {"point": point, "wrt": ["x"], "framework": "torch", "against": "gradcheck", **cells}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # none may leave it
        found = checked(Plain(), Request(7, "sum(x**2)", **told), tool)  # type: ignore[arg-type]  # what is needed of it
    assert decode(encode(found)) == found
    assert (found.key, found.tool) == (7, "torch.autograd.gradcheck")
    return found


def well(function: Callable[..., Any], tensors: Sequence[Any], step: float | None) -> Said:
    warnings.warn("this check will likely fail", stacklevel=2)
    assert float(function(*tensors)) == 14.0
    return Said({"eps": step or 0.5}, "passed", "", [np.array([[2.0, 4.0, 6.0]])])


def test_what_it_said_is_recorded_and_its_warnings_are_not() -> None:
    found = asked(well)
    assert (found.asked, found.outcome, found.settings) == ("gradcheck", "passed", {"eps": 0.5})
    assert found.gradients == {"x": Array.of((3,), [2.0, 4.0, 6.0])}
    assert asked(well, step=1e-5).asked == "gradcheck:1e-05"


def test_one_that_raises_costs_its_column() -> None:
    def broken(*_: Any) -> Said:
        raise ValueError("no such thing\nsecond line")

    found = asked(broken)
    assert (found.outcome, found.message) == ("not_run", "it raised ValueError: no such thing")
    assert found.gradients == {}


def test_one_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(function: Callable[..., Any], tensors: Sequence[Any], _: float | None) -> Said:
        while True:
            function(*tensors)

    monkeypatch.setattr(module, "LONGEST", 0.05)
    found = asked(endless)
    assert (found.outcome, found.message) == ("not_run", "it was stopped after 0.05 s")


def test_it_is_not_asked_for_more_than_it_can_do() -> None:
    def never(*_: Any) -> Said:
        raise AssertionError

    assert asked(never, mode="hessian").message == "it compares first derivatives only"
    many = asked(never, point={"x": Array.of((2001,), [0.5] * 2001)})
    assert many.message == "there are 2001 derivatives, and it is asked for 2000 at most"
