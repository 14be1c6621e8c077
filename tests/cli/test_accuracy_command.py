"""``gradtool compare`` without an expression: every operation at its own points; here a handful, through all of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import gradtool.cli.run_accuracy
import gradtool.report.accuracy
import gradtool.report.compare
from gradtool.target.operations import OPERATIONS

Cli = Callable[..., Any]
FEW = {name: OPERATIONS[name] for name in ("exp", "gelu", "softplus", "relu", "mean")}


@pytest.fixture
def few(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setattr(gradtool.cli.run_accuracy, "OPERATIONS", FEW)
    return cli


def test_the_table_has_a_row_for_each_operation_and_dtype_and_names_the_worst(few: Cli) -> None:
    run = few("compare", "--frameworks", "both")
    assert (run.code, run.err) == (1, "")
    for expression in ("exp(x)", "gelu(x)", "softplus(x)", "relu(x)", "mean(x)"):
        assert len([line for line in run.out.splitlines() if line.startswith(f"  {expression}  ")]) == 2, expression
    assert "TensorFlow 2.21.0, float64" in run.out
    assert "TensorFlow 2.21.0, float32" in run.out
    flat = " ".join(run.out.split())
    assert "tf.nn.gelu passes 1/sqrt(2) through float32" in flat
    assert "PyTorch's softplus is the straight line x above 20" in flat
    assert "gradtool compare 'softplus(x)' --at x=25.0 --dtype float64" in flat
    assert "✗ 5 operations at 174 points in float64 and float32: 2 with a gradient or value that is off" in flat


def test_a_printed_command_repeats_what_it_stands_for(few: Cli) -> None:
    (spot,) = [
        row["spots"]["one_right"]
        for row in few("compare", "--dtype", "float64", "--json").json["operations"]
        if row["operation"] == "softplus"
    ]
    program, *arguments = shlex.split(spot["command"])
    record = few(*arguments, "--json").json
    assert program == "gradtool"
    (gradient,) = record["gradients"]
    assert gradient["verdict"] == "one_right"
    assert gradient["torch"]["autodiff"] == spot["torch"]["autodiff"] == 1.0
    assert gradient["torch"]["ulp"] == spot["torch"]["ulp"]


def test_json_holds_a_row_for_each_operation_with_its_worst_spots(few: Cli) -> None:
    document = few("compare", "--frameworks", "both", "--dtype", "float32", "--json").json
    schema = Path(gradtool.report.accuracy.__file__).parent / "accuracy-1.0.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text(encoding="utf-8")))
    assert document["versions"]["tensorflow"] == "2.21.0"
    rows = {row["operation"]: row for row in document["operations"]}
    assert [*rows] == [*FEW]
    assert {row["dtype"] for row in rows.values()} == {"float32"}
    assert rows["exp"]["verdict"] in ("rounding", "same")
    assert all(0 <= error < 2 for error in rows["exp"]["ulp"].values())
    assert rows["relu"]["counts"]["same_convention"] == 2  # 0 and -0
    assert rows["gelu"]["spots"]["one_right"]["at"] == {"x": "-8.6"}


def test_one_record_a_line_is_that_of_a_comparison(few: Cli, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    few("compare", "--frameworks", "both", "--dtype", "float64", "--format", "jsonl", "-o", str(file))
    schema = Path(gradtool.report.compare.__file__).parent / "compare-1.0.schema.json"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(records) == 87
    jsonschema.validate(records[0], json.loads(schema.read_text(encoding="utf-8")))
    assert {record["name"] for record in records} == {*FEW}


def test_markdown_is_a_page_with_the_date_and_the_versions(few: Cli) -> None:
    text = few("compare", "--frameworks", "both", "--format", "markdown", "--exit-zero").out
    first, *_ = text.splitlines()
    assert first.startswith("PyTorch 2.13.0")
    assert first.endswith(".")
    assert "\n## float64\n" in text
    assert "| `gelu(x)` | 19 |" in text
    assert "- relu" not in text  # a convention that both share


@pytest.mark.parametrize(
    ("framework", "ill", "well"), [("torch", "softplus", "gelu"), ("tensorflow", "gelu", "softplus")]
)
def test_one_framework_is_compared_with_the_truth(few: Cli, framework: str, ill: str, well: str) -> None:
    run = few("compare", "--frameworks", framework, "--dtype", "float64", "--json")
    rows = {row["operation"]: row for row in run.json["operations"]}
    assert run.code == 1
    assert rows[ill]["verdict"] == "wrong"
    assert "wrong" not in rows[well]["counts"]
    assert [*rows[ill]["ulp"]] == [framework]
    assert rows[ill]["spots"]["wrong"]["command"].endswith(f"--frameworks {framework}")


def test_healthy_operations_end_with_0(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradtool.cli.run_accuracy, "OPERATIONS", {"sin": OPERATIONS["sin"]})
    monkeypatch.setattr("gradtool.target.own_points.ORDINARY", (0.7,))
    run = cli("compare", "--dtype", "float32")
    assert "0 with a gradient or value that is off" in run.out
    assert "worst offenders" not in run.out


@pytest.mark.parametrize(
    "option",
    [
        ("--at", "x=1"), ("--wrt", "x"), ("--order", "2"), ("--order", "0"), ("--hessian",), ("--jacobian",),
        ("--upstream", "1"), ("--plot", "-"), ("--code",), ("--modes",), ("--timing",), ("--absolute",),
    ],
)  # fmt: skip
def test_what_needs_an_expression_says_so(cli: Cli, option: tuple[str, ...]) -> None:
    """--absolute and --order 0 were passed over without a word, and every operation was compared."""
    run = cli("compare", "--frameworks", "both", *option)
    assert (run.code, run.out) == (2, "")
    assert f"{option[0]} needs an expression" in run.err


@pytest.mark.parametrize("option", [("--mode", "eval"), ("--select", "GT320"), ("--ignore", "GT320"), ("--all",)])
def test_what_needs_models_says_so(cli: Cli, option: tuple[str, ...]) -> None:
    """They were passed over without a word, and every operation was compared."""
    run = cli("compare", *option)
    assert (run.code, run.out) == (2, "")
    assert f"{option[0]} needs models' files" in run.err
