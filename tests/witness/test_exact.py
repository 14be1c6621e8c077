"""The exact derivative: which kind of point it is, with which slopes; holes that can be filled; enough digits."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import Exact, ExactEntry, Request
from gradtool.witness.symbolic import derivative, limits
from gradtool.witness.symbolic.derivative import derive
from gradtool.witness.symbolic.limits import sided

Point = dict[str, float]


def exact(text: str, point: Point, dtype: str = "float64") -> Exact:
    return derive(Request(0, text, point, list(point), "torch", dtype))


def entry(text: str, point: Point, variable: str) -> ExactEntry:
    record = exact(text, point)
    assert record.status == "defined", record
    return next(found for found in record.entries if found.variable == variable)


def at(x: float) -> Point:
    return {"x": x}


SCALE, ALPHA = 1.0507009873554804934193, 1.6732632423543772848170
SMOOTH: list[tuple[str, Point, str, float]] = [
    ("x**2", at(3), "x", 6),
    ("abs(x)*x", at(0), "x", 0),
    ("abs(x)**3", at(0), "x", 0),
    ("abs(x)**1.5", at(0), "x", 0),
    ("abs(x**2)", at(0), "x", 0),
    ("relu(x) - relu(-x)", at(0), "x", 1),
    ("max(x, 0) + min(x, 0)", at(0), "x", 1),
    ("elu(x)", at(0), "x", 1),
    ("softsign(x)", at(0), "x", 1),
    ("gelu(x)", at(0), "x", 0.5),
    ("cbrt(x**3)", at(0), "x", 1),
    ("(x - 1)**2*floor(x)", at(1), "x", 0),
    ("where(x < 1, x**2, 2*x - 1)", at(1), "x", 2),
    ("where(x == 0, 1, sin(x)/x)", at(0), "x", 0),
    ("where(x == 0, 0, x**2*sin(1/x))", at(0), "x", 0),
    ("where(x == 0, 0, (1 - cos(x))/x)", at(0), "x", 0.5),
    ("where(x == 0, 0.5, (1 - cos(x))/x**2)", at(0), "x", 0),
    ("where(x == 0, 0, (x - sin(x))/x**2)", at(0), "x", 1 / 6),
    ("where(x > 0, exp(-1/x), 0)", at(0), "x", 0),
    ("where(x == 0, 0, exp(-1/x**2))", at(0), "x", 0),
    ("x**y", {"x": -2, "y": 2}, "x", -4),
    ("x**y", {"x": 0, "y": 0}, "x", 0),
    ("x**y", {"x": 0, "y": 2}, "y", 0),
    ("x*abs(y)", {"x": 0, "y": 0}, "y", 0),
    ("atan2(y, x)", {"y": 0, "x": -1}, "x", 0),
    ("x % y", {"x": 7, "y": 3}, "y", -2),
    ("x % 3", at(1e60), "x", 1),
    ("sqrt(x*x)", at(-2), "x", -1),
]

INF = float("inf")
KINKS: list[tuple[str, Point, str, str, float | None, float | None]] = [
    ("abs(x)", at(0), "x", "kink", -1, 1),
    ("abs(sin(x))", at(0), "x", "kink", -1, 1),
    ("abs(x - 0.3)", at(0.3), "x", "kink", -1, 1),
    ("sqrt(x**2)", at(0), "x", "kink", -1, 1),
    ("sign(x)*x", at(0), "x", "kink", -1, 1),
    ("relu(x)", at(0), "x", "kink", 0, 1),
    ("leaky_relu(x)", at(0), "x", "kink", 0.01, 1),
    ("selu(x)", at(0), "x", "kink", SCALE * ALPHA, SCALE),
    ("hardtanh(x)", at(-1), "x", "kink", 0, 1),
    ("clip(x, -1, 1)", at(1), "x", "kink", 1, 0),
    ("max(x, y)", {"x": 1, "y": 1}, "x", "kink", 0, 1),
    ("min(x, y)", {"x": 1, "y": 1}, "y", "kink", 1, 0),
    ("max(x, y, z)", {"x": 1, "y": 1, "z": 1}, "z", "kink", 0, 1),
    ("where(x > 0, x**2, x)", at(0), "x", "kink", 1, 0),
    ("hypot(x, y)", {"x": 0, "y": 0}, "x", "kink", -1, 1),
    ("sqrt(x**2 + y**2)", {"x": 0, "y": 0}, "y", "kink", -1, 1),
    ("max(x, 0) - min(x, 0)", at(0), "x", "kink", -1, 1),
    ("floor(x)", at(2), "x", "jump", 0, 0),
    ("ceil(x)", at(1), "x", "jump", 0, 0),
    ("round(x)", at(0.5), "x", "jump", 0, 0),
    ("sign(x)", at(0), "x", "jump", 0, 0),
    ("x % y", {"x": 6, "y": 3}, "x", "jump", 1, 1),
    ("x % y", {"x": 6, "y": 3}, "y", "jump", -2, -1),
    ("atan2(y, x)", {"y": 0, "x": -1}, "y", "jump", -1, -1),
    ("where(x < 1, x**2, 2*x)", at(1), "x", "jump", 2, 2),
    ("where(x == 0, 5, x)", at(0), "x", "jump", 1, 1),
    ("0**x", at(0), "x", "jump", None, 0),
    ("sqrt(x)", at(0), "x", "vertical", None, INF),
    ("x**0.5", at(0), "x", "vertical", None, INF),
    ("sqrt(1 - x**2)", at(1), "x", "vertical", -INF, None),
    ("asin(x)", at(1), "x", "vertical", INF, None),
    ("acos(x)", at(-1), "x", "vertical", None, -INF),
    ("acosh(x)", at(1), "x", "vertical", None, INF),
    ("cbrt(x)", at(0), "x", "vertical", INF, INF),
    ("sqrt(abs(x))", at(0), "x", "vertical", -INF, INF),
    ("x**x", at(0), "x", "vertical", None, -INF),
    ("where(x == 0, 0, x*log(abs(x)))", at(0), "x", "vertical", -INF, -INF),
    ("x**1.5", at(0), "x", "one_sided", None, 0),
    ("sqrt(x)**2", at(0), "x", "one_sided", None, 1),
    ("x**y", {"x": -2, "y": 2}, "y", "isolated", None, None),
    ("sqrt(x)*sqrt(-x)", at(0), "x", "isolated", None, None),
    ("where(x == 0, 0, x*sin(1/x))", at(0), "x", "unknown", None, None),
]

LIMITS: list[tuple[str, Point, float | None]] = [
    ("sin(x)/x", at(0), 1),
    ("x/x", at(0), 1),
    ("x**2/x", at(0), 0),
    ("(x**2 - 1)/(x - 1)", at(1), 2),
    ("(1 - cos(x))/x**2", at(0), 0.5),
    ("(exp(x) - 1 - x)/x**2", at(0), 0.5),
    ("(x - sin(x))/x**3", at(0), 1 / 6),
    ("(sqrt(1 + x) - 1)/x", at(0), 0.5),
    ("x/tan(x)", at(0), 1),
    ("x*sin(1/x)", at(0), 0),
    ("(x**2 - y**2)/(x - y)", {"x": 1, "y": 1}, 2),
    ("x*y/(x**2 + y**2)", {"x": 0, "y": 0}, None),
    *[
        (text, at(0), None)
        for text in (
            "x*log(x)",
            "1/x",
            "1/x**2",
            "log(x)",
            "log(x**2)",
            "x/abs(x)",
            "sin(1/x)",
            "exp(-1/x)",
            "atan(1/x)",
        )
    ],
    ("sqrt(x)", at(-1), None),
    ("x**(1/3)", at(-8), None),
    ("atanh(x)", at(1), None),
]


def name(case: Any) -> str:
    return f"{case[0]} at {','.join(f'{key}={value:g}' for key, value in case[1].items())} by {case[2]}"


@pytest.mark.timeout(5)
@pytest.mark.parametrize("case", SMOOTH, ids=name)
def test_where_the_derivative_exists_it_is_found(case: tuple[str, Point, str, float]) -> None:
    """Also where the function is written with kinks, holes or singular slopes that cancel."""
    text, point, variable, slope = case
    found = entry(text, point, variable)
    assert (found.kind, found.left, found.right) == ("smooth", None, None)
    assert found.derivative is not None
    assert float(found.derivative) == pytest.approx(slope, rel=1e-15, abs=0)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("case", KINKS, ids=name)
def test_where_it_does_not_exist_the_kind_and_both_slopes_are_found(case: Any) -> None:
    text, point, variable, kind, left, right = case
    found = entry(text, point, variable)
    assert (found.kind, found.derivative) == (kind, None)
    for side, wanted in ((found.left, left), (found.right, right)):
        assert (side is None) == (wanted is None), (found.left, found.right)
        if side is not None:
            assert float(side) == pytest.approx(wanted, rel=1e-15, abs=0)


@pytest.mark.parametrize("text", ["where(x == 0, 0, sin(1/x))", "where(x == 0, 0, 1/x)", "where(x == 0, 0, 1/x**2)"])
def test_a_wild_discontinuity_has_no_derivative(text: str) -> None:
    """The values have no limit, so there is no slope at 0 to show but an infinite one or none."""
    found = entry(text, at(0), "x")
    assert found.kind in ("jump", "unknown", "vertical")
    assert found.derivative is None


@pytest.mark.timeout(5)
@pytest.mark.parametrize("case", LIMITS, ids=name)
def test_a_hole_is_undefined_and_filled_only_by_a_true_limit(case: tuple[str, Point, float | None]) -> None:
    text, point, limit = case
    record = exact(text, point)
    assert (record.status, record.value) == ("undefined", None)
    assert record.reason
    assert record.where is not None
    assert {found.derivative for found in record.entries} == {None}
    if limit is None:
        assert record.limit is None
    else:
        assert record.limit is not None
        assert float(record.limit) == pytest.approx(limit, rel=1e-9, abs=0)


ORDERS: list[tuple[str, list[tuple[str, float | None]]]] = [
    ("relu(x)", [("kink", None), ("baseless", None), ("baseless", None)]),
    ("floor(x)", [("jump", None), ("baseless", None)]),
    ("abs(x)*x", [("smooth", 0), ("kink", None), ("baseless", None)]),
    ("abs(x)**3", [("smooth", 0), ("smooth", 0), ("kink", None), ("baseless", None)]),
    ("relu(x) - relu(-x)", [("smooth", 1), ("smooth", 0), ("smooth", 0)]),
    ("sqrt(abs(x))", [("vertical", None), ("baseless", None)]),
    ("x**1.5", [("one_sided", None), ("baseless", None)]),
    ("abs(x)**1.5", [("smooth", 0), ("vertical", None), ("baseless", None)]),
    ("cbrt(x**3)", [("smooth", 1), ("unsettled", None), ("unsettled", None)]),
]


@pytest.mark.parametrize(
    ("text", "point", "told"),
    [
        ("x/x", {"x": 0.0}, "/ (divide) needs x != 0, and here x = 0"),
        ("x/y", {"x": 3.0, "y": 0.0}, "/ (divide) needs y != 0, and here x = 3, y = 0"),
        ("1/x", {"x": 0.0}, "/ (divide) needs x != 0, and here x = 0"),
    ],
)
def test_where_there_is_no_value_each_argument_is_told_once(text: str, point: Point, told: str) -> None:
    """It was: and here x = 0, x = 0."""
    assert exact(text, point).reason == told


@pytest.mark.parametrize(("text", "kinds"), ORDERS, ids=[text for text, _ in ORDERS])
def test_a_higher_derivative_exists_only_where_the_one_below_does(
    text: str, kinds: list[tuple[str, float | None]]
) -> None:
    """At 0. The third derivative of relu was verified to be 0; sqrt(abs(x)) was called undefined where it is 0."""
    found = derive(Request(0, text, at(0), ["x"], "torch", mode="orders", order=len(kinds)))
    assert found.status == "defined"
    told = [(entry.kind, None if entry.derivative is None else float(entry.derivative)) for entry in found.entries]
    assert told == kinds


def test_a_row_of_a_hessian_exists_only_where_the_first_derivative_does() -> None:
    """x*relu(y) at y = 0: its derivative by x has a kink, and by y there is none."""
    point = {"x": 2.0, "y": 0.0}
    found = derive(Request(0, "x*relu(y)", point, ["x", "y"], "torch", mode="hessian"))
    kinds = {entry.variable: entry.kind for entry in found.entries}
    assert kinds == {"x,x": "smooth", "x,y": "kink", "y,x": "baseless", "y,y": "baseless"}


@pytest.mark.timeout(20)
def test_a_search_for_slopes_that_would_take_minutes_is_given_up() -> None:
    """Beside the zero of lgamma the cube root asks for ever more digits, of which lgamma is slow."""
    found = entry("cbrt(relu(lgamma(2*x)**3))", at(1), "x")
    assert (found.kind, found.left, found.right) == ("unsettled", None, None)


def test_after_a_few_searches_without_time_the_others_are_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def noted(task: Any, name: str, slope: Any) -> Any:
        begun.append(name)
        return sided(task, name, slope)

    monkeypatch.setattr(limits, "LONGEST", 0.0)
    monkeypatch.setattr(derivative, "sided", noted)
    found = exact("abs(u) + abs(v) + abs(w) + abs(x) + abs(y) + z", dict.fromkeys("uvwxyz", 0.0))
    assert [entry.kind for entry in found.entries] == [*["unsettled"] * 5, "smooth"]
    assert begun == ["u", "v", "w", "x"]
    assert exact("sin(x)/x", at(0)).limit is None


@pytest.mark.parametrize("joined", ["", " and x < 100", " or x > 100"], ids=["alone", "and", "or"])
def test_a_condition_that_rounding_decides_makes_both_branches_doubtful(joined: str) -> None:
    """log(1 + y**2) is 0 in float32 at y = 2**-20, and positive in truth."""
    expression = f"where(log(1 + y**2) > 0{joined}, x, 2*z)"
    point = {"x": 1.0, "y": 2.0**-20, "z": 3.0}
    found = derive(Request(0, expression, point, ["x", "y", "z"], "torch", "float32"))
    assert {entry.variable: entry.doubtful for entry in found.entries if entry.variable != "y"} == {
        "x": True,
        "z": True,
    }
    sure = derive(Request(0, expression, {**point, "y": 1.0}, ["x", "z"], "torch", "float32"))
    assert [entry.doubtful for entry in sure.entries] == [False, False]
