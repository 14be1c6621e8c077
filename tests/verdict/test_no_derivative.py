"""The verdict where there is no derivative, or not every witness to tell: kinks, holes, ranges, missing evidence."""

from __future__ import annotations

import itertools
import math

import pytest
from testimony import MISSING, bar, exact, judged

from gradtool.evidence import ExactEntry, Place


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
        (0.0, "0", "0", "is both"),
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


@pytest.mark.parametrize("claimed", [0.0, math.nan, MISSING], ids=["0", "nan", "no autodiff"])
def test_slopes_that_nobody_had_the_time_to_find_are_no_verdict(claimed: float) -> None:
    found = judged(claimed, exact(None, "unsettled", touched=Place("exp", (9, 15))))
    assert found.verdict == "inconclusive"
    assert found.reason.startswith("exp in exp(x) has a kink or an infinite slope here, and finding the slopes")


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
