"""The report on two models: everything is there at every width, the worst first to be seen, JSON as published."""

from __future__ import annotations

import importlib.resources
import json
import re
from collections import Counter
from typing import Any

import jsonschema
import pytest
from handmade_pairing import (
    ALONE,
    APART,
    BY_LOSS,
    FAILED,
    FROZEN,
    HEALTHY,
    HOSTILE,
    LONG,
    NO_SETTING,
    NOT_FINITE,
    ROUNDED,
    SAME_NAMES,
    SETS,
    UNPAIRED,
    told,
)
from rich.cells import cell_len

SCHEMA = json.loads(
    importlib.resources.files("gradtool.report.pairing")
    .joinpath("compare-models-1.0.schema.json")
    .read_text(encoding="utf-8")
)
EVERY = pytest.mark.parametrize("name", SETS)
AT_WIDTHS = pytest.mark.parametrize("width", [40, 80, 120])
ABOVE = {"PyTorch", "Keras", "shape", "map", "flag", "parameter", "layer", "on"}
"""Heads of the columns that stand on lines of their own in a narrow table."""


def valid(document: Any) -> None:
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)


def words(text: str) -> Counter[str]:
    return Counter(word for word in text.split() if set(word) != {"-"})


def flat(text: str) -> str:
    return " ".join(text.split())


# ---- for people


@EVERY
@AT_WIDTHS
def test_no_word_and_no_number_is_lost_or_cut(name: str, width: int) -> None:
    """Each is what it is where there is room for everything."""
    report, wide = words(told(SETS[name], "table", width)), words(told(SETS[name], "table", 2000))
    assert report - wide == Counter()
    assert set(wide - report) <= ABOVE


@EVERY
@AT_WIDTHS
def test_no_line_is_longer_than_the_width(name: str, width: int) -> None:
    """But for a single word that cannot be broken."""
    lines = told(SETS[name], "table", width).split("\n")
    assert [line for line in lines if cell_len(line) > width and " " in line.strip()] == []


@EVERY
def test_colour_adds_escape_codes_and_nothing_else(name: str) -> None:
    plain, coloured = told(SETS[name]), told(SETS[name], colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_the_map_is_told_parameter_by_parameter() -> None:
    lines = [flat(line) for line in told(HEALTHY, width=140).splitlines()]
    assert "PyTorch shape Keras shape map float64 floor float32 floor flag" in lines
    assert "a.weight 3x2 a/kernel 2x3 transposed 1e-16 1e-09 1e-07 2e-07" in lines
    assert lines[-1] == "✓ the models agree: no findings; 2 parameters and 2 layers compared (1.2 s)"


def test_names_that_are_the_same_on_both_sides_are_told_once() -> None:
    lines = [flat(line) for line in told(SAME_NAMES, width=140).splitlines()]
    assert "parameter shape map float64 floor float32 floor flag" in lines
    assert "a.weight 3x2 same 1e-16 1e-09 1e-07 2e-07" in lines
    assert "a (Linear) 1e-16 1e-16 1e-07 1e-07" in lines


def test_the_first_layer_that_differs_is_told_with_what_is_set_differently() -> None:
    report = told(APART)
    lines = [flat(line) for line in report.splitlines()]
    assert "where they part first: b / B" in lines
    assert "epsilon 1e-05 0.001" in lines
    assert "b (Linear) B (Dense) 0.004 1e-16 1e-07 1e-07 first apart" in lines
    assert "c (Linear) C (Dense) 0.005 1e-16 1e-07 1e-07 apart" in lines
    assert "c / C: slope not set in PyTorch, 0.3 in Keras" in lines
    assert "error GT320 layers-differ, b / B (t.py:7): everything before agrees" in flat(report)
    assert lines[-1].startswith("✗ the models differ: 1 error;")


def test_what_is_known_of_the_reason_is_told_and_no_more() -> None:
    assert "no setting is known to differ" in told(NO_SETTING)
    report = flat(told(ALONE))
    assert "only PyTorch runs Tanh (t.py:8) before it" in report
    assert "only Keras runs Flatten before it" in report


FLAGS = {
    "no partner": UNPAIRED,
    "no gradient in Keras": FROZEN,
    "beyond rounding": ROUNDED,
    "✗ the models differ: 1 error": UNPAIRED,
    "! the models agree: 1 warning": ROUNDED,
    "set differently, without a difference here": UNPAIRED,
    "2 in PyTorch, 8 in Keras, 0.5 apart in float64": BY_LOSS,
    "not compared: pair.py has no function keras_model()": FAILED,
    "→ define it": FAILED,
}


@pytest.mark.parametrize("text", FLAGS)
def test_what_is_to_be_seen_is_told(text: str) -> None:
    assert text in flat(told(FLAGS[text], width=200))
    assert text not in flat(told(HEALTHY, width=200))


def test_of_a_large_model_the_worst_and_a_count_are_shown() -> None:
    report = told(LONG, width=160)
    shown = re.findall(r"^ +part\.(\d+)\.weight", report, re.MULTILINE)
    assert len(shown) == 24
    assert {"77", "99", "98"} < set(shown)
    assert shown == sorted(shown, key=int)
    assert "and 76 more parameters, at most 7.6e-15 apart in float64: --all shows each" in report
    layers = re.findall(r"^ +part\.(\d+) \(Linear\)", report, re.MULTILINE)
    assert layers == [str(place) for place in range(73, 96)]
    assert "and 77 more layers" in report
    every = told(LONG, width=160, every=True)
    assert len(re.findall(r"^ +part\.\d+\.weight", every, re.MULTILINE)) == 100
    assert "--all" not in every


@EVERY
def test_markdown_tells_the_same_in_tables_of_even_rows(name: str) -> None:
    report = told(SETS[name], "markdown")
    for table in re.findall(r"(?:^\|.*\n)+", report, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1
    assert (report.count("\n|---") >= 2) == (SETS[name] is not FAILED)
    assert "\x1b" not in report
    assert flat(told(SETS[name]).splitlines()[-1]) in report


def test_markup_in_names_is_no_markup() -> None:
    assert "[/red]w[0]" in told(HOSTILE)
    assert "\\[/red\\]w\\[0\\]" in told(HOSTILE, "markdown")


# ---- for programs


@pytest.mark.parametrize("form", ["json", "jsonl"])
@EVERY
def test_every_record_follows_the_published_schema(name: str, form: str) -> None:
    text = told(SETS[name], form)
    valid(json.loads(text))
    assert form == "json" or text.count("\n") == 1


def test_the_schema_refuses_what_is_no_record() -> None:
    """Else the test above could not fail."""
    good = json.loads(told(APART, "json"))
    inner = good["evidence"]
    changes: list[dict[str, Any]] = [
        {"schema": "gradtool.compare-models/2.0"}, {"extra": 1}, {"evidence": {}}, {"seconds": -1}, {"findings": [{}]},
        {"agree": "yes"}, {"first": {"left": "a"}}, {"dtype": "bfloat16"},
        {"evidence": {**inner, "parameters": [{**inner["parameters"][0], "missing": "both"}]}},
        {"evidence": {**inner, "layers": [{**inner["layers"][0], "outputs": [{"dtype": "float64"}]}]}},
        {"evidence": {**inner, "left": {**inner["left"], "inputs": "guessed"}}},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(jsonschema.ValidationError):
            valid({**good, **change})


def test_json_says_who_is_apart_and_by_what_limit() -> None:
    record = json.loads(told(APART, "json"))
    assert (record["agree"], record["first"]) == (False, {"left": "b", "right": "B"})
    assert [row["apart"] for row in record["evidence"]["layers"]] == [False, True, True, True]
    (wide, narrow) = record["evidence"]["parameters"][0]["gradients"]
    assert (wide["difference"], wide["floor"], wide["limit"]) == (1e-3, 1e-9, 1e-7)
    assert narrow["limit"] == pytest.approx(2**-11.5)  # half the digits of float32
    assert json.loads(told(HEALTHY, "json"))["agree"] is True
    assert json.loads(told(FAILED, "json"))["agree"] is None


def test_numbers_that_are_not_finite_are_words() -> None:
    evidence = json.loads(told(NOT_FINITE, "json"))["evidence"]
    assert evidence["parameters"][0]["gradients"][0]["difference"] == "nan"
    assert evidence["layers"][0]["outputs"][0]["difference"] == "inf"
