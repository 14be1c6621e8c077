"""Figures over comparisons: the exit code, the counts, the sentence on agreement."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest

from gradtool.evidence import Failure
from gradtool.problem import Problem
from gradtool.verdict.compare.record import WORDS, CompareRecord, Gap, Pair, worst
from gradtool.verdict.compare.summary import agreement, counts, exit_code, remedy, total, untold, untold_value
from gradtool.verdict.record import CheckRecord, Entry, Finding

EXPECTED = {
    "both_wrong": 1, "one_right": 1, "mismatch": 1, "inconclusive": 3, "undefined": 3, "out_of_range": 3,
    "convention": 3, "same_convention": 0, "rounding": 0, "same": 0,
}  # fmt: skip


def pair(word: str, label: str = "x", ulp: float | None = 1.0, errors: tuple[float, float] = (0.5, 0.7)) -> Pair:
    one, two = (Entry(label.partition("[")[0], 1.0, "verified", "", "1", ulp=error, label=label) for error in errors)
    return Pair(one, two, Gap(1.0, 1.0, ulp), word, f"told {word}")


def record(*pairs: Pair, severity: str = "", failed: bool = False, bad: bool = False) -> CompareRecord:
    findings = (Finding("GT018", severity, "value", "", ""),) if severity else ()
    failures = (Failure(0, "tensorflow", "missing", "gone"),) if failed else ()
    problems = (Problem("syntax", "bad"),) if bad else ()
    sides = [
        CheckRecord("f", "f", name, title, "float64", 0, findings=findings, failures=failures, problems=problems)
        for name, title in (("torch", "PyTorch"), ("tensorflow", "TensorFlow"))
    ]
    return CompareRecord((sides[0], sides[1]), pairs, None, worst(one.verdict for one in pairs))


@pytest.mark.parametrize("word", WORDS)
def test_the_exit_code_of_each_verdict(word: str) -> None:
    assert exit_code([record(pair(word))], strict=False) == EXPECTED[word]


def test_the_exit_code_of_a_suite_is_1_before_2_before_3_before_0() -> None:
    pool = {0: record(pair("same")), 1: record(pair("one_right")), 2: record(bad=True), 3: record(pair("convention"))}
    for codes in itertools.product(pool, repeat=3):
        expected = min(codes, key=(1, 2, 3, 0).index)
        assert exit_code([pool[code] for code in codes], strict=False) == expected


def test_a_missing_framework_is_no_verdict_unless_the_other_one_is_wrong() -> None:
    assert exit_code([record(pair("inconclusive"), failed=True)], strict=False) == 3
    assert exit_code([record(pair("inconclusive"), failed=True, severity="error")], strict=False) == 1


def test_strict_counts_the_warnings_of_either_side() -> None:
    assert [exit_code([record(pair("same"), severity="warning")], strict=strict) for strict in (False, True)] == [0, 1]


def test_the_same_failure_on_both_sides_is_one() -> None:
    assert len(record(failed=True).failures) == 1


def test_the_symbolic_witness_fails_once_for_both_sides_whatever_it_had_told_before() -> None:
    told = [Failure(0, "symbolic", "timeout", text) for text in ("stopped; the derivative had come", "stopped")]
    sides = [replace(side, failures=(one,)) for side, one in zip(record(pair("same")).sides, told, strict=True)]
    assert CompareRecord((sides[0], sides[1])).failures == (told[0],)


def test_counts_and_totals() -> None:
    records = [record(pair("same"), pair("one_right", "y")), record(bad=True)]
    assert counts(records) == {"one_right": 1, "same": 1, "unreadable": 1}
    assert total(records) == "2 gradient entries: 1 one_right, 1 same, 1 unreadable"
    assert total([]) == "nothing was compared"


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([pair("same", ulp=0.0, errors=(0.0, 0.0))], "agree: the same number, exact to the last digit"),
        ([pair("same", ulp=0.0, errors=(0.4, 0.4))], "agree: the same number, 0.4 ulp off the truth"),
        (
            [pair("same", ulp=0.0, errors=(0.4, 0.4)), pair("rounding", "y", 2.0, (0.1, 1.9))],
            "agree: 2 ulp apart at most; PyTorch is off by 0.4 ulp at most, TensorFlow by 1.9",
        ),
        ([pair("same_convention")], "agree: told same_convention"),
        ([pair("same"), pair("convention", "y")], ""),
        ([], ""),
    ],
    ids=["exact", "same", "two", "kink", "no", "nothing"],
)
def test_agreement_is_told_in_one_sentence(pairs: list[Pair], told: str) -> None:
    assert agreement([record(*pairs)]) == (f"PyTorch and TensorFlow {told}" if told else "")


def test_of_many_alike_the_farthest_apart_is_told() -> None:
    pairs = [pair("one_right", f"x[{n}]", float(n % 4)) for n in range(6)] + [pair("same", "y")]
    assert untold(pairs) == [("one_right", "x[3]: told one_right; likewise 5 more entries of x", "")]
    assert untold(pairs[:2]) == [("one_right", f"x[{n}]: told one_right", "") for n in (0, 1)]


def test_what_is_no_number_is_farther_apart_than_any_number() -> None:
    pairs = [pair("one_right", f"x[{n}]", 1e15) for n in range(5)]
    pairs[2] = replace(pairs[2], first=replace(pairs[2].first, autodiff=math.nan), gap=Gap())
    ((_, sentence, _),) = untold(pairs)
    assert sentence.startswith("x[2]: ")


def test_the_worst_verdict_follows_the_published_order() -> None:
    for first, second in itertools.combinations(WORDS, 2):
        assert worst([second, first]) == worst([first, second]) == first
    assert worst([]) == "inconclusive"


@pytest.mark.parametrize(("number", "told"), [(0.5, False), (math.inf, True), (math.nan, True)])
def test_an_infinite_or_nan_gradient_at_a_kink_has_a_remedy_although_nobody_is_blamed(
    number: float, told: bool
) -> None:
    found = pair("convention")
    spoilt = replace(found, first=replace(found.first, autodiff=number))
    assert [bool(cure) for _, _, cure in untold([spoilt])] == [told]
    assert bool(remedy([spoilt])) == told
    assert not remedy([replace(spoilt, verdict="one_right")])


def test_a_value_at_fault_is_told_where_the_gradients_agree() -> None:
    """The frameworks do not agree then, whatever the gradients do."""
    ill = replace(record(pair("same")), value=pair("one_right", "f"))
    assert exit_code([ill], strict=False) == 1
    assert agreement([ill]).startswith("PyTorch and TensorFlow agree on the gradient")
    assert total([ill, ill]) == "2 gradient entries: 2 same; 2 values one_right"
    assert untold_value(ill) == [("one_right", "f: told one_right", "")]
    assert untold_value(replace(ill, verdict="one_right")) == []
    well = replace(record(pair("same")), value=pair("rounding", "f"))
    assert (exit_code([well], strict=False), untold_value(well)) == (0, [])
    assert agreement([well]).startswith("PyTorch and TensorFlow agree:")
