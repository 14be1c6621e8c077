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


CALLABLES = """
import torch

X = torch.tensor([1.0, -2.0], dtype=torch.float64)

def gradtool_inputs():
    return (X,)

def square(x): return x**2, {"rest": x.sum()}

def cut(x): return x.detach() * 3

def complicated(x): return torch.complex(x, x).abs()

class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x * 3

class Doubled(Own):
    @staticmethod
    def backward(ctx, g): return g * 6

class Straight(Own):
    @staticmethod
    def backward(ctx, g): return g

Straight_surrogate = True

class Raising(Own):
    @staticmethod
    def backward(ctx, g): raise ValueError("no")

class NotNumbers(Own):
    @staticmethod
    def backward(ctx, g): return g * float("nan")

def refused(x): raise KeyError("x")

def many(x): return x.repeat(100).cumsum(0)
many_inputs = (torch.linspace(1, 2, 100, dtype=torch.float64),)
"""


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


@pytest.mark.parametrize("options", [("--order", "2"), ("--against", "gradcheck")], ids=lambda options: options[0])
def test_records_of_callables_validate_whatever_is_wrong_with_them(
    cli: Callable[..., Any], tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "ops.py").write_text(CALLABLES, encoding="utf-8")
    result = cli("check", str(tmp_path / "ops.py"), *options, "--format", "jsonl")
    records = {record["name"]: record for record in map(json.loads, result.out.splitlines())}
    for record in records.values():
        jsonschema.validate(record, SCHEMA)
    told = {name: record["verdict"] for name, record in records.items()}
    asked = {"square", "Doubled", *["Raising"] * ("--order" in options)}  # gradcheck has nothing to look at there
    assert told["square"] == told["complicated"] == told["many"] == "verified"
    assert told["cut"] == told["Doubled"] == told["Raising"] == "wrong"
    assert told["NotNumbers"] == "unstable"
    assert "GT208" in {finding["code"] for finding in records["Raising"]["findings"]}
    assert records["Straight"]["callable"]["surrogate"]
    assert [finding["code"] for finding in records["Straight"]["findings"]] == ["GT232"]
    assert all(shlex.join(options) in record["command"] for name, record in records.items() if name in asked)
    assert records["refused"]["problems"]
    assert records["square"]["callable"]["inputs"] == [
        {"name": "x", "shape": [2], "dtype": "float64", "differentiated": True}
    ]
    assert result.code == 1


def test_the_command_in_a_record_of_a_callable_repeats_it(cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "ops.py"
    path.write_text("import torch\ndef scaled(x, y): return torch.sin(x) * y\n", encoding="utf-8")
    options = ("--at", "x=normal(3),y=2", "--wrt", "y", "--upstream", "[1,-2,0.5]", "--dtype", "float32", "--seed", "7")
    first = cli("check", f"{path}:scaled", *options, "--json").json
    assert first["command"] != cli("check", f"{path}:scaled", "--json").json["command"]
    again = cli(*shlex.split(first["command"])[1:], "--json").json
    assert again["command"] == first["command"]
    assert (again["gradients"], again["point"]) == (first["gradients"], first["point"])
    assert [entry["variable"] for entry in first["gradients"]] == ["y"]
