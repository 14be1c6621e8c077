"""The table for people: nothing is lost at any width, in any encoding, with or without colour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import dedent

import pytest
from handmade import FIVE, HOSTILE, KINK, SETS, SIXTY, SUITE, UNREADABLE, UNSTABLE, VERIFIED, record, told
from rich.cells import cell_len

from gradtool.report.entries import chosen
from gradtool.verdict.record import CheckRecord, Entry

WIDTHS = (40, 80, 120)
EVERY = pytest.mark.parametrize("name", SETS)
AT_WIDTHS = pytest.mark.parametrize("width", WIDTHS)

NUMBERS = {
    "verified": ["6", "2e-9", "0", "9e-16"],
    "unstable": [
        "36.0436533891172", "-1e-300", "2.220446049250313e-16", "-0.000123456789012345", "-0.00012345678912345679",
        "-0.00012345", "3e-8", "6.7e+07", "nan", "1.5e-300", "0.000123457",
    ],
    "wrong": ["0.5000000098", "0.5", "8.8e+07"],
    "kink": ["0", "-1", "1"],
    "undefined": ["-inf", "nan", "-1"],
    "failed": ["-0.98999249660044546"],
    "float32": ["0.1", "0.033333335", "0.33333334", "0.333333333", "0.33"],
    "five points": ["-1.7976931348623157e+308", "5e-324", "1e+22", "1234.56789", "1e-07", "-2.5", "1.79769e+308"],
    "suite": ["6.7e+07", "8.8e+07", "0.33"],
}  # fmt: skip
"""Every number of a report, as it is to be read in one piece."""


@AT_WIDTHS
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("unicode", [True, False], ids=["UTF-8", "ASCII"])
def test_no_number_is_broken_or_cut(name: str, width: int, unicode: bool) -> None:
    words = re.split(r"[\s,;:()]+", told(SETS[name], "table", width, unicode=unicode))
    assert [number for number in NUMBERS[name] if number not in words] == []
    assert "…" not in words


@EVERY
@AT_WIDTHS
@pytest.mark.parametrize("unicode", [True, False], ids=["UTF-8", "ASCII"])
def test_no_line_is_longer_than_the_width(name: str, width: int, unicode: bool) -> None:
    """But for a single word that cannot be broken."""
    lines = told(SETS[name], "table", width, unicode=unicode).splitlines()
    assert [line for line in lines if cell_len(line) > width and " " in line.strip()] == []


@EVERY
@AT_WIDTHS
def test_no_line_ends_in_a_blank(name: str, width: int) -> None:
    report = told(SETS[name], "table", width)
    assert [line for line in report.split("\n") if line != line.rstrip()] == []
    assert report.endswith(")\n")


@EVERY
@AT_WIDTHS
def test_colour_adds_escape_codes_and_nothing_else(name: str, width: int) -> None:
    plain, coloured = told(SETS[name], "table", width), told(SETS[name], "table", width, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


@EVERY
def test_in_ascii_every_glyph_has_a_stand_in(name: str) -> None:
    assert told(SETS[name], unicode=False).isascii()
    assert not told(SETS[name], unicode=True).isascii()


@AT_WIDTHS
def test_names_of_users_are_never_markup(width: int) -> None:
    report = told(HOSTILE, "table", width)
    assert "w[i] [/b] :smile: [red]x" in report
    assert "a|b `c` *d* _e_ <f>" in report
    single = told([record("w*x", Entry("w[i]", 1.0, "wrong", "off"), formulas={"w[/b]": "x[0]"})], "table", width)
    assert "w[i]" in single
    assert "∂f/∂w[/b] = x[0]" in single


@pytest.mark.parametrize("hostile", ["x\x1b[31m", "x\x1b]0;title\x07", "x\ry", "x\ny", "x\x9b2J"], ids=ascii)
def test_control_characters_of_a_name_do_not_reach_the_terminal(hostile: str) -> None:
    """A suite from elsewhere must not move the cursor, set a title or forge a line."""
    report = told([record("x", *VERIFIED.entries, name=hostile), KINK])
    assert [char for char in report.replace("\n", "") if not char.isprintable()] == []
    assert len(report.splitlines()) == len(told([record("x", *VERIFIED.entries, name="xy"), KINK]).splitlines())


def test_the_report_on_one_point() -> None:
    expected = """\
        x**2
          at x = 3, f = 9, PyTorch 2.13.0, float64

          by  autodiff  symbolic  finite difference  ulp  verdict
          --------------------------------------------------------
          x   6         6         6 ± 2e-9           0    verified

          ∂f/∂x = 2*x
          gradient norm 6, 0 NaN, 0 Inf

          Errors of 9e-16 relative and more would have been found.
        ✓ 1 gradient entry: 1 verified (1.2 s)
        """
    assert told([VERIFIED]) == dedent(expected)
    ascii_only = expected.replace("±", "+/-").replace("∂", "d").replace("✓", "ok:")
    wider = ascii_only.replace("6 +/- 2e-9           0", "6 +/- 2e-9         0")
    assert told([VERIFIED], unicode=False) == dedent(wider)


def test_the_report_on_one_point_in_a_narrow_terminal() -> None:
    assert told([KINK], "table", 40, unicode=False) == dedent("""\
        abs(x)
          at x = 0, f = 9, PyTorch 2.13.0,
          float64

          x
            autodiff           0 (None)
            symbolic           -1 | 1
            finite difference  -
            ulp                -
            verdict
              not_differentiable

          gradient norm 6, 0 NaN, 0 Inf

          note GT003 x: a kink of abs: slope -1
          from the left
            -> harmless
        not ok: 1 gradient entry: 1
        not_differentiable (1.2 s)
        """)


def test_the_report_on_five_points_names_each() -> None:
    lines = told(FIVE, "table", 120).splitlines()
    assert lines[1] == "  at 5 points drawn from seed 0, PyTorch 2.13.0, float64"
    assert lines[5:8] == [
        "  at x = 0.1, y = -2.5: gradient norm 2.502, 0 NaN, 0 Inf",
        "  x   -2.5                      -2.5                      -                  0    verified",
        "  y   0.1                       0.1                       -                  0    verified",
    ]
    assert lines[-2:] == [
        "  Errors of 2e-16 relative and more would have been found.",
        "✓ 10 gradient entries: 10 verified (1.2 s)",
    ]


@AT_WIDTHS
@pytest.mark.parametrize("records", [[UNSTABLE], SUITE, SIXTY], ids=["one", "suite", "suite of 60"])
def test_every_finding_hint_and_remedy_is_told(records: Sequence[CheckRecord], width: int) -> None:
    report = " ".join(told(records, "table", width).split())
    for one in records:
        for finding in one.findings:
            assert f"{finding.severity} {finding.code} {finding.where}: {finding.message}" in report
            assert finding.remedy in report
        for failure in one.failures:
            assert f"no evidence: {failure.message} → {failure.hint}" in report
        for problem in one.problems:
            assert problem.message in report
            assert f"hint: {problem.hint}" in report


def test_of_a_long_suite_only_what_is_not_verified_is_listed() -> None:
    report = told(SIXTY)
    assert "power 2" not in report
    assert "56 targets are verified and not listed" in report
    assert "1 wrong, 2 unstable, 1 inconclusive, 56 verified, 1 unreadable" in " ".join(report.split())
    assert "power 40 " in told(SIXTY[:40])


def test_a_problem_is_shown_with_its_caret_under_the_mistake() -> None:
    assert "    sni(x) + 1\n    ^^^\n  hint: did you mean sin?\n" in told([UNREADABLE])
    assert "error: suite.txt:7: ^ is not a power here\n    x^2\n     ^\n" in told([UNREADABLE])


def test_a_long_formula_is_not_shown_but_counted() -> None:
    report = told([record("f(x)", *VERIFIED.entries, formulas={"x": "x + " * 200 + "x"})])
    assert "a formula of up to 801 characters: --format json" in report


@pytest.mark.parametrize(
    ("ulp", "line"),
    [(3.4e-24, "x: norm 2, exact to the last digit; 25 verified"),
     (0.21, "x: norm 2, largest error 0.21 ulp; 25 verified"),
     (None, "x: norm 2; 25 verified")],
)  # fmt: skip
def test_many_derivatives_are_summed_up_with_an_error_that_means_something(ulp: float | None, line: str) -> None:
    """The largest error was told as 3.4e-24 ulp, and as - ulp where every derivative is 0."""
    entries = [Entry("x", 0.4, "verified", "", "0.4", ulp=ulp, index=(place,)) for place in range(25)]
    _, lines = chosen(record("sum(x)", *entries))
    assert lines[-1] == line
