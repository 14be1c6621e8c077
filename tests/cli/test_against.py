"""gradtool check --against gradcheck, in both frameworks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gradtool.witness.checkers import CHECKERS

Cli = Callable[..., Any]
FRAMEWORKS = ["torch", "tensorflow"]
WAVE = ("sum(sin(x**2) + cos(x))", "--at", "x=[1.5,2.0]", "--dtype", "float32")


def against(cli: Cli, *arguments: str) -> tuple[dict[str, Any], str]:
    """What the checker says, and the sentence where it misleads."""
    run = cli("check", *arguments, "--json")
    assert run.err == ""
    sentences = [finding["message"] for finding in run.json["findings"] if finding["code"] == "GT021"]
    return run.json["against"], " ".join(sentences)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_runs_on_the_same_function_with_its_own_settings(cli: Cli, framework: str) -> None:
    """d/dx (x^2 y + x y^2) = 21 and d/dy = 16 at (2, 3)."""
    arguments = ("x**2*y + x*y**2", "--at", "x=2,y=3", "--framework", framework, "--against", "gradcheck")
    found, sentence = against(cli, *arguments)
    own = {"torch": {"eps": 1e-6, "atol": 1e-5, "rtol": 1e-3}, "tensorflow": {"delta": 1 / 1024}}
    assert found["settings"] == own[framework]
    assert found["passed"] is (True if framework == "torch" else None)
    assert found["tool"] == CHECKERS["gradcheck"][framework]
    assert {e["label"]: round(e["difference"], 6) for e in found["entries"]} == {"x": 21, "y": 16}
    assert found["largest_difference"] < 1e-6
    assert sentence == ""


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_error_of_its_step_in_float32_is_told_from_an_error_of_the_gradient(cli: Cli, framework: str) -> None:
    """The textbook's 5.8e-3 with h = 1e-5: the gradient is right to the last digit."""
    found, sentence = against(cli, *WAVE, "--framework", framework, "--against", "gradcheck:1e-5")
    assert found["largest_difference"] == pytest.approx(5.8e-3, rel=0.01)
    assert sentence.endswith(
        "although x[0], x[1] are verified: the difference of 0.0058 comes from its step of 1e-05 in float32, not from "
        "the gradient"
    )
    table = cli("check", *WAVE, "--framework", framework, "--against", "gradcheck:1e-5")
    assert table.code == 0
    assert "gradcheck" in table.out
    assert "warn" not in (table.out + table.err).lower()


def test_it_fails_in_float32_by_itself(cli: Cli) -> None:
    """PyTorch's own step of 1e-6 is a few rounding units of 1.5; it warns of that, which nobody sees raw."""
    found, sentence = against(cli, *WAVE, "--against", "gradcheck")
    assert (found["passed"], found["message"]) == (False, "Jacobian mismatch for output 0 with respect to input 0")
    assert found["largest_difference"] > 0.05
    assert "not from the gradient" in sentence


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_in_half_precision_its_step_vanishes(cli: Cli, framework: str, dtype: str) -> None:
    """Above 2 the next number of float16 is 2e-3 away, further than either step."""
    found, sentence = against(cli, "x**2", "--at", "x=3", "--dtype", dtype, "--framework", framework, "--against",
                              "gradcheck")  # fmt: skip
    assert [entry["difference"] for entry in found["entries"]] == [0.0]
    assert f"in {dtype}, not from the gradient" in sentence


@pytest.mark.parametrize(
    ("expression", "point", "verdict"), [("softplus(x)", "x=21", "wrong"), ("(1 - cos(x))/x**2", "x=1e-8", "unstable")]
)
def test_it_passes_a_gradient_that_is_not_right(cli: Cli, expression: str, point: str, verdict: str) -> None:
    found, sentence = against(cli, expression, "--at", point, "--against", "gradcheck")
    if verdict == "wrong":
        assert found["passed"] is True
        assert f"passes although x is {verdict} by the exact derivative" in sentence
    else:
        assert found["passed"] is False
        assert sentence == ""


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("expression", "point"),
    [("relu(x)", "x=0"), ("log(x)", "x=-1"), ("log(1 + exp(x))", "x=1000"), ("floor(x)", "x=2.5"), ("x", "x=5e-324"),
     ("where(x > 0, 1, 2)", "x=1"), ("sqrt(x)", "x=1e-7"), ("x**2", "x=1e300")],
)  # fmt: skip
def test_there_is_an_answer_at_every_kind_of_point(cli: Cli, framework: str, expression: str, point: str) -> None:
    found, _ = against(cli, expression, "--at", point, "--framework", framework, "--against", "gradcheck")
    assert found["outcome"] in ("passed", "failed", "compared")
    assert len(found["entries"]) == 1


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_array_is_compared_as_it_is_checked(cli: Cli, framework: str) -> None:
    """The gradient of the sum of the entries; with --upstream weighed; with --jacobian entry by entry."""
    three = ("[x*y, x + y, sin(x)]", "--at", "x=1,y=2", "--framework", framework, "--against", "gradcheck")
    found, _ = against(cli, *three)
    assert found["function"] == "the sum of its entries"
    assert [round(e["difference"], 4) for e in found["entries"]] == [3.5403, 2.0]
    found, _ = against(cli, *three, "--upstream", "[1,2,0]")
    assert found["function"] == "the weighed sum of its entries"
    assert [round(e["difference"], 4) for e in found["entries"]] == [4.0, 3.0]
    found, _ = against(cli, *three, "--jacobian")
    assert found["function"] == "the expression"
    assert {e["label"]: round(e["difference"], 4) for e in found["entries"]}["f[2] by x"] == 0.5403


def test_class_labels_and_fixed_variables_stay_fixed(cli: Cli) -> None:
    point = "x=[[1,2,3],[0,1,5]],t=[0,2]"
    found, _ = against(cli, "cross_entropy(x, t)", "--at", point, "--against", "gradcheck")
    assert (found["passed"], {entry["variable"] for entry in found["entries"]}) == (True, {"x"})
    found, _ = against(cli, "x*y", "--at", "x=2,y=3", "--wrt", "y", "--against", "gradcheck")
    assert [entry["label"] for entry in found["entries"]] == ["y"]


def test_too_much_work_is_declined(cli: Cli) -> None:
    found, sentence = against(cli, "sum(x**2)", "--at", "x=normal(2001)", "--against", "gradcheck")
    assert (found["outcome"], found["passed"], found["entries"], sentence) == ("not_run", None, [], "")
    assert found["message"] == "there are 2001 derivatives, and it is asked for 2000 at most"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--against", "gradchek"), "there is no checker 'gradchek'"),
        (("--against", ""), "there is no checker ''"),
        (("--against", "gradcheck:"), "a positive number"),
        (("--against", "gradcheck:zero"), "a positive number"),
        (("--against", "gradcheck:-1e-5"), "a positive number"),
        (("--against", "gradcheck:nan"), "a positive number"),
        (("--against", "gradcheck", "--hessian"), "compares first derivatives only"),
        (("--against", "gradcheck", "--order", "2"), "compares first derivatives only"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_it_cannot_do_is_refused(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    run = cli("check", "x**2", "--at", "x=2", *arguments)
    assert (run.code, run.out) == (2, "")
    assert said in " ".join(run.err.split())
    assert "hint:" in run.err


def test_a_suite_and_a_sweep_have_it_too(cli: Cli) -> None:
    lines = 'x**2\n{"expression": "x**3", "order": 2, "at": {"x": "2"}}\n'
    run = cli("check", "-", "--at", "x=3", "--against", "gradcheck", "--format", "jsonl", stdin=lines)
    first, second = (json.loads(line)["against"] for line in run.out.splitlines())
    assert (first["outcome"], second["outcome"]) == ("passed", "not_run")
    assert second["message"] == "it compares first derivatives only"
    sweep = " ".join(cli("check", "x**2", "--at", "x=-3:3:21", "--against", "gradcheck").out.split())
    assert "passed at 21 of 21 points" in sweep


def test_the_command_in_the_record_repeats_it(cli: Cli) -> None:
    record = cli("check", *WAVE, "--against", "gradcheck:1e-5", "--json").json
    assert "--against gradcheck:1e-05" in record["command"]
    assert cli("check", "x**2", "--at", "x=2", "--json").json["against"] is None


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_the_checker_sees_the_upstream_gradient_of_a_single_number_too(cli: Cli, framework: str) -> None:
    run = cli(
        "check", "x**3", "--at", "x=2", "--upstream", "2", "--against", "gradcheck", "--framework", framework, "--json"
    )
    assert (run.code, run.json["findings"]) == (0, [])
    assert run.json["against"]["entries"][0]["difference"] == pytest.approx(24, rel=1e-4)
