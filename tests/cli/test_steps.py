"""gradtool check --steps and --graph, from the arguments to the exit code, against warm witnesses."""

from __future__ import annotations

import importlib.resources
import json
import math
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = json.loads(importlib.resources.files("gradtool.report").joinpath("check-1.0.schema.json").read_text("utf-8"))
FRAMEWORKS = pytest.mark.parametrize("framework", ["torch", "tensorflow"])


def steps(cli: Any, *arguments: str) -> dict[str, Any]:
    """The steps by their texts, from a record that follows the schema."""
    record = cli("check", *arguments, "--steps", "--json").json
    jsonschema.validate(record, SCHEMA, jsonschema.Draft202012Validator)
    return {step["text"]: step for step in record["steps"]}


@FRAMEWORKS
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_chain_of_sin_x_squared(cli: Any, framework: str, dtype: str) -> None:
    """At 4: value sin 16, d/d(x**2) = cos 16, dx = 8 cos 16."""
    run = cli("check", "sin(x**2)", "--at", "x=4", "--steps", "--framework", framework, "--dtype", dtype)
    assert (run.code, run.err) == (0, "")
    told = " ".join(run.out.replace("│", "").split())
    cosine = {"float64": "-0.95765948032338464", "float32": "-0.95765948"}[dtype]
    assert f"local cos(x**2) = {cosine} adjoint 1 * {cosine} = {cosine}" in told
    assert f"local 2*x = 8 adjoint {cosine} * 8 = -7.6612758" in told
    names = {"torch": ("SinBackward0", "PowBackward1", "AccumulateGrad"), "tensorflow": ("Sin", "Pow", "tape.watch")}
    for kind, name in zip(("output", "intermediate", "leaf"), names[framework], strict=True):
        assert f"{kind}, {name}" in told
    assert "2 constant" in told


@FRAMEWORKS
def test_paths_meet_and_add(cli: Any, framework: str) -> None:
    """x**2*y + x*y**2 + x at (2, 3): df/dx = 2xy + y**2 + 1 = 12 + 9 + 1, df/dy = x**2 + 2xy = 4 + 12."""
    arguments = ("x**2*y + x*y**2 + x", "--at", "x=2,y=3", "--framework", framework)
    told = " ".join(cli("check", *arguments, "--steps").out.split())
    assert "paths meet 12 + 9 + 1 = 22" in told
    assert "paths meet 4 + 12 = 16" in told
    x = steps(cli, *arguments)["x"]
    assert [path["contribution"] for path in x["paths"]] == ["12", "9", "1"]
    assert [path["formula"] for path in x["paths"]] == ["2*x", "y**2", "1"]
    assert (x["adjoint"], x["retained"], x["kind"], x["verdict"]) == ("22", 22.0, "leaf", "verified")


@FRAMEWORKS
def test_a_neuron(cli: Any, framework: str) -> None:
    """tanh(w*x + b) at w*x + b = 0.5: the adjoint of the sum is 1 - tanh(0.5)**2."""
    found = steps(cli, "tanh(w*x + b)", "--at", "w=0.5,x=2,b=-0.5", "--wrt", "w,b", "--framework", framework)
    slope = 1 - math.tanh(0.5) ** 2
    assert float(found["w*x + b"]["adjoint"]) == pytest.approx(slope, rel=1e-15)
    assert found["w*x + b"]["retained"] == pytest.approx(slope, rel=1e-14)
    assert float(found["w"]["adjoint"]) == pytest.approx(2 * slope, rel=1e-15)
    assert found["x"]["kind"] == "constant"


@FRAMEWORKS
def test_a_layer_of_a_network(cli: Any, framework: str) -> None:
    """mean((X @ W - T)**2) with X W - T = [[1], [2]]: adjoints G = 2 (X W - T)/2 of the product, X.T G of W."""
    at = "X=[[1,0],[0,1]],W=[[3],[5]],T=[[2],[3]]"
    found = steps(cli, "mean((X @ W - T)**2)", "--at", at, "--wrt", "W", "--framework", framework)
    assert found["(X @ W - T)**2"]["adjoint"] == [["0.5"], ["0.5"]]
    assert found["X @ W"]["adjoint"] == found["W"]["adjoint"] == [["1"], ["2"]]
    assert found["W"]["retained"] == [[1.0], [2.0]]
    (path,) = found["W"]["paths"]
    assert (path["rule"], path["local"]) == ("X.T @ G", [[[["1"], ["0"]]], [[["0"], ["1"]]]])


def test_softmax_is_one_node(cli: Any) -> None:
    found = steps(cli, "softmax(x)[0]", "--at", "x=[0,0]")
    assert list(found) == ["x", "softmax(x)", "softmax(x)[0]"]
    assert found["x"]["paths"][0]["local"] == [["0.25", "-0.25"], ["-0.25", "0.25"]]
    assert found["softmax(x)"]["framework_node"] == "SoftmaxBackward0"


def test_an_upstream_gradient_is_the_adjoint_of_the_output(cli: Any) -> None:
    found = steps(cli, "x**2", "--at", "x=[1,2]", "--upstream", "[10,0]")
    assert (found["x**2"]["adjoint"], found["x"]["retained"]) == (["10", "0"], [20.0, 0.0])


def test_without_a_point_one_is_drawn(cli: Any) -> None:
    record = cli("check", "log(x)*y", "--steps", "--seed", "3", "--json").json
    assert record["steps"]
    again = cli(*shlex.split(record["command"])[1:], "--json").json
    assert again["steps"] == record["steps"]


def test_nothing_is_traced_without_the_option(cli: Any) -> None:
    assert cli("check", "x**2", "--at", "x=3", "--json").json["steps"] == []


def test_nan_is_localised(cli: Any) -> None:
    run = cli("check", "log(1 + exp(x))", "--at", "x=1000", "--steps")
    assert run.code == 1
    told = " ".join(run.out.split())
    assert "inf enters here, in the value: exp overflows float64" in told
    assert "PyTorch nan, unstable → nan enters here, on the way back through exp" in told


@pytest.mark.parametrize(
    ("suffix", "begins"), [(".mmd", "flowchart BT\n"), (".dot", "digraph chain {\n"), (".DOT", "digraph")]
)
def test_a_graph_goes_to_a_file_and_the_report_to_stdout(cli: Any, tmp_path: Path, suffix: str, begins: str) -> None:
    path = tmp_path / f"chain{suffix}"
    run = cli("check", "sin(x**2)", "--at", "x=4", "--graph", str(path))
    assert (run.code, run.err) == (0, "")
    assert path.read_text(encoding="utf-8").startswith(begins)
    assert "The chain rule" in run.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x**2", "--at", "x=1:3:3"), "--steps tells one point, and there are 3"),
        (("x**2", "--at", "x=1", "--hessian"), "of a plain gradient"),
        (("x**2", "--at", "x=1", "--jacobian"), "of a plain gradient"),
        (("x**2", "--at", "x=1", "--order", "2"), "of a plain gradient"),
        (("sum(x**2)", "--at", "x=ones(20001)"), "too large to be told node by node"),
        (("+".join(["2*x"] * 100), "--at", "x=1"), "too large to be told node by node"),
        (("x**2", "--at", "x=1", "--graph", "chain.png"), "a graph is a .mmd or a .dot file"),
        (("x**2", "--at", "x=1", "--graph", "no/such/folder/chain.dot"), "there is no folder"),
        (("x^2", "--at", "x=1"), "a power is written **"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_told_is_said_before_anything_runs(cli: Any, arguments: tuple[str, ...], said: str) -> None:
    run = cli("check", *arguments, "--steps")
    assert (run.code, run.out) == (2, "")
    assert said in " ".join(run.err.split())


def test_a_suite_has_no_steps(cli: Any) -> None:
    run = cli("check", "-", "--at", "x=1", "--steps", stdin="x**2\nsin(x)\n")
    assert (run.code, run.out) == (2, "")
    assert "no suite" in run.err


def test_a_folder_is_no_file_for_a_graph(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "chain.dot").mkdir()
    run = cli("check", "x**2", "--at", "x=1", "--graph", str(tmp_path / "chain.dot"))
    assert (run.code, "it is a folder" in " ".join(run.err.split())) == (2, True)
