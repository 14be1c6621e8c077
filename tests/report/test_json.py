"""JSON: every figure round-trips, and the document says what a program needs to repeat the run."""

from __future__ import annotations

import importlib.resources
import json
import math
import shlex
from typing import Any

import jsonschema
import pytest
from handmade import FAILED, FIVE, HOSTILE, KINK, SETS, SUITE, UNDEFINED, UNREADABLE, UNSTABLE, VERIFIED, record, told
from hypothesis import given, settings
from hypothesis import strategies as st

from gradtool.verdict.record import Entry

FORMS = pytest.mark.parametrize("form", ["json", "jsonl"])


def entry(autodiff: float | None = 1.0, **cells: Any) -> Entry:
    return Entry("x", autodiff, "verified", "equals", **cells)


def one(item: Any) -> Any:
    """The document on one record."""
    return json.loads(told([item], "json"))


@FORMS
@pytest.mark.parametrize("name", SETS)
def test_every_record_follows_the_published_schema(name: str, form: str) -> None:
    schema = json.loads(
        importlib.resources.files("gradtool.report").joinpath("check-1.0.schema.json").read_text("utf-8")
    )
    text = told(SETS[name], form)
    documents = [json.loads(line) for line in text.splitlines()] if form == "jsonl" else json.loads(text)
    documents = documents if isinstance(documents, list) else [documents]
    assert len(documents) == len(SETS[name])
    for document in documents:
        jsonschema.validate(document, schema, jsonschema.Draft202012Validator)


def test_the_schema_refuses_what_is_no_record() -> None:
    """Else the test above could not fail."""
    schema = json.loads(
        importlib.resources.files("gradtool.report").joinpath("check-1.0.schema.json").read_text("utf-8")
    )
    good = one(VERIFIED)
    changes: list[dict[str, Any]] = [
        {"value": None, "verdict": "fine"}, {"value": "three"}, {"gradients": [{}]}, {"extra": 1}, {"nan": -1},
        {"gradients": [{**good["gradients"][0], "verdict": "ok"}]}, {"schema": "gradtool.check/2.0"},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**good, **change}, schema, jsonschema.Draft202012Validator)


def test_one_record_is_an_object_and_several_are_an_array() -> None:
    assert isinstance(one(VERIFIED), dict)
    assert isinstance(json.loads(told([VERIFIED], "json")), dict)
    assert [item["target"] for item in json.loads(told(SUITE, "json"))] == [item.target for item in SUITE]
    assert json.loads(told([], "json")) == []


def test_json_lines_are_one_record_a_line() -> None:
    lines = told(FIVE, "jsonl").splitlines()
    assert [json.loads(line)["point"] for line in lines] == [dict(item.point) for item in FIVE]
    assert told([], "jsonl") == ""


@FORMS
@settings(derandomize=True, deadline=None, max_examples=200)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_round_trips(form: str, value: float) -> None:
    """Bit by bit, in every place a float has."""
    full = entry(value, finite_difference=value, finite_difference_bar=value, ulp=value, power=value)
    found = json.loads(told([record("x", full, point={"x": value}, value=value, norm=value)], form))
    gradient = found["gradients"][0]
    places = [found["value"], found["norm"], found["point"]["x"]]
    places += [gradient[key] for key in ("autodiff", "finite_difference", "finite_difference_bar", "ulp", "power")]
    assert {float(place).hex() for place in places} == {value.hex()}


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (None, None)], ids=str
)
def test_what_is_no_finite_number_is_a_word_or_null(value: float | None, text: str | None) -> None:
    full = entry(value, finite_difference=value, finite_difference_bar=value, ulp=value, power=value)
    found = one(record("x", full, value=value, norm=value))
    assert (found["value"], found["norm"]) == (text, text)
    keys = ("autodiff", "finite_difference", "finite_difference_bar", "ulp", "power")
    assert [found["gradients"][0][key] for key in keys] == [text] * 5


@pytest.mark.parametrize(
    ("exact", "text"),
    [
        ("2.00000000000000000000000000000000000", "2"),
        ("0.3333333333333333333333333333333333333333", "0.333333333333333333333333333333"),
        ("-1.234567890123456789012345678901234567e-400", "-1.23456789012345678901234567890e-400"),
        ("1e400", "1e+400"),
        ("0", "0"),
        ("-Infinity", "-inf"),
        (None, None),
    ],
)
def test_exact_numbers_are_texts_of_at_most_30_digits(exact: str | None, text: str | None) -> None:
    found = one(record("x", entry(symbolic=exact, left=exact, right=exact)))["gradients"][0]
    expected = text and text.replace("890e-400", "89e-400")
    assert (found["symbolic"], found["left"], found["right"]) == (expected, expected, expected)


def test_a_record_carries_all_its_figures() -> None:
    found = one(UNSTABLE)
    assert found["schema"] == "gradtool.check/1.0"
    assert (found["name"], found["target"], found["verdict"]) == (UNSTABLE.target, UNSTABLE.target, "unstable")
    assert (found["framework"], found["dtype"], found["seed"]) == ("torch", "float64", 0)
    assert (found["versions"], found["seconds"]) == ({"torch": "2.13.0", "sympy": "1.14.0"}, 0.123457)
    assert (found["nan"], found["inf"], found["formulas"]) == (1, 0, dict(UNSTABLE.formulas))
    assert [item["code"] for item in found["findings"]] == ["GT002", "GT013"]
    assert found["findings"][0]["remedy"] == UNSTABLE.findings[0].remedy
    first, second = found["gradients"]
    assert (first["variable"], first["index"], first["ulp"], first["power"]) == ("x", [], 67108864.0, 4e-8)
    assert (second["autodiff"], second["symbolic"], second["finite_difference"]) == ("nan", "1.5e-300", None)
    assert (first["reason"], second["reason"]) == ("9 of 16 digits are lost", "autodiff gives nan")


def test_kinks_holes_failures_and_problems_have_their_places() -> None:
    kink, hole, failed, unreadable = json.loads(told([KINK, UNDEFINED, FAILED, UNREADABLE], "json"))
    assert [kink["gradients"][0][key] for key in ("left", "right", "symbolic", "unconnected")] == [
        "-1",
        "1",
        None,
        True,
    ]
    assert (hole["value"], hole["norm"], hole["inf"]) == ("nan", None, 1)
    assert [failure["reason"] for failure in failed["failures"]] == ["timeout"]
    assert (unreadable["verdict"], unreadable["gradients"]) == (None, [])
    assert [(p["code"], p["span"]) for p in unreadable["problems"]] == [
        ("unknown-function", [0, 3]),
        ("symbol", [1, 2]),
    ]
    assert unreadable["problems"][0]["hint"] == "did you mean sin?"


@FORMS
def test_ascii_terminals_get_ascii_json(form: str) -> None:
    item = record("ψ*x", entry(), name="ψ数")
    assert told([item], form, unicode=False).isascii()
    assert "ψ数" in told([item], form)
    assert json.loads(told([item], form, unicode=False)) == json.loads(told([item], form))


@FORMS
def test_json_is_the_same_at_every_width_and_never_coloured(form: str) -> None:
    assert told(HOSTILE, form, 20, colour=True) == told(HOSTILE, form, 200)
    assert "\x1b" not in told(HOSTILE, form, colour=True)


@pytest.mark.parametrize(
    ("target", "point", "wrt", "words"),
    [
        ("x**2", {"x": 0.1}, ["x"], ["x**2", "--at", "x=0.1"]),
        ("-x*y", {"x": -1e-300, "y": 5e-324}, ["y"], ["-x*y", "--at", "x=-1e-300,y=5e-324", "--wrt", "y"]),
        ("where(x > 0, x, 1)", {"x": 2.0}, ["x"], ["where(x > 0, x, 1)", "--at", "x=2.0"]),
    ],
)
def test_the_command_repeats_the_record(target: str, point: dict[str, float], wrt: list[str], words: list[str]) -> None:
    """As the shell reads it: every word in one piece, every float exact."""
    entries = [Entry(name, 1.0, "verified", "") for name in wrt]
    command = one(record(target, *entries, point=point))["command"]
    rest = ["--framework", "torch", "--dtype", "float64", "--seed", "0"]
    assert shlex.split(command) == ["gradtool", "check", *words, *rest]
