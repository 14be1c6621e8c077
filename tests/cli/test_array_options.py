"""Arrays, Jacobians, Hessians and orders on the command line: what is asked, and what can't be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_an_array_comes_from_a_file_that_numpy_saved(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "w.npy"
    np.save(path, np.array([[1, 2], [3, 4]], dtype=np.float32))
    record = cli("check", "sum(W**2)", "--at", f"W=@{path}", "--json").json
    assert record["point"] == {"W": [[1, 2], [3, 4]]}
    assert [entry["autodiff"] for entry in record["gradients"]] == [2, 4, 6, 8]
    assert [entry["label"] for entry in record["gradients"]] == ["W[0,0]", "W[0,1]", "W[1,0]", "W[1,1]"]


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY", b"\x93NUMPY\x01\x00"], ids=repr)
def test_a_file_that_is_none_costs_one_clear_message(cli: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.npy"
    path.write_bytes(content)
    run = cli("check", "sum(W)", "--at", f"W=@{path}")
    assert run.code == 2
    assert "can't be read" in " ".join(run.err.split())


@pytest.mark.parametrize("kind", ["O", "U3", "complex128"])
def test_a_file_of_other_things_than_numbers_is_refused(cli: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "w.npy"
    np.save(path, np.array([1, 2]).astype(kind), allow_pickle=True)
    run = cli("check", "sum(W)", "--at", f"W=@{path}")
    assert run.code == 2
    assert "can't be read" in " ".join(run.err.split())


def test_random_arrays_follow_from_the_seed_and_the_name(cli: Any) -> None:
    def drawn(seed: str) -> Any:
        return cli("check", "sum(x*y)", "--at", "x=normal(3),y=normal(3)", "--seed", seed, "--json").json["point"]

    assert drawn("1") == drawn("1")
    assert drawn("1") != drawn("2")
    assert drawn("1")["x"] != drawn("1")["y"]


def test_the_command_of_a_record_repeats_it(cli: Any) -> None:
    first = cli("check", "sum(softmax(X @ w))", "--at", "X=normal(4,3),w=[1,2,0.5]", "--wrt", "w", "--json").json
    assert "X=normal(4,3)" in first["command"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x**2", "--at", "x=1", "--order", "6"), "order 6 can't be checked"),
        (("x**2", "--at", "x=1", "--order", "0"), "order 0 can't be checked"),
        (("sum(x)", "--at", "x=[1,2]", "--order", "2"), "x is an array"),
        (("x**2", "--at", "x=[1,2]", "--hessian"), "only a single number has those"),
        (("x", "--at", "x=1", "--hessian", "--jacobian"), "take one of"),
        (("x", "--at", "x=[1,2]", "--jacobian", "--upstream", "[1,1]"), "take one of"),
        (("x", "--at", "x=[1,2]", "--upstream", "[1,1,1]"), "the upstream gradient (3,)"),
        (("x", "--at", "x=[1,2]", "--upstream", "one"), "the value of upstream is not a number"),
        (("x", "--at", "x=[1,2]", "--upstream", "0:1:3"), "no sweep"),
        (("x*x[:, None]", "--at", "x=normal(400)", "--jacobian"), "at most 100000 fit"),
        (("x[0]",), "there are too many indices"),
        (("X @ w", "--at", "X=normal(2,3),w=normal(2)"), "can't multiply (2, 3) by (2,)"),
    ],
)
def test_what_does_not_go_together_is_said(cli: Any, arguments: tuple[str, ...], said: str) -> None:
    run = cli("check", *arguments)
    assert run.code == 2
    assert said in run.err


@pytest.mark.parametrize("text", ["[a,1]", "one", "[nan,1]", "inf"])
def test_a_bad_upstream_gradient_is_told_what_one_is(cli: Any, text: str) -> None:
    """It is no sweep, and it is finite."""
    run = cli("check", "sin(x)", "--at", "x=[1,2]", "--upstream", text)
    told = " ".join(run.err.split())
    assert run.code == 2
    assert "finite numbers" in told
    assert "sweep" not in told


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("norm(x, ord=1)", "norm has no option ord"),
        ("norm(x, p=1)", "norm has no option p"),
        ("norm(x, 1)", "norm has no axis 1"),
    ],
)
def test_another_norm_is_told_how_it_is_written(cli: Any, expression: str, said: str) -> None:
    told = " ".join(cli("check", expression, "--at", "x=[1,2]").err.split())
    assert said in told
    assert "the 1-norm is sum(abs(x))" in told
    assert cli("check", "sum(abs(x)) + max(abs(x))", "--at", "x=[1,-2]").code == 0


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("sum(x, axs=0)", "sum has no option axs"),
        ("where(x=1, x, 2)", "compare with == inside where()"),
        ("(sum)*(x=2)", "= does not belong in an expression"),
        ("sum(sin(x=2))", "= does not belong in an expression"),
    ],
)
def test_an_equals_sign_is_an_option_only_where_there_are_some(cli: Any, expression: str, said: str) -> None:
    assert said in " ".join(cli("check", expression, "--at", "x=[1,2]").err.split())


@pytest.mark.parametrize(
    ("expression", "shape", "hint"),
    [
        ("sum(x, axis=1)", "3", "(3,) has one axis: 0, or -1 from the end"),
        ("sum(x, axis=2)", "3,4", "the axes of (3, 4) are 0 to 1, or from the end -1 to -2"),
    ],
)
def test_a_missing_axis_is_told_which_there_are(cli: Any, expression: str, shape: str, hint: str) -> None:
    assert hint in " ".join(cli("check", expression, "--at", f"x=normal({shape})").err.split())


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_jacobian_of_100_by_100_shows_its_norm_and_the_worst(cli: Any, framework: str) -> None:
    at = "A=normal(100,100),x=normal(100)"
    run = cli("check", "A @ x", "--at", at, "--wrt", "x", "--jacobian", "--framework", framework)
    assert run.code == 0
    assert "the worst 8 of 10000 derivatives are shown" in run.out
    assert "10000 derivatives: 10000 verified" in run.out
    assert "Jacobian norm 101.731" in run.out
    assert len(run.out.splitlines()) < 90


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_a_random_upstream_gradient_is_told_beside_the_formulas_that_name_it(cli: Any, form: str) -> None:
    asked = ("check", "sin(x)", "--at", "x=[1,2]", "--format", form, "--upstream")
    told = " ".join(cli(*asked, "normal(2)").out.replace("`", "").replace("\\", "").split())
    assert "x[1] = g[1]*cos(x[1])" in told
    assert "where g is the upstream gradient [0." in told
    assert "where g is" not in cli(*asked, "[1,2]").out
