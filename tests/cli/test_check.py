"""gradtool check, from its arguments to its exit code, against warm witnesses."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

GOOD, KINK, UNSTABLE, BAD = "x**2", "abs(x)", "(1 - cos(x))/x**2", "x^2"
SUITE_LINE = '{{"expression": "{}", "at": {{"x": "{}"}}}}'
LINES = {
    0: SUITE_LINE.format(GOOD, 3), 1: SUITE_LINE.format(UNSTABLE, 1e-8), 2: SUITE_LINE.format(BAD, 1),
    3: SUITE_LINE.format(KINK, 0),
}  # fmt: skip


def gradients(record: dict[str, Any]) -> dict[str, float]:
    return {entry["variable"]: entry["autodiff"] for entry in record["gradients"]}


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_gradient_is_checked_and_reported(cli: Any, framework: str) -> None:
    """d/dx (x^2 y + x y^2) = 2xy + y^2 and d/dy = x^2 + 2xy, at (2, 3)."""
    run = cli("check", "x**2*y + x*y**2", "--at", "x=2,y=3", "--framework", framework, "--json")
    assert (run.code, run.err) == (0, "")
    assert gradients(run.json) == {"x": 21.0, "y": 16.0}
    assert (run.json["framework"], run.json["verdict"], run.json["value"]) == (framework, "verified", 30.0)


@pytest.mark.parametrize(
    "expression", ["-x**2", "-v*x", "-o*x", "-h*x", "-tanh(x)", "-5*x", "-x", "-(x + 1)", "-.5*x", "-1e-3*x", "--x"]
)
@pytest.mark.parametrize("place", ["first", "last", "between", "behind --"])
def test_an_expression_may_begin_with_a_minus(cli: Any, expression: str, place: str) -> None:
    names = sorted(set(re.findall(r"\b[vohx]\b", expression)))
    at, rest = ["--at", ",".join(f"{name}=2" for name in names)], ["--dtype", "float64", "--json"]
    double = expression.startswith("--")
    arguments = {
        "first": [expression, *at, *rest], "last": [*at, *rest, expression], "between": [*at, expression, *rest],
        "behind --": [*at, *rest, "--", expression],
    }[place]  # fmt: skip
    run = cli("check", *arguments)
    if double and place != "behind --":
        assert (run.code, "No such option" in run.err) == (2, True)
        return
    assert run.code == 0, run.err
    assert run.json["target"] == expression
    assert set(gradients(run.json)) == set(names)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((GOOD, "--at", "x=3"), 0),
        (("sigmoid(x)", "--at", "x=8"), 0),
        ((UNSTABLE, "--at", "x=1e-8"), 1),
        (("log(1 + exp(x))", "--at", "x=1000"), 1),
        (("softplus(x)", "--at", "x=21", "--framework", "torch"), 1),
        ((BAD, "--at", "x=3"), 2),
        ((GOOD, "--at", "y=3"), 2),
        ((GOOD, "--at", "x"), 2),
        ((GOOD, "--wrt", "y"), 2),
        ((GOOD, "--dtype", "float8"), 2),
        ((GOOD, "--no-such-option"), 2),
        ((GOOD, "y**2"), 2),
        ((KINK, "--at", "x=0"), 3),
        (("log(x)", "--at", "x=-1"), 3),
        (("x/x", "--at", "x=0"), 3),
        (("exp(x)", "--at", "x=1000"), 3),
        (("x**2", "--at", "x=1e30", "--dtype", "float32"), 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_exit_codes(cli: Any, arguments: tuple[str, ...], code: int) -> None:
    run = cli("check", *arguments)
    assert run.code == code, run.out + run.err
    assert (run.out == "") == (code == 2)
    assert (run.err == "") == (code != 2)


@pytest.mark.parametrize(
    ("kinds", "code"), [((0, 0), 0), ((0, 3), 3), ((0, 3, 2), 2), ((2, 0, 3, 1), 1), ((1, 2), 1), ((3, 2), 2)], ids=str
)
def test_a_suite_exits_with_1_before_2_before_3(cli: Any, kinds: tuple[int, ...], code: int) -> None:
    run = cli("check", "-", "--format", "jsonl", stdin="\n".join(LINES[kind] for kind in kinds))
    assert run.code == code
    assert len(run.out.splitlines()) == len(kinds)


@pytest.mark.parametrize("kind", [0, 1, 3])
def test_exit_zero_is_for_whatever_is_found_but_not_for_what_could_not_run(cli: Any, kind: int) -> None:
    assert cli("check", "-", "--exit-zero", stdin=LINES[kind]).code == 0
    assert cli("check", BAD, "--at", "x=1", "--exit-zero").code == 2


def test_strict_makes_a_warning_a_finding(cli: Any) -> None:
    """The derivative of sigmoid at 8 is 3e-4: a link that shrinks the gradient."""
    plain, strict = (cli("check", "sigmoid(x)", "--at", "x=8", *extra) for extra in ((), ("--strict",)))
    assert (plain.code, strict.code) == (0, 1)
    assert "warning GT011" in plain.out


@pytest.mark.parametrize("expression", ["x*9**9**9", "x + 9**9**9**9", "x**9**9**9"])
def test_a_tower_of_powers_is_answered_at_once(cli: Any, expression: str) -> None:
    """No witness starts to compute it."""
    began = time.perf_counter()
    assert cli("check", expression, "--at", "x=2").code == 3
    assert time.perf_counter() - began < 3


@pytest.mark.parametrize(("expression", "code"), [("x**2/1e4", "GT014"), ("x**2*20", "GT015")], ids=["small", "large"])
def test_absolute_asks_for_the_thresholds_of_tutorials(cli: Any, expression: str, code: str) -> None:
    arguments = ("check", expression, "--at", "x=0.001" if code == "GT014" else "x=1", "--json")
    assert cli(*arguments).json["findings"] == []
    found = cli(*arguments, "--absolute")
    assert [finding["code"] for finding in found.json["findings"]] == [code]
    assert (found.code, cli(*arguments, "--absolute", "--strict").code) == (0, 1)


def test_wrt_picks_variables(cli: Any) -> None:
    assert gradients(cli("check", "x*y*z", "--at", "x=2,y=3,z=5", "--wrt", "z,x", "--json").json) == {
        "z": 6.0,
        "x": 15.0,
    }
    assert "did you mean rate?" in cli("check", "rate*x", "--wrt", "rat").err


def test_the_point_and_the_gradient_are_in_the_dtype(cli: Any) -> None:
    record = cli("check", "x*x", "--at", "x=0.1", "--dtype", "float32", "--json").json
    assert (record["point"], record["dtype"]) == ({"x": 0.10000000149011612}, "float32")
    assert gradients(record) == {"x": 0.20000000298023224}


def test_a_constants_name_may_be_a_variable_and_says_so(cli: Any) -> None:
    run = cli("check", "e*x", "--at", "e=2,x=3", "--json")
    assert gradients(run.json) == {"e": 3.0, "x": 2.0}
    assert [finding["code"] for finding in run.json["findings"]] == ["GT019"]
    assert gradients(cli("check", "pi*x", "--at", "x=3", "--json").json) == {"x": 3.141592653589793}


def test_without_a_point_five_are_drawn_from_the_seed(cli: Any) -> None:
    """Reproducible, inside the domain, and others for another seed."""
    first, again, other = (
        cli("check", "log(x)*y", "--seed", seed, "--format", "jsonl").out for seed in ("1", "1", "2")
    )
    points = [re.findall(r'"point": ({.*?})', text) for text in (first, again, other)]
    assert points[0] == points[1] != points[2]
    assert len(points[0]) == len(set(points[0])) == 5
    assert not any('"x": -' in point for point in points[0])
    assert "at 5 points drawn from seed 7" in cli("check", "log(x)", "--seed", "7").out


def test_a_suite_from_a_file_and_from_stdin_is_the_same(cli: Any, tmp_path: Path) -> None:
    """Comments and blank lines are skipped, the point of the command line is everyone's, a bad line stops nobody."""
    text = "# squares\nx**2\n\nsni(x)\n-x**3\n"
    path = tmp_path / "suite.txt"
    path.write_text(text, encoding="utf-8")
    runs = [cli("check", f"@{path}", "--at", "x=2"), cli("check", "-", "--at", "x=2", stdin=text)]
    for run, origin in zip(runs, (path, "stdin"), strict=True):
        assert run.code == 2
        assert f"{origin}:4: there is no function called sni" in " ".join(run.out.split())
        assert "2 verified, 1 unreadable" in run.out


def test_a_suite_of_one_expression_at_two_points_does_not_say_that_they_were_drawn(cli: Any) -> None:
    run = cli("check", "-", stdin=f"{SUITE_LINE.format('x**2', 1)}\n{SUITE_LINE.format('x**2', 2)}")
    assert (run.code, "2 verified" in run.out, "drawn" in run.out) == (0, True, False)


@pytest.mark.parametrize(
    ("target", "stdin", "said"),
    [("@no/such/file", None, "can't be read"), ("@", None, "can't be read"), ("-", "", "no expression in stdin"),
     ("-", "# only\n\n", "no expression in stdin"), ("", None, "empty")],
    ids=["missing file", "no name", "nothing", "comments", "empty expression"],
)  # fmt: skip
def test_a_target_that_is_not_there(cli: Any, target: str, stdin: str | None, said: str) -> None:
    run = cli("check", target, stdin=stdin)
    assert (run.code, run.out) == (2, "")
    assert said in run.err


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_number_without_a_right_digit_is_not_verified_in_silence(cli: Any, framework: str) -> None:
    """In float32, 1e8 and 1e8 + 1 are one number, so softmax is 0.5; one rounding unit (4) makes it 0.98."""
    arguments = ("logsumexp(x)", "--at", "x=[1e8,1e8]", "--dtype", "float32", "--framework", framework)
    run = cli("check", *arguments, "--json")
    entries, told = run.json["gradients"], [f["code"] for f in run.json["findings"]]
    far = any(abs(entry["autodiff"] - 0.5) > 1e-3 for entry in entries)
    assert ("GT022" in told) is far
    assert framework == "tensorflow" or far


def test_a_gradient_at_a_minimum_is_all_noise_and_nothing_to_warn_of(cli: Any) -> None:
    run = cli("check", "sum((x*x - 2)**2 + 1)", "--at", "x=[1.4142135623730951,1.4142135623730951]", "--json")
    assert run.json["verdict"] == "verified"
    assert "GT022" not in [finding["code"] for finding in run.json["findings"]]
