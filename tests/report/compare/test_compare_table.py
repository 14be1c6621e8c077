"""The comparison in the terminal and as Markdown: digit under digit, nothing cut, the sentence that matters."""

from __future__ import annotations

import re

import pytest
from handmade_compare import HOSTILE, KINK, MANY, MISSING, NAN, ONE, ROUNDING, SAME, SHARED, SUITE, UNREADABLE, told

from gradtool.verdict.compare.record import WORDS, CompareRecord


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [40, 60, 80, 120, 160])
@pytest.mark.parametrize("record", SUITE, ids=lambda record: record.target)
def test_every_digit_is_there_at_every_width(record: CompareRecord, width: int) -> None:
    text = told([record], width=width)
    assert max(map(len, text.splitlines())) <= width
    for pair in record.entries[:24] if len(record.entries) <= 24 else ():
        for entry in pair.sides:
            if entry.autodiff is not None:
                assert f"{entry.autodiff:.17g}".removesuffix(".0") in text or repr(entry.autodiff) in text
        assert pair.verdict in text


def test_the_numbers_stand_digit_under_digit() -> None:
    lines = told([ROUNDING]).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  x "))
    columns = [re.search(r"20\.0855\d+", line) for line in lines[start : start + 3]]
    assert [match[0] for match in columns if match] == ["20.085536923187668", "20.08553692318767", "20.085536923187668"]
    assert len({match.start() for match in columns if match}) == 1


def test_a_wide_terminal_has_one_line_for_each_derivative() -> None:
    (line,) = [line for line in told([ROUNDING], width=160).splitlines() if line.startswith("  x ")]
    assert line.split()[-1] == "rounding"
    assert line.count("20.0855") == 3


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (SAME, "PyTorch and TensorFlow agree: the same number, exact to the last digit"),
        (ROUNDING, "PyTorch and TensorFlow agree: 1 ulp apart; PyTorch is off by 0.1 ulp, TensorFlow by 0.9"),
        (ONE, "x: they differ, and PyTorch is right: the derivative is 1.083315471"),
        (NAN, "x: they differ, and TensorFlow is right: the derivative is 0, TensorFlow gives 0, PyTorch gives nan"),
        (KINK, "x: a kink of max; PyTorch's 0.5 lies between the slopes, TensorFlow's 1 is the slope from the right"),
        (SHARED, "x: neither is right: the derivative is 1, and both give nan"),
        (MISSING, "x: TensorFlow gave no gradient to compare with; PyTorch's is verified"),
    ],
    ids=lambda value: value.target if isinstance(value, CompareRecord) else "",
)
@pytest.mark.parametrize("form", ["table", "markdown"])
def test_the_sentence_that_matters(record: CompareRecord, sentence: str, form: str) -> None:
    assert sentence in words(told([record], form).replace("\\", ""))


def test_a_finding_names_the_side_that_has_it_and_a_shared_one_is_told_once() -> None:
    assert "error GT001 x, TensorFlow: autodiff is off" in told([ONE])
    assert "error GT002 x, PyTorch: autodiff gives nan" in told([NAN])
    assert told([SHARED]).count("error GT002 x: exp overflows") == 1


def test_what_the_sentence_says_of_a_kink_is_not_said_again() -> None:
    assert "GT003" not in told([KINK])


def test_norms_are_told_of_each_side_where_they_differ() -> None:
    assert "gradient norm 6, 0 NaN, 0 Inf, by both" in told([SAME])
    assert "PyTorch: gradient norm -, 1 NaN, 0 Inf" in told([NAN])
    assert "TensorFlow: gradient norm 0, 0 NaN, 0 Inf" in told([NAN])
    assert "TensorFlow: gradient norm" not in told([MISSING])


def test_a_missing_framework_has_its_pip_line() -> None:
    assert "no evidence: TensorFlow is not installed\n    → pip install it" in told([MISSING])


def test_of_many_derivatives_the_worst_are_shown_and_all_are_summed_up() -> None:
    text = words(told([MANY]))
    assert "x[41]" in text
    assert "the worst 8 of 60 derivatives are shown" in text
    assert "largest error 0 ulp; TensorFlow norm" in text
    assert "at most 1 ulp apart; 1 rounding, 59 same" in text


def test_a_suite_is_a_table_and_what_does_not_agree_is_told() -> None:
    text = told(SUITE, width=100)
    rows = {line.split("  ")[1]: line.split()[-1] for line in text.splitlines()[2:12]}
    assert rows["x**2"] in ("same", "inconclusive")
    assert rows["gelu(x)"] == "one_right"
    assert rows["sni(x)"] == "unreadable"
    assert "there is no function called sni" in text
    assert "1 both_wrong, 3 one_right, 1 inconclusive, 1 convention, 2 rounding, 60 same, 1 unreadable" in words(text)


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_user_text_is_no_markup(form: str) -> None:
    text = told([HOSTILE, UNREADABLE], form)
    assert "w[i] [/b] [red]x" in text
    assert "\x1b" not in text


def test_an_ascii_terminal_gets_ascii() -> None:
    told(SUITE, unicode=False).encode("ascii")
    assert "df/dx" in told([SAME], unicode=False)


def test_every_verdict_has_a_colour() -> None:
    for record in SUITE:
        for pair in record.entries:
            if pair.verdict in ("one_right", "both_wrong", "rounding", "same", "convention"):
                assert f"m{pair.verdict}\x1b" in told([record], colour=True)
    assert {pair.verdict for record in SUITE for pair in record.entries} <= set(WORDS)
