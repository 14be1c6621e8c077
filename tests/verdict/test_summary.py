"""Figures over records: exit codes, counts, the sentence of totals, the norm."""

from __future__ import annotations

import itertools
import math

import pytest

from gradtool.evidence import Failure
from gradtool.problem import Problem
from gradtool.verdict.record import WORDS, CheckRecord, Entry, Finding, worst
from gradtool.verdict.summary import counts, exit_code, gradient_norm, total


def record(*words: str, severity: str = "", failed: bool = False, problems: tuple[Problem, ...] = ()) -> CheckRecord:
    """A record with one entry for each word, the finding that such a verdict has, and one of ``severity``."""
    errors = [Finding("GT001", "error", "x", "", "") for word in words if word in ("wrong", "unstable")]
    notes = [Finding("GT013", severity, "x", "", "")] if severity else []
    return CheckRecord(
        "f", "x", "torch", "PyTorch", "float64", 0,
        verdict=worst(list(words)),
        entries=tuple(Entry("x", 1.0, word, "") for word in words),
        findings=(*errors, *notes),
        failures=(Failure(0, "torch", "timeout", "slow"),) if failed else (),
        problems=problems,
    )  # fmt: skip


BAD = (Problem("syntax", "bad"),)
BY_CODE = {
    0: [record("verified"), record("verified", "verified"), record("verified", severity="note")],
    1: [record("wrong"), record("unstable"), record("verified", "wrong"), record("wrong", failed=True)],
    2: [record(problems=BAD), record(problems=BAD * 2)],
    3: [
        record("not_differentiable"), record("undefined"), record("out_of_range"), record("inconclusive"), record(),
        record("verified", "undefined"), record("verified", failed=True), record(failed=True),
    ],
}  # fmt: skip
RANK = (1, 2, 3, 0)
"""A suite exits with 1 before 2 before 3."""


@pytest.mark.parametrize(
    ("code", "single"),
    [(code, single) for code, records in BY_CODE.items() for single in records],
    ids=lambda value: "" if isinstance(value, int) else "+".join(e.verdict for e in value.entries) or "nothing",
)
def test_the_exit_code_of_one_record(code: int, single: CheckRecord) -> None:
    assert exit_code([single], strict=False) == code
    assert exit_code([single], strict=True) == code


def test_the_exit_code_of_a_suite_is_the_first_in_rank_of_its_records() -> None:
    """Every set of one, two and three records, in every order."""
    pool = [(code, single) for code, records in BY_CODE.items() for single in records]
    for size in (2, 3):
        for chosen in itertools.product(pool, repeat=size):
            expected = min((code for code, _ in chosen), key=RANK.index)
            assert exit_code([single for _, single in chosen], strict=False) == expected


@pytest.mark.parametrize(
    ("severity", "strict", "code"),
    [("warning", False, 0), ("warning", True, 1), ("note", True, 0), ("error", False, 1), ("error", True, 1)],
)
def test_strict_counts_warnings_but_never_notes(severity: str, strict: bool, code: int) -> None:
    assert exit_code([record("verified", severity=severity)], strict=strict) == code


@pytest.mark.parametrize(
    ("others", "plain"), [([record("undefined")], 3), ([record(problems=BAD)], 2), ([record("verified")], 0)]
)
def test_strict_puts_a_warning_before_what_could_not_be_told(others: list[CheckRecord], plain: int) -> None:
    records = [record("verified", severity="warning"), *others]
    assert exit_code(records, strict=False) == plain
    assert exit_code(records, strict=True) == 1


def test_of_no_records_nothing_is_wrong() -> None:
    assert exit_code([], strict=True) == 0
    assert counts([]) == {}
    assert total([]) == "nothing was checked"


def test_counts_are_of_entries_worst_first_and_of_targets_that_could_not_be_read() -> None:
    records = [record("verified", "wrong"), record(problems=BAD * 3), record("verified"), record("undefined")]
    assert list(counts(records).items()) == [("wrong", 1), ("undefined", 1), ("verified", 2), ("unreadable", 1)]
    assert total(records) == "4 gradient entries: 1 wrong, 1 undefined, 2 verified, 1 unreadable"


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([record("verified")], "1 gradient entry: 1 verified"),
        ([record(problems=BAD)], "0 gradient entries: 1 unreadable"),
        ([record("verified", "verified")], "2 gradient entries: 2 verified"),
    ],
    ids=["one", "none", "two"],
)
def test_the_totals_are_a_sentence(records: list[CheckRecord], sentence: str) -> None:
    assert total(records) == sentence


def test_the_worst_verdict_follows_the_published_order() -> None:
    order = ["wrong", "unstable", "inconclusive", "undefined", "out_of_range", "not_differentiable", "verified"]
    assert list(WORDS) == order
    for first, second in itertools.combinations(order, 2):
        assert worst([second, first]) == worst([first, second]) == first
    assert worst([]) == "inconclusive"


@pytest.mark.parametrize(
    ("values", "norm", "nan", "inf"),
    [
        ([3.0, -4.0], 5.0, 0, 0),
        ([3e200, 4e200], 5e200, 0, 0),
        ([3e-200, 4e-200], 5e-200, 0, 0),
        ([3.0, math.nan, 4.0, math.inf, -math.inf, math.nan], 5.0, 2, 2),
        ([0.0], 0.0, 0, 0),
        ([math.nan], None, 1, 0),
        ([None, 2.0], 2.0, 0, 0),
        ([None], None, 0, 0),
        ([], None, 0, 0),
    ],
    ids=str,
)
def test_the_norm_is_that_of_the_finite_entries(
    values: list[float | None], norm: float | None, nan: int, inf: int
) -> None:
    found = gradient_norm(values)
    assert found[0] == (None if norm is None else pytest.approx(norm, rel=1e-15))
    assert found[1:] == (nan, inf)
