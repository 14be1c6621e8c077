"""The framework's own checker in every format: a column, a line, and an object in JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from handmade import SHORT32, VERIFIED, told

import gradtool.report
from gradtool.evidence import Checked
from gradtool.verdict.record import CheckRecord, Finding

SCHEMA = json.loads((Path(gradtool.report.__file__).parent / "check-1.0.schema.json").read_text(encoding="utf-8"))
SETTINGS = {"eps": 1e-6, "atol": 1e-5, "rtol": 1e-3}


def against(record: CheckRecord, outcome: str = "passed", **cells: Any) -> CheckRecord:
    known: dict[str, Any] = {"settings": SETTINGS, "message": "", "gradients": {"x": 6.0000000004}, **cells}
    return replace(
        record, against=Checked(0, "gradcheck", "torch.autograd.gradcheck", "2.13.0", outcome=outcome, **known)
    )


PASSED = against(VERIFIED)
FAILED = against(VERIFIED, "failed", message="Jacobian mismatch for output 0", gradients={"x": 6.25})
COMPARED = against(VERIFIED, "compared", settings={"delta": 1 / 1024}, function="the sum of its entries")
NOT_RUN = against(VERIFIED, "not_run", settings={}, message="there are 3600 derivatives", gradients={})
NAN = against(VERIFIED, "failed", message="m", gradients={"x": math.nan})
ALL = [PASSED, FAILED, COMPARED, NOT_RUN, NAN]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_table_has_a_column_and_a_line() -> None:
    text = told([PASSED], width=120)
    (head,) = [line for line in text.splitlines() if " autodiff " in line]
    assert head.split()[-4:] == ["difference", "gradcheck", "ulp", "verdict"]
    (row,) = [line for line in text.splitlines() if line.startswith("  x ")]
    assert row.split()[-3:] == ["6", "0", "verified"]  # to the digits that can mean something
    said = "torch.autograd.gradcheck (eps 1e-06, atol 1e-05, rtol 0.001): passed; largest |autodiff - difference| 4e-10"
    assert said in flat(text)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (FAILED, "failed: Jacobian mismatch for output 0; largest |autodiff - difference| 0.25"),
        (COMPARED, "(delta 0.0009765625): on the sum of its entries, it gives no verdict of its own; largest"),
        (NOT_RUN, "torch.autograd.gradcheck: not run: there are 3600 derivatives"),
        (NAN, "largest |autodiff - difference| nan"),
    ],
    ids=["failed", "compared", "not run", "nan"],
)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_what_it_says_is_a_line_at_every_width(record: CheckRecord, said: str, width: int) -> None:
    text = told([record], width=width)
    assert said in flat(text)
    assert max(map(len, text.splitlines())) <= width


def test_without_it_there_is_no_column_and_no_line() -> None:
    for form in ("table", "markdown"):
        assert "gradcheck" not in told([VERIFIED], form)
    assert "gradcheck" not in told([NOT_RUN]).replace("torch.autograd.gradcheck", "")


def test_several_points_are_counted() -> None:
    note = Finding("GT021", "note", "gradcheck", "misleads", "")
    records = [replace(PASSED, point={"x": 1.0}), replace(FAILED, findings=(note,)), replace(PASSED, point={"x": 2.0})]
    text = flat(told(records, width=200))
    assert "passed at 2, failed at 1 of 3 points; largest |autodiff - difference| 0.25; it misleads at 1" in text


def test_markdown_has_the_column_and_the_line() -> None:
    text = told([FAILED], "markdown")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {9}
    assert "| 6.25 |" in rows[2]
    assert "- torch.autograd.gradcheck (eps 1e-06, atol 1e-05, rtol 0.001): failed" in text


@pytest.mark.parametrize("record", ALL, ids=["passed", "failed", "compared", "not run", "nan"])
def test_json_follows_the_schema(record: CheckRecord) -> None:
    document = json.loads(told([record], "json"))
    jsonschema.validate(document, SCHEMA)
    found = document["against"]
    assert found["outcome"] == record.against.outcome  # type: ignore[union-attr]
    assert found["passed"] is {"passed": True, "failed": False}.get(found["outcome"])
    assert [entry["label"] for entry in found["entries"]] == ([] if record is NOT_RUN else ["x"])
    assert ("--against gradcheck" in document["command"]) == (record is not NOT_RUN)


def test_json_has_its_numbers_in_full_and_null_without_it() -> None:
    found = json.loads(told([PASSED], "json"))["against"]
    assert found["entries"][0]["difference"] == 6.0000000004
    assert found["largest_difference"] == 6.0000000004 - 6.0
    assert json.loads(told([NAN], "json"))["against"]["largest_difference"] == "nan"
    plain = json.loads(told([VERIFIED], "json"))
    jsonschema.validate(plain, SCHEMA)
    assert plain["against"] is None


def test_a_float32_difference_is_told_to_its_digits() -> None:
    assert "0.333333 " in told([against(SHORT32, gradients={"x": 0.333333352})], width=120)


def test_a_table_of_several_targets_has_its_outcomes() -> None:
    suite = [replace(record, name=name) for record, name in zip([*ALL[:4], VERIFIED], "abcde", strict=True)]
    rows = [line.split() for line in told(suite, width=120).splitlines()]
    assert ["target", "entries", "worst", "ulp", "gradcheck", "verdict"] in rows
    words = {row[0]: " ".join(row[3:-1]) for row in rows if row and row[0] in "abcde"}
    assert words == {"a": "passed", "b": "failed", "c": "no verdict", "d": "not run", "e": "-"}
