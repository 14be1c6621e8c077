"""What the reports say of a callable beside its entries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from handmade import record, told

from gradtool.evidence import Cause, CodeLine, Operand, Slot
from gradtool.report.callables import PLACES, callable_lines, place_text, signature_lines
from gradtool.verdict.record import CallableFacts, CheckRecord, Entry, Finding
from gradtool.witness.callable.elsewhere import PLACES as TRIED

X = Slot("x", (2, 3), "float32")


def made(verdict: str = "verified", **facts: Any) -> CheckRecord:
    """A record of a callable f of x, a 2x3 array of float32, to a number."""
    known = {"inputs": (X,), "outputs": (Slot("output", (), "float32"),), "label": "given", **facts}
    return record("ops.py:f", Entry("x", 6.0, verdict, "agrees"), callable=CallableFacts(
        "f", "function", "ops.py:3", **known))  # fmt: skip


def test_an_expression_has_no_such_lines() -> None:
    expression = record("x**2", Entry("x", 6.0, "verified", "equals"))
    assert signature_lines(expression) == callable_lines(expression) == []
    assert place_text(expression) == "x = 3"


def test_the_signature_tells_shapes_dtypes_and_what_is_left_alone() -> None:
    labels = Slot("labels", (2,), "int64", differentiated=False)
    (line,) = signature_lines(made(inputs=(X, labels)))
    assert line == (
        "function at ops.py:3: x (2x3 float32), labels (2 int64, not differentiated) -> output (number float32)"
    )


def test_many_inputs_are_counted() -> None:
    (line,) = signature_lines(made(inputs=tuple(Slot(f"w{place}", (1,), "float64") for place in range(9))))
    assert "w5 (1 float64), 3 more -> output" in line
    assert "w6" not in line


def test_where_the_inputs_come_from_has_a_line_of_its_own() -> None:
    assert signature_lines(made(assumed="drawn from seed 0"))[1:] == ["inputs drawn from seed 0"]


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"expression": "x**2"}, "exact derivatives of what it computes: x**2"),
        ({"expression": "c0*x"}, "exact derivatives of what it computes: c0*x, where c0 is a constant that it holds"),
        (
            {"expression": "c0*x + c1"},
            "exact derivatives of what it computes: c0*x + c1, where c0 and c1 are constants that it holds",
        ),
        ({"untraced": "it branches"}, "no exact derivatives: it branches"),
        ({"notes": ("g was left out",)}, "note: g was left out"),
    ],
)
def test_it_is_told_whether_there_is_a_formula(facts: dict[str, Any], line: str) -> None:
    assert callable_lines(made(**facts)) == [line]


def test_an_input_may_be_called_as_a_constant_is() -> None:
    facts = {"inputs": (Slot("c0", (), "float64"),), "expression": "c0**2"}
    assert callable_lines(made(**facts)) == ["exact derivatives of what it computes: c0**2"]


def test_other_points_of_one_verdict_stand_together() -> None:
    beside = (("given, random upstream", "verified"), ("fresh", "verified"), ("zero", "inconclusive"))
    assert callable_lines(made(beside=beside)) == [
        "also looked at: with a random upstream gradient, at another point: verified; at 0: inconclusive"
    ]
    assert callable_lines(made(beside=beside, surrogate=True)) == []


@pytest.mark.parametrize("label", TRIED)
def test_every_point_that_is_tried_has_words(label: str) -> None:
    assert callable_lines(made(beside=((label, "wrong"),))) == [f"also looked at: at {PLACES[label]}: wrong"]
    assert place_text(made(label=label)) == f"{PLACES[label]}, x = 3"


def test_a_place_tells_its_upstream_gradient() -> None:
    assert place_text(made(label="given, random upstream")) == ("its own point with a random upstream gradient, x = 3")


def test_the_table_and_the_markdown_have_every_line() -> None:
    one = made(assumed="drawn from seed 0", expression="x**2", beside=(("fresh", "verified"),), notes=("a note",))
    for chosen in ("table", "markdown"):
        text = " ".join(told([one], chosen, 200).split())
        for line in (*signature_lines(one), *callable_lines(one)):
            assert line.replace("**", "").replace("->", "") in text.replace("\\", "").replace("**", "").replace(
                "->", ""
            )


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_a_surrogate_s_numbers_are_not_called_verified(form: str) -> None:
    text = told([made(surrogate=True)], form)
    assert "not judged" in text
    assert "verified" not in text


def test_nor_in_the_table_of_several_targets() -> None:
    one = made(surrogate=True)
    text = told([one, replace(one, name="ops.py:g", target="ops.py:g")])
    assert text.count("not judged") == 3
    assert "verified" not in text


def test_a_table_of_several_counts_numbers_whether_they_were_looked_at_one_by_one_or_as_a_whole() -> None:
    whole = Entry("w", None, "verified", "agrees", label="w (400 entries)", count=400, whole=True)
    few = record("ops.py:g", Entry("x", 6.0, "verified", "agrees"), Entry("y", 6.0, "verified", "agrees"))
    text = told([replace(made(), entries=(whole,)), few])
    assert [line.split()[:2] for line in text.splitlines() if "ops.py" in line] == [
        ["ops.py:f", "400"],
        ["ops.py:g", "2"],
    ]
    assert "402 gradient entries: 402 verified, 400 of them as a whole" in " ".join(text.split())


def test_a_broken_backward_pass_without_a_gradient_is_wrong_and_counted() -> None:
    raises = Finding("GT208", "error", "f", "the backward pass raises ValueError: no", "Read the error.")
    broken = replace(made(), entries=(), verdict="wrong", findings=(raises,))
    assert "no gradient that could be judged" in told([broken])
    text = told([broken, record("ops.py:g", Entry("x", 6.0, "verified", "agrees"))])
    assert [line.split() for line in text.splitlines() if "ops.py:f  " in line] == [["ops.py:f", "0", "-", "wrong"]]
    assert "1 gradient entry: 1 verified, 1 without a gradient that could be judged" in " ".join(text.split())


def test_the_line_of_a_cause_stands_below_its_finding() -> None:
    line = CodeLine("ops.py:7", "y = torch.log(x.detach())  # [red]", "soft")
    cause = Cause("none", "detach", "detach", line, ["x"], operands=[Operand((3,), "float32", 0.0, 2.0, 3, 1)])
    findings = (Finding("GT204", "error", "x", "cut off", "take it out", "ops.py:7", cause=cause),)
    one = replace(made(), findings=findings)
    assert (
        "  error GT204 x: cut off\n"
        "    ops.py:7, soft:  y = torch.log(x.detach())  # [red]\n"
        "    given 3 float32 from 0 to 2, 1 of 3 is 0\n"
        "    → take it out\n"
    ) in told([one])
    assert (
        "- error GT204 `x`: cut off\n"
        "  - `ops.py:7, soft:  y = torch.log(x.detach())  # [red]`\n"
        "  - `given 3 float32 from 0 to 2, 1 of 3 is 0`\n"
    ) in told([one], "markdown")
