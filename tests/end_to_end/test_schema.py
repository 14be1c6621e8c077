"""JSON output follows its committed schema, whatever the verdict."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import gradtool.report

SCHEMA = json.loads((Path(gradtool.report.__file__).parent / "check-1.0.schema.json").read_text(encoding="utf-8"))

CASES = [
    ("x**2 + 2*x + 1", "x=3"),
    ("log(1 + exp(x))", "x=1000"),
    ("abs(x)", "x=0"),
    ("sqrt(x)", "x=0"),
    ("sin(x)/x", "x=0"),
    ("exp(x)", "x=1000"),
    ("exp(exp(exp(x)))", "x=100"),
    ("softplus(x)", "x=21"),
    ("x*y", "x=1e200,y=1e-200"),
]


@pytest.mark.parametrize(("expression", "point"), CASES)
def test_a_record_validates(cli: Callable[..., Any], expression: str, point: str) -> None:
    record = cli("check", expression, "--at", point, "--json").json
    jsonschema.validate(record, SCHEMA)


def test_several_points_are_an_array_of_records(cli: Callable[..., Any]) -> None:
    records = cli("check", "x**2", "--json").json
    assert len(records) == 5
    for record in records:
        jsonschema.validate(record, SCHEMA)


def test_each_line_of_a_suite_is_a_record_and_a_bad_line_is_one_too(cli: Callable[..., Any]) -> None:
    result = cli("check", "-", "--at", "x=2", "--format", "jsonl", stdin="x**2\nx^2\nsin(x)\n")
    records = [json.loads(line) for line in result.out.splitlines()]
    for record in records:
        jsonschema.validate(record, SCHEMA)
    assert [bool(record["problems"]) for record in records] == [False, True, False]
    assert result.code == 2


def test_the_command_in_a_record_repeats_it(cli: Callable[..., Any]) -> None:
    first = cli("check", "sin(x*y)", "--at", "x=0.1,y=3", "--wrt", "y", "--dtype", "float32", "--json").json
    again = cli(*shlex.split(first["command"])[1:], "--json").json
    assert first["gradients"] == again["gradients"]
    assert first["value"] == again["value"]
