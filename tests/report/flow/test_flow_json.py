"""JSON: the whole evidence, every figure round-trips, and the published schema fits the records."""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from handmade_flow import (
    EXPERIMENTS,
    FAILED,
    HEALTHY,
    ILL,
    REFUTED,
    SETS,
    UNREADABLE,
    evidence,
    parameter,
    record,
    told,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import gradtool.witness
from gradtool.evidence import Incident, Loss, ModelEvidence
from gradtool.verdict.flow.record import STATES

FILE = importlib.resources.files("gradtool.report.flow").joinpath("flow-1.0.schema.json")
SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))


def one(item: Any, form: str = "json") -> Any:
    """The document on one record."""
    return json.loads(told(item, form))


def valid(document: Any) -> None:
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("name", SETS)
def test_every_record_follows_the_published_schema(name: str, form: str) -> None:
    text = told(SETS[name], form)
    valid(json.loads(text))
    assert text.endswith("\n")
    assert form == "json" or text.count("\n") == 1


def test_the_schema_knows_every_word_for_what_a_script_did() -> None:
    """The words are those that the witnesses write."""
    witnesses = Path(gradtool.witness.__file__).parent.rglob("*.py")
    words = {word for path in witnesses for word in re.findall(r'\bIncident\(\s*"(\w+)"', path.read_text("utf-8"))}
    assert {"raised", "rebound", "clip_idle", "misapplied"} <= words
    for word in words:
        incident = Incident(word, "SGD", source="train.py:3")
        valid(
            one(dataclasses.replace(EXPERIMENTS, evidence=evidence([parameter("w", (4,), 0.1)], incidents=[incident])))
        )


def test_the_schema_refuses_what_is_no_record() -> None:
    """Else the test above could not fail."""
    good = one(HEALTHY)
    inner = good["evidence"]
    changes: list[dict[str, Any]] = [
        {"schema": "gradtool.flow/2.0"}, {"extra": 1}, {"evidence": {}}, {"seconds": -1}, {"findings": [{}]},
        {"checklist": [{"title": "a", "state": "fine", "detail": ""}]},
        {"evidence": {**inner, "norm": None}}, {"evidence": {**inner, "parameters": [{"name": "a"}]}},
        {"evidence": {**inner, "extra": 1}},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(jsonschema.ValidationError):
            valid({**good, **change})


def test_nothing_of_the_evidence_is_left_out() -> None:
    """But for what stands in the record itself."""
    known = {field.name for field in dataclasses.fields(ModelEvidence)} - {"key", "framework", "version", "seed"}
    assert set(one(HEALTHY)["evidence"]) == known
    found = one(EXPERIMENTS)["evidence"]
    assert found["clipped"] == {"limit": 1.0, "before": 4221.95, "after": 0.99999976, "own": 0.99999976}
    assert [step["norm"] for step in found["steps"]][:2] == [4221.95, 122468.0]
    assert found["accumulated"]["reasons"] == ["BatchNorm sees each part alone"]
    assert one(REFUTED)["evidence"]["verified"]["wrong"][0]["index"] == [3, 4]


def test_the_record_says_what_repeats_the_run() -> None:
    found = one(ILL)
    assert (found["schema"], found["target"], found["framework"]) == ("gradtool.flow/1.0", "model.py", "torch")
    assert (found["versions"], found["seed"]) == ({"torch": "2.13.0"}, 0)
    assert (found["command"], found["seconds"]) == ("gradtool flow model.py --seed 0", 1.25)
    assert [item["code"] for item in found["findings"]] == [item.code for item in ILL.findings]
    assert found["findings"][1]["source"] == "model.py:12"
    assert {item["state"] for item in found["checklist"]} <= set(STATES)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_round_trips(value: float) -> None:
    made = evidence([parameter("x", (), value)], loss=Loss(value, ""), norm=value)
    found = one(record(made))["evidence"]
    assert {float(number).hex() for number in (found["norm"], found["loss"]["value"])} == {value.hex()}
    assert float(found["parameters"][0]["gradient"]["norm"]).hex() == value.hex()


@pytest.mark.parametrize(("value", "text"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_what_is_no_finite_number_is_a_word(value: float, text: str) -> None:
    made = evidence([parameter("x", (), 1.0)], loss=Loss(value, ""), norm=value)
    found = one(record(made))["evidence"]
    assert (found["norm"], found["loss"]["value"]) == (text, text)


def test_failures_and_problems_have_their_places() -> None:
    assert one(FAILED)["evidence"] is None
    assert one(FAILED)["failures"][0]["reason"] == "file"
    assert one(UNREADABLE)["problems"][0]["hint"] == "model.py:A"


def test_ascii_terminals_get_ascii_json() -> None:
    item = record(evidence([parameter("ψ数", (), 1.0)]))
    assert told(item, "json", unicode=False).isascii()
    assert "ψ数" in told(item, "json")
