"""``gradtool compare`` on the command line: formats, suites, sweeps, pictures, exit codes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import gradtool.pipeline.compare
import gradtool.report.compare

Cli = Callable[..., Any]
SCHEMA = json.loads(
    (Path(gradtool.report.compare.__file__).parent / "compare-1.0.schema.json").read_text(encoding="utf-8")
)
AGREED = ("compare", "x**2 * sin(y)", "--at", "x=2,y=3")


def test_two_frameworks_that_agree_exit_with_0(cli: Cli) -> None:
    run = cli(*AGREED)
    assert (run.code, run.err) == (0, "")
    assert "PyTorch and TensorFlow agree: the same numbers" in run.out
    assert "f   0.5644800322394689" in run.out  # 4 sin 3
    assert "✓ 2 gradient entries: 2 same" in run.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("gelu(x)", "--at", "x=1"), 1),
        (("gelu(x)", "--at", "x=1", "--exit-zero"), 0),
        (("max(x, 0)", "--at", "x=0"), 3),
        (("relu(x)", "--at", "x=0"), 0),
        (("sni(x)",), 2),
        (("x", "--order", "2", "--hessian"), 2),
        (("x", "--json", "--format", "markdown"), 2),
        (("x**2", "--at", "x=1", "--plot", "-"), 2),
        (("x*y", "--at", "x=1e200,y=1e-200"), 0),
        (("x*y", "--at", "x=1e200,y=1e-200", "--strict"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_exit_codes(cli: Cli, arguments: tuple[str, ...], code: int) -> None:
    assert cli("compare", *arguments).code == code


@pytest.mark.parametrize(
    "arguments",
    [
        ("x**2 * sin(y)", "--at", "x=2,y=3"), ("gelu(x)", "--at", "x=1"), ("max(x, 0)", "--at", "x=0"),
        ("x**0", "--at", "x=0"), ("log(x)", "--at", "x=-1"), ("exp(x)", "--at", "x=1000"),
        ("softmax(x)", "--at", "x=[1,2,3]", "--jacobian"), ("x**3*y", "--at", "x=1,y=2", "--hessian"),
        ("x**4", "--at", "x=2", "--order", "3"), ("[x, x*y]", "--at", "x=1,y=2", "--upstream", "[1,2]", "--wrt", "y"),
        ("floor(x)", "--at", "x=1.5"), ("x/3", "--at", "x=0.1", "--dtype", "float32"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_record_validates_and_its_command_repeats_it(cli: Cli, arguments: tuple[str, ...]) -> None:
    record = cli("compare", *arguments, "--json").json
    jsonschema.validate(record, SCHEMA)
    again = cli(*shlex.split(record["command"])[1:], "--json").json
    assert record["gradients"] == again["gradients"]
    assert record["value"] == again["value"]


def test_a_record_holds_both_numbers_and_the_truth(cli: Cli) -> None:
    (pair,) = cli("compare", "max(x, 0)", "--at", "x=0", "--json").json["gradients"]
    assert (pair["torch"]["autodiff"], pair["tensorflow"]["autodiff"]) == (0.5, 1.0)
    assert (pair["symbolic"], pair["left"], pair["right"], pair["absolute"], pair["ulp"]) == (None, "0", "1", 0.5, None)
    assert pair["verdict"] == "convention"


def test_a_suite_goes_on_after_a_bad_line(cli: Cli) -> None:
    suite = '{"name": "good", "expression": "x**2", "at": {"x": "3"}}\nx^2\nsin(x)\n'
    run = cli("compare", "-", "--format", "jsonl", stdin=suite)
    records = [json.loads(line) for line in run.out.splitlines()]
    for record in records:
        jsonschema.validate(record, SCHEMA)
    assert [bool(record["problems"]) for record in records] == [False, True] + [False] * 5
    assert run.code == 2


def test_a_sweep_is_told_in_stretches(cli: Cli) -> None:
    run = cli("compare", "softplus(x)", "--at", "x=0:40:41")
    told = " ".join(run.out.split())
    assert run.code == 1
    assert "41 points, x in [0, 40]: 13 one_right," in told
    assert "x in [21, 33] one_right, 13 points" in told
    assert "they differ, and TensorFlow is right: the derivative is 0.9999999992" in told
    assert "TensorFlow: largest verified error:" in told


def test_a_sweep_is_drawn_with_the_errors_of_both(cli: Cli, tmp_path: Path) -> None:
    run = cli("compare", "softplus(x)", "--at", "x=0:40:41", "--plot", str(tmp_path / "errors.svg"))
    assert run.code == 1
    picture = (tmp_path / "errors.svg").read_text(encoding="utf-8")
    for text in ("softplus(x)", "PyTorch", "TensorFlow", "exact", "one_right", "error in ulp"):
        assert f"<!-- {text} -->" in picture


@pytest.mark.parametrize("width", ["40", "80", "120"])
def test_a_sweep_is_drawn_in_the_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = cli("compare", "softplus(x)", "--at", "x=0:40:41", "--plot", "-").out.splitlines()
    assert max(map(len, lines)) <= int(width)
    text = "\n".join(lines)
    for part in ("∂f/∂x", "PyTorch, error in ulp", "TensorFlow, error in ulp", "1 one_right"):
        assert part in text


def test_a_picture_of_two_swept_variables_is_refused_before_any_work(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was refused behind the report, when everything had been compared."""
    monkeypatch.setattr(gradtool.pipeline.compare, "open_witnesses", None)
    run = cli("compare", "x*y", "--at", "x=0:1:3,y=0:1:3", "--plot", "-")
    assert (run.code, run.out) == (2, "")
    assert "room for one variable that changes" in " ".join(run.err.split())


def test_with_one_framework_it_is_a_check(cli: Cli) -> None:
    run = cli("compare", "x**2", "--at", "x=3", "--frameworks", "tensorflow", "--json")
    assert (run.code, run.json["schema"], run.json["framework"]) == (0, "gradtool.check/1.0", "tensorflow")


def test_the_report_goes_to_a_file(cli: Cli, tmp_path: Path) -> None:
    run = cli(*AGREED, "-o", str(tmp_path / "report.txt"))
    assert (run.code, run.out) == (0, "")
    assert "2 same" in (tmp_path / "report.txt").read_text(encoding="utf-8")


def test_a_leading_minus_is_no_option(cli: Cli) -> None:
    assert cli("compare", "-x**2", "--at", "x=3").code == 0
