"""The verdict where there is no derivative, or not every witness to tell: kinks, holes, ranges, missing evidence."""

from __future__ import annotations

import itertools
import math
from array import array

import pytest
from testimony import MISSING, bar, exact, judged

from gradtool.evidence import ExactEntry, Place
from gradtool.values import Array
from gradtool.verdict.no_derivative import baseless, kink


@pytest.mark.parametrize(
    ("value", "derivative", "dtype", "word", "said"),
    [
        ("1e400", "1", "float64", "out_of_range", "the value 1e+400 does not fit float64"),
        ("-1e400", "1", "float64", "out_of_range", "the value -1e+400 does not fit float64"),
        ("1", "-1e309", "float64", "out_of_range", "the derivative -1e+309 does not fit float64"),
        ("1", "1e39", "float32", "out_of_range", "the derivative 1e+39 does not fit float32"),
        ("1e39", "1", "float32", "out_of_range", "the value 1e+39 does not fit float32"),
        ("1e39", "1", "float64", "verified", ""),
        ("1.7976931348623157e308", "1", "float64", "verified", ""),
        ("1e-400", "1", "float64", "verified", ""),
    ],
)
def test_what_does_not_fit_the_dtype_is_out_of_range(
    value: str, derivative: str, dtype: str, word: str, said: str
) -> None:
    found = judged(1.0, exact(derivative), value=value, dtype=dtype)
    assert found.verdict == word
    assert said in found.reason


@pytest.mark.parametrize(
    ("value", "word"), [("Infinity", "out_of_range"), ("-Infinity", "out_of_range"), (None, "inconclusive")]
)
def test_beyond_every_number_only_the_value_itself_is_out_of_range(value: str | None, word: str) -> None:
    found = judged(math.inf, None, status="beyond", value=value, reason="9**9**9 is too large")
    assert found.verdict == word
    assert "9**9**9 is too large" in found.reason


@pytest.mark.parametrize(
    ("claimed", "left", "right", "said"),
    [
        (-1.0, "-1", "1", "is the left one"),
        (1.0, "-1", "1", "is the right one"),
        (0.0, "-1", "1", "lies between them"),
        (0.5, "1", "-1", "lies between them"),
        (1.5, "-1", "1", "lies outside"),
        (-1.5, "-1", "1", "lies outside"),
        (math.nan, "-1", "1", "is no convention"),
        (0.0, "0", "0", "slope 0 on both sides; autodiff's 0 is that one"),
        (1.0, "0.99999999", "1.00000001", "left and 1.00000001 from the right; autodiff's 1 lies between them"),
        (0.99999999, "0.99999999", "1.00000001", "autodiff's 0.99999999 is the left one"),
        (1.0, "1", "1.0000000000000000000001", "autodiff's 1 is either, to the last digits"),
        (1e5, "1234567", "1234568", "1234567 from the left and 1234568 from the right; autodiff's 100000 lies outside"),
        (2.0, None, "2", "is that one"),
        (2.0, "2", None, "is that one"),
        (0.0, None, "2", "is not that one"),
        (math.inf, "-Infinity", "Infinity", "is the right one"),
        (0.0, "-Infinity", "Infinity", "lies between them"),
        (0.1, "0", "0.1", "is the right one"),
        pytest.param(1 / 3, f"-0.{'3' * 40}", f"0.{'3' * 40}", "is the right one", id="a third"),
    ],
)  # fmt: skip
def test_at_a_kink_the_convention_of_autodiff_is_placed(
    claimed: float, left: str | None, right: str | None, said: str
) -> None:
    """A slope that no float equals, such as 1/3, counts as reached by the float nearest to it."""
    found = judged(claimed, exact(None, "kink", left=left, right=right, touched=Place("abs", (0, 6))))
    assert (found.verdict, found.left, found.right) == ("not_differentiable", left, right)
    assert found.reason.endswith(said)
    assert "a kink of abs" in found.reason


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("kink", "a kink"),
        ("jump", "a jump"),
        ("vertical", "a vertical tangent"),
        ("one_sided", "the edge of the domain"),
        ("isolated", "on neither side"),
        ("unknown", "no limit"),
    ],
)
@pytest.mark.parametrize("claimed", [0.0, math.nan, MISSING], ids=["0", "nan", "no autodiff"])
def test_every_kind_of_point_without_a_derivative_is_named(kind: str, said: str, claimed: float) -> None:
    """With or without autodiff: the symbolic witness alone knows it."""
    found = judged(claimed, exact(None, kind))
    assert found.verdict == "not_differentiable"
    assert said in found.reason


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("isolated", "defined at this point only, on neither side of it, because of sqrt"),
        ("unknown", "the slopes have no limit at sqrt"),
        ("vertical", "a vertical tangent of sqrt: slope infinity from the right; autodiff's 0 is not that one"),
    ],
)
def test_the_operation_is_named_by_what_it_does(kind: str, told: str) -> None:
    right = "Infinity" if kind == "vertical" else None
    assert kink("float64", ExactEntry("x", kind, None, right=right, touched=Place("sqrt", (0, 6))), -0.0) == told


@pytest.mark.parametrize("claimed", [0.0, math.nan, MISSING], ids=["0", "nan", "no autodiff"])
def test_slopes_that_nobody_had_the_time_to_find_are_no_verdict(claimed: float) -> None:
    found = judged(claimed, exact(None, "unsettled", touched=Place("exp", (9, 15))))
    assert found.verdict == "inconclusive"
    told = "exp in exp(x) has a kink, a hole or an infinite slope here, and the search for the slopes on both sides"
    assert found.reason.startswith(told)


@pytest.mark.parametrize(
    ("below", "said"),
    [
        (("kink", "0", "1"), "the first derivative jumps from 0 to 1 at this point"),
        (
            ("kink", "0.99999999", "1.00000001"),
            "the first derivative jumps from 0.99999999 to 1.00000001 at this point",
        ),
        (("jump", "0", "0"), "the function jumps at this point"),
        (("vertical", None, "Infinity"), "the first derivative is infinite at this point"),
        (("one_sided", None, "0"), "the first derivative exists on one side of this point only"),
        (("isolated", None, None), "the function is defined at this point only"),
        (("unknown", None, None), "the first derivative has no limit at this point"),
    ],
)
def test_a_second_derivative_without_a_first_says_why(below: tuple[str, str | None, str | None], said: str) -> None:
    kind, left, right = below
    first, second = ExactEntry("x", kind, None, left=left, right=right), ExactEntry("x,x", "baseless", None)
    told = baseless([first, second], {"x": 0.0}, second, 0.0)
    assert told == f"{said}, so there is no second derivative; autodiff's 0 means nothing here"


def test_a_third_derivative_falls_with_the_second() -> None:
    entries = [
        ExactEntry("x", "smooth", "0"),
        ExactEntry("x,x", "kink", None, left="-2", right="2"),
        ExactEntry("x,x,x", "baseless", None),
        ExactEntry("x,x,x,x", "baseless", None),
    ]
    third, fourth = (baseless(entries, {"x": 0.0}, entry, None) for entry in entries[2:])
    assert third == "the second derivative jumps from -2 to 2 at this point, so there is no third derivative"
    assert fourth == "there is no third derivative at this point, so there is no fourth derivative"


def test_a_row_of_a_hessian_falls_with_its_first_derivative() -> None:
    """The first derivatives are not among the entries; an entry of an array is called by its index."""
    entry = ExactEntry("x,y", "baseless", None, index=(1,))
    told = baseless([entry], {"x": Array((2,), array("d", [0, 0])), "y": 0.0}, entry, math.nan)
    assert told == "there is no first derivative by x[1] at this point, so there is no second derivative"


def test_a_kink_of_a_higher_derivative_says_of_which() -> None:
    found = kink("float64", ExactEntry("x,x", "kink", None, left="-2", right="2", touched=Place("abs", (0, 6))), 0.0)
    told = "a kink of abs, in the first derivative: slope -2 from the left and 2 from the right"
    assert found == f"{told}; autodiff's 0 lies between them"


@pytest.mark.parametrize(
    ("claimed", "limit", "said"),
    [
        (0.0, None, "; autodiff's 0 means nothing here"),
        (0.25, "1", "removable singularity: the limit is 1; autodiff's 0.25 means nothing"),
        (math.nan, "0.3333333333333333333333333333333333333333", "the limit is 0.333333"),
        (math.nan, None, "0/0"),
    ],
    ids=["no limit", "limit", "nan and limit", "nan"],
)
def test_where_the_function_has_no_value_nothing_else_counts(claimed: float, limit: str | None, said: str) -> None:
    found = judged(claimed, exact("1"), status="undefined", value=None, reason="0/0 in x/x", limit=limit)
    assert found.verdict == "undefined"
    assert said in found.reason
    assert ("means nothing" in found.reason) == math.isfinite(claimed)
    assert ("removable" in found.reason) == (limit is not None)


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (exact("0"), "verified"),
        (exact("2"), "wrong"),
        (exact("1e-400"), "verified"),
        (exact(None, "kink", left="0", right="1"), "not_differentiable"),
        (None, "inconclusive"),
    ],
    ids=["truth 0", "truth 2", "underflow", "kink", "no symbolic derivative"],
)
def test_none_counts_as_0_and_says_so(entry: ExactEntry | None, word: str) -> None:
    found = judged(None, entry)
    assert (found.verdict, found.autodiff, found.unconnected) == (word, 0.0, True)
    assert found.reason.startswith("PyTorch returned None, which counts as 0; ")


def test_without_autodiff_the_derivative_stands_but_nothing_is_judged() -> None:
    found = judged(MISSING, exact("2"))
    assert (found.verdict, found.autodiff, found.symbolic, found.unconnected) == ("inconclusive", None, "2", False)
    assert "PyTorch gave no gradient" in found.reason


@pytest.mark.parametrize("status", ["", "defined"], ids=["no exact walk", "no entry"])
@pytest.mark.parametrize(
    ("claimed", "value", "width", "word", "said"),
    [
        (2.0, 2.0 + 1e-9, 1e-8, "verified", "agrees with finite differences alone"),
        (2.0, 2.0 + 1e-9, 1e-9 * (1 + 1e-6), "verified", "blind below 2e-09"),
        (2.0, 2.0 + 1e-9, 5e-10, "inconclusive", "one estimator alone does not convict"),
        (2.0, -2.0, 1e-12, "inconclusive", "one estimator alone does not convict"),
        (2.0, 2.0, 4.9e-4, "verified", "finite differences alone"),
        (2.0, 2.0, 5.1e-4, "inconclusive", "error bar is too wide"),
        (0.0, 0.0, 1e-12, "inconclusive", "error bar is too wide"),
        (math.nan, 2.0, 1e-8, "inconclusive", "no symbolic derivative"),
        (math.inf, 2.0, 1e-8, "inconclusive", "no symbolic derivative"),
        (2.0, math.nan, math.inf, "inconclusive", "sees a smooth point"),
    ],
)
def test_finite_differences_alone_verify_within_a_narrow_bar_only(
    status: str, claimed: float, value: float, width: float, word: str, said: str
) -> None:
    found = judged(claimed, None, status=status, difference=bar(value, width))
    assert found.verdict == word
    assert said in found.reason


def test_finite_differences_alone_never_convict() -> None:
    """Every claim against every difference, of which most disagree."""
    numbers = [0.0, -0.0, 1.0, -1.0, 1e-320, 1e300, math.nan, math.inf, -math.inf]
    for claimed, value, width in itertools.product(
        [*numbers, None, MISSING], numbers, [0.0, 1e-300, 1e-9, 1.0, math.inf]
    ):
        found = judged(claimed, None, status="", difference=bar(value, width))
        assert found.verdict in ("verified", "inconclusive")
        if found.verdict == "verified":
            assert abs(claimed - value) <= width <= abs(claimed) / 4000


def test_without_any_witness_nothing_is_known() -> None:
    found = judged(MISSING, None, status="")
    assert (found.verdict, found.autodiff, found.symbolic, found.finite_difference) == (
        "inconclusive",
        None,
        None,
        None,
    )


def test_a_difference_that_found_nothing_is_not_shown() -> None:
    found = judged(1.0, exact(), difference=bar(math.nan, math.inf, "jump"))
    assert (found.verdict, found.finite_difference, found.finite_difference_bar) == ("verified", None, None)
    shown = judged(1.0, exact(), difference=bar(1.5, 0.25))
    assert (shown.finite_difference, shown.finite_difference_bar) == (1.5, 0.25)
