"""The framework's own checker beside the verdicts: how far apart they are, and the sentence where it misleads."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.evidence import Checked
from gradtool.values import Array
from gradtool.verdict.against import differences, largest, misleading, settings_text
from gradtool.verdict.record import Entry

GRADCHECK = {"eps": 1e-6, "atol": 1e-5, "rtol": 1e-3}


def checked(outcome: str = "passed", difference: Any = 2.0, **cells: Any) -> Checked:
    told: dict[str, Any] = {"settings": GRADCHECK, "message": "", "gradients": {"x": difference}, **cells}
    tool = "tf.test.compute_gradient" if "delta" in told["settings"] else "gradcheck"
    return Checked(0, "gradcheck", tool, "2", outcome=outcome, **told)


def entry(verdict: str = "verified", autodiff: float | None = 2.0, **cells: Any) -> Entry:
    return Entry("x", autodiff, verdict, "because", "2", **cells)


def sentence(found: Checked, *entries: Entry, dtype: str = "float64") -> str:
    notes = misleading(found, entries, dtype)
    assert len(notes) <= 1
    assert all((note.code, note.severity, note.where) == ("GT021", "note", "gradcheck") for note in notes)
    return notes[0].message if notes else ""


@pytest.mark.parametrize(
    ("autodiff", "difference", "expected"),
    [(2.0, 2.5, 0.5), (2.0, 2.0, 0.0), (math.inf, math.inf, 0.0), (-math.inf, math.inf, math.inf),
     (math.nan, 1.0, math.nan), (1.0, math.nan, math.nan), (math.nan, math.nan, math.nan), (None, 1.0, math.nan)],
)  # fmt: skip
def test_the_largest_difference(autodiff: float | None, difference: float, expected: float) -> None:
    found = largest(checked(difference=difference), [entry(autodiff=autodiff)])
    assert found == expected or (found is not None and math.isnan(found) and math.isnan(expected))


def test_entries_are_matched_by_name_and_index() -> None:
    """What the checker does not tell is not compared; nothing compared is no number, not 0."""
    found = checked(gradients={"x": Array.of((2,), [1.0, 5.0]), "y": 3.0})
    assert differences(found) == {("x", (0,)): 1.0, ("x", (1,)): 5.0, ("y", ()): 3.0}
    entries = [Entry("x", 1.5, "verified", "", index=(0,)), Entry("x", 5.25, "verified", "", index=(1,))]
    assert largest(found, entries) == 0.5
    assert largest(found, [*entries, Entry("z", 9.0, "verified", "")]) == 0.5
    assert largest(checked(gradients={}), entries) is None


@pytest.mark.parametrize("verdict", ["wrong", "unstable"])
def test_it_passes_what_is_wrong(verdict: str) -> None:
    told = sentence(checked("passed"), entry(verdict))
    assert told == f"gradcheck passes although x is {verdict} by the exact derivative ({settings_text(checked())})"
    other = sentence(checked("compared", settings={"delta": 0.5}), entry(verdict))
    assert other.startswith(f"tf.test.compute_gradient shows no difference although x is {verdict}")


def test_it_fails_what_is_right_by_its_step() -> None:
    told = sentence(checked("failed", 2.0058, settings={**GRADCHECK, "eps": 1e-5}), entry(), dtype="float32")
    assert told == (
        "gradcheck fails although x is verified: the difference of 0.0058 comes from its step of 1e-05 in float32, "
        "not from the gradient"
    )
    other = sentence(checked("compared", 2.0058, settings={"delta": 1 / 1024}), entry(), dtype="float32")
    assert "shows a difference although x is verified: the difference of 0.0058" in other
    assert "its step of 0.0009765625 in float32" in other


def test_it_fails_because_its_step_leaves_the_domain() -> None:
    told = sentence(checked("failed", math.nan), entry())
    assert "its step of 1e-06 leads where the function is no number, and the difference is nan" in told


def test_it_fails_for_another_reason_than_a_difference() -> None:
    told = sentence(checked("failed", message="Backward is not reentrant"), entry())
    assert told == "gradcheck fails although every entry is verified: Backward is not reentrant"


def test_at_a_kink_neither_answer_says_anything_about_autodiff() -> None:
    kink = entry("not_differentiable", 0.0)
    assert "passes at x, where there is no derivative" in sentence(checked("passed", 0.0), kink)
    assert "a kink is no fault of autodiff" in sentence(checked("failed", 0.5), kink)


@pytest.mark.parametrize(
    ("outcome", "difference", "verdict"),
    [("passed", 2.0, "verified"), ("failed", 3.0, "wrong"), ("failed", math.nan, "unstable"),
     ("compared", 2.000001, "verified"), ("compared", 3.0, "wrong"), ("compared", math.nan, "unstable"),
     ("not_run", 9.0, "verified"), ("not_run", 9.0, "wrong"), ("failed", math.nan, "undefined"),
     ("passed", 2.0, "inconclusive"), ("failed", math.inf, "out_of_range")],
)  # fmt: skip
def test_where_it_is_right_nothing_is_said(outcome: str, difference: float, verdict: str) -> None:
    settings = {"delta": 0.5} if outcome == "compared" else GRADCHECK
    assert sentence(checked(outcome, difference, settings=settings), entry(verdict)) == ""


def test_the_worst_of_several_is_told_and_the_names_are_few() -> None:
    gradients = {"x": Array.of((5,), [2.0, 2.5, 2.25, 3.0, 2.125])}
    entries = [Entry("x", 2.0, "verified", "", index=(place,)) for place in range(5)]
    told = sentence(checked("failed", gradients=gradients), *entries)
    assert "although x[1], x[2], x[3] and 1 more are verified: the difference of 1 comes" in told
