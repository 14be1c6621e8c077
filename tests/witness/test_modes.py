"""The judge of modes and times, with frameworks made of NumPy: right ones, wrong ones, and ones that break."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from gradtool.evidence import MeasureRequest, Mode, Request, Timed, decode, encode
from gradtool.values import Array
from gradtool.witness import stopwatch
from gradtool.witness.modes import BATCH, Memory, Subject, Way, difference, modes
from gradtool.witness.stopwatch import first_run, spread
from gradtool.witness.timing import How, timing

POINT = {"x": Array.of((3,), [1.0, 2.0, 3.0])}


class Plain:
    """A framework of NumPy arrays whose only function of x is the sum of squares."""

    name, version = "torch", "0"

    def tensor(self, value: Any, dtype: str) -> Any:
        del dtype
        return np.asarray(value)

    def numbers(self, tensor: Any) -> Any:
        return np.asarray(tensor, dtype=np.float64)

    def run(self, steps: Sequence[Any], leaves: Mapping[str, Any], dtype: str) -> Any:
        """The sum of squares; of a formula, which has an index, the slope."""
        del dtype
        key = [dict(step.options)["key"] for step in steps if step.operation == "index"]
        return 2 * leaves["x"][key[0]] if key else np.sum(leaves["x"] ** 2)


def right(subject: Subject) -> Any:
    return lambda: (subject.function(*subject.active), [2 * subject.active[0]])


def off(subject: Subject) -> Any:
    """The second entry by 3 ulp; at 4 an ulp is 2**-50."""
    return lambda: (subject.function(*subject.active), [2 * subject.active[0] + [0, 3 * 2.0**-50, 0]])


def many(subject: Subject) -> Any:
    points = np.stack([point[0] for point in subject.batch()])
    return lambda: (np.sum(points**2, axis=1), [2 * points])


def last_point_off(subject: Subject) -> Any:
    """Where only the last point of a batch is wrong."""
    value, (gradient,) = many(subject)()
    gradient[-1, 0] *= 2
    return lambda: (value, [gradient])


def broken(subject: Subject) -> Any:
    raise RuntimeError(f"no {subject.wrt[0]} today\nsecond line")


class Room:
    """A room with a share of each kind."""

    framework = Plain()
    ways: Sequence[Way] = (
        Way("reverse", "plain", right), Way("off", "off", off), Way("forward", "forward", right),
        Way("broken", "broken", broken), Way("loop", "loop", many, BATCH), Way("vmap", "vmap", last_point_off, BATCH),
    )  # fmt: skip
    hows: Sequence[How] = (
        How("eager", "plain", lambda f, s: lambda: f(*s.active),
            lambda f, s: lambda: (f(*s.active), [2 * s.active[0]])),
    )  # fmt: skip
    turned = 1.0

    def products(self, subject: Subject, tangents: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
        """The Jacobian is 2*x; ``turned`` spoils forward mode."""
        (x,) = subject.active
        return np.sum(2 * x * tangents[0]) * self.turned, [2 * x * cotangent]

    def memory(self, subject: Subject, way: Way) -> Memory:
        del subject, way
        return 24, None, "counted"

    def excuse(self, error: BaseException) -> str:
        return "it is closed" if "no x today" in str(error) else ""


def asked(**cells: Any) -> MeasureRequest:
    return MeasureRequest(Request(7, "sum(x**2)", POINT, ["x"], "torch"), **cells)


def rows(room: Room) -> dict[str, Mode]:
    found = list(modes(room, asked(modes=True)))  # type: ignore[arg-type]  # what is needed of a framework
    assert [decode(encode(row)) for row in found] == found
    return {row.mode: row for row in found}


def test_each_mode_is_a_row_compared_with_plain_reverse_mode() -> None:
    found = rows(Room())
    assert list(found) == ["reverse", "off", "forward", "broken", "loop", "vmap"]
    assert found["reverse"].value == 14.0
    assert found["reverse"].gradients == {"x": Array.of((3,), [2.0, 4.0, 6.0])}
    assert found["reverse"].ulp == 0
    assert found["off"].ulp == 3
    assert found["off"].ulp_of_largest == 3  # 6 has the ulp of 4
    assert found["loop"].ulp == 0
    assert found["loop"].points == BATCH
    assert found["loop"].gradients == {"x": Array.of((3,), [2.0, 4.0, 6.0])}  # those of the point asked for
    assert found["vmap"].ulp == pytest.approx(2**52, rel=1)  # a factor of 2: half of all the digits there are
    assert found["vmap"].ulp > 1e15
    assert (found["reverse"].peak, found["reverse"].kept, found["reverse"].memory) == (24, None, "counted")


def test_a_mode_that_breaks_costs_its_own_row_only() -> None:
    found = rows(Room())
    assert found["broken"].skipped == "it is closed"
    assert found["broken"].time is None
    assert [mode for mode, row in found.items() if row.skipped] == ["broken"]


def test_the_dot_products_agree_unless_one_of_the_modes_is_wrong() -> None:
    row = rows(Room())["forward"]
    assert row.left is not None
    assert row.left != 0
    assert row.left == pytest.approx(row.right, rel=1e-15)
    assert row.scale is not None
    assert row.scale >= 2 * abs(row.left)
    room = Room()
    room.turned = 1.001
    row = rows(room)["forward"]
    assert row.left is not None
    assert row.right is not None
    assert abs(row.left - row.right) / row.right == pytest.approx(1e-3)


def test_differences_count_units_in_the_last_place() -> None:
    one = np.array([1.0])
    assert difference(one, np.array([1 + 2.0**-52]), "float64") == 1
    assert difference(one, np.array([1 + 2.0**-20]), "float32") == 8
    assert difference(np.array([math.nan, 0.0]), np.array([math.nan, -0.0]), "float64") == 0
    cancelled, exact = np.array([1e-17, 1.0]), np.array([0.0, 1.0])
    assert difference(cancelled, exact, "float64") > 1e15
    assert difference(cancelled, exact, "float64", largest=True) < 0.05
    assert difference(one, np.array([math.nan]), "float64") == math.inf
    assert difference(one, np.array([math.nan]), "float64", largest=True) == math.inf
    assert difference(np.array([math.inf]), np.array([math.inf]), "float64") == 0
    assert difference(np.array([math.inf]), np.array([-math.inf]), "float64") == math.inf


# ---- times


def times(**cells: Any) -> dict[str, Timed]:
    found = list(timing(Room(), asked(timing=True, **cells)))  # type: ignore[arg-type]  # likewise
    assert [decode(encode(row)) for row in found] == found
    return {row.work: row for row in found}


RIGHT = {"x[0]": "2*x[0]", "x[1]": "2*x[1]", "x[2]": "2*x[2]"}


def test_value_gradient_and_formula_are_timed() -> None:
    found = times(formulas=RIGHT)
    assert list(found) == ["value", "gradient", "formula"]
    for row in found.values():
        assert row.time is not None
        assert 0 < row.time.low <= row.time.median <= row.time.high < 0.1
    assert found["formula"].ulp == 0


def test_a_formula_of_something_else_is_seen_by_its_numbers() -> None:
    """It claims the second entry for the third: 4 instead of 6."""
    assert times(formulas={**RIGHT, "x[2]": "2*x[1]"})["formula"].ulp == 2.0 / 2**-50


def test_without_a_formula_the_row_says_so() -> None:
    assert times()["formula"].skipped == "the gradient has no formula"
    assert times(formulas={"x[0]": "2*x[0]"})["formula"].skipped == "the gradient has no formula"
    foreign = times(formulas={**RIGHT, "x[1]": "2*g"})["formula"].skipped
    assert foreign == "it raised ValueError: the formula has names that the expression has not: g"


def test_the_stopwatch_leaves_the_first_run_out_and_bounds_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = iter([0.05])

    def run() -> str:
        time.sleep(next(waits, 0.002))
        return "done"

    result, first = first_run(run)
    found = spread(run, first)
    assert result == "done"
    assert found.first >= 0.05
    assert 0.002 <= found.low <= found.median < 0.05
    assert found.runs >= stopwatch.LEAST
    monkeypatch.setattr(stopwatch, "TOO_LONG", 0.05)
    began = time.perf_counter()
    assert spread(lambda: time.sleep(0.04), 0).runs <= 2
    assert time.perf_counter() - began < 0.5


def test_short_runs_are_timed_in_bunches() -> None:
    found = spread(lambda: None, 0)
    assert found.runs > stopwatch.MOST
    assert found.median < 1e-5
