"""``gradtool check FILE.py``: what can't be used, what is not reached, and the exit codes that follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from gradtool.cli.app import app
from gradtool.cli.watched import FIRST_LINES
from gradtool.pipeline import check_callables as pipeline
from gradtool.settings import CheckSettings
from gradtool.target.model_file import read_model_file
from gradtool.witness.host import Host

HEAD = "import torch\n"
SQUARE = HEAD + "def f(x): return x**2\nf_inputs = (torch.tensor([1.0, 2.0]),)\n"
REFUSED = SQUARE + "def g(x): raise KeyError('zz')\n"
WRONG = REFUSED + (
    "class Bad(torch.autograd.Function):\n"
    "    @staticmethod\n"
    "    def forward(ctx, x): return x * 3\n"
    "    @staticmethod\n"
    "    def backward(ctx, g): return g * 2\n"
)

Checked = Callable[..., Any]


def written(folder: Path, text: str, name: str) -> str:
    path = folder / "ops.py"
    path.write_text(text, encoding="utf-8")
    return f"{path}:{name}" if name else str(path)


@pytest.fixture
def checked(tmp_path: Path, cli: Callable[..., Any]) -> Checked:
    """Write a file, and check what is named of it by the warm witnesses."""
    return lambda text, name="", *options: cli("check", written(tmp_path, text, name), *options)


@pytest.fixture
def alone(tmp_path: Path) -> Checked:
    """The same by witnesses of its own, which are lost or stopped."""

    def run(text: str, name: str = "", *options: str) -> SimpleNamespace:
        result = CliRunner().invoke(app, ["check", written(tmp_path, text, name), *options])
        return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


@pytest.mark.parametrize(
    ("text", "name", "options", "told"),
    [
        (SQUARE, "nope", (), "nothing called nope"),
        (SQUARE, "f", ("--at", "z=1"), "no argument z"),
        (SQUARE, "f", ("--wrt", "q"), "q is no input"),
        (HEAD + "x = 1\n", "", (), "nothing to check"),
        ("raise ValueError('boom')\n", "", ("--framework", "torch"), "boom"),
        ("import torch, sys; sys.exit(5)\n", "", (), "sys.exit(5)"),
    ],
)
def test_what_can_t_be_used_is_told_alone_and_is_2(
    checked: Checked, text: str, name: str, options: tuple[str, ...], told: str
) -> None:
    result = checked(text, name, *options)
    assert result.code == 2, result.out + result.err
    assert told in result.out
    assert not any(word in result.out for word in ("at ,", "PyTorch", "autodiff")), result.out


def test_one_bad_target_of_several_is_unreadable_under_its_own_name(checked: Checked) -> None:
    result = checked(REFUSED)
    assert result.code == 2
    rows = [line.split() for line in result.out.splitlines()]
    assert ["g", "0", "-", "unreadable"] in rows
    assert any(row[:1] == ["f"] and row[-1] == "verified" for row in rows)
    assert "Traceback" not in result.out + result.err


def test_a_wrong_gradient_comes_before_a_bad_target(checked: Checked) -> None:
    assert checked(WRONG).code == 1


def test_a_lost_witness_gave_no_evidence(alone: Checked) -> None:
    result = alone("import torch, os; os._exit(0)\n")
    assert result.code == 3
    assert "no evidence" in result.out
    assert "at ," not in result.out
    assert "float64" not in result.out


def test_a_helper_that_makes_the_inputs_is_a_note(checked: Checked) -> None:
    result = checked(HEAD + "def r(*s): return torch.ones(*s)\ndef f(x): return x**2\nf_inputs = (r(2),)\n")
    assert result.code == 0, result.out + result.err
    assert "r was left out" in result.out
    assert "Traceback" not in result.out + result.err


@pytest.mark.parametrize(
    ("body", "options", "told"),
    [
        ("def f(x): return x**2\nf_inputs = (torch.tensor([1.0, float('nan')]),)", (), "x holds NaN (1 of 2 entries)"),
        ("def f(x): return x**2\nf_inputs = (torch.tensor([1.0, -float('inf')]),)", (), "x holds Inf"),
        ("def f(x): return x**2\nf_inputs = (torch.zeros(0, 3),)", (), "nothing to differentiate by in x (0 entries)"),
        ("def f(x): return x**2\nf_inputs = (torch.ones(2),)", ("--upstream", "[1,0,1]"), "has shape 3, the output"),
        ("def f(x): return None\nf_inputs = (torch.ones(2),)", (), "it returned no tensor"),
        ("def f(x): return (x > 0).sum()\nf_inputs = (torch.ones(2),)", (), "it returned only int64"),
    ],
)
def test_inputs_and_results_of_no_use_are_named(
    checked: Checked, body: str, options: tuple[str, ...], told: str
) -> None:
    result = checked(f"{HEAD}{body}\n", "f", *options)
    assert result.code == 2, result.out + result.err
    assert told in " ".join(result.out.split())


def test_beside_an_input_without_entries_the_others_are_checked(checked: Checked) -> None:
    body = "def f(x, y): return torch.cat([x, y])**2\nf_inputs = (torch.zeros(0), torch.tensor([1.0, 2.0]))\n"
    result = checked(HEAD + body, "f", "--format", "jsonl")
    assert result.code == 0, result.out + result.err
    (record,) = map(json.loads, result.out.splitlines())
    assert [(one["variable"], one["autodiff"]) for one in record["gradients"]] == [("y", 2.0), ("y", 4.0)]


def test_huge_inputs_leave_no_warning_of_ours(checked: Checked) -> None:
    body = "def f(x): return x * 2\nf_inputs = (torch.tensor([1e200, -1e150], dtype=torch.float64),)\n"
    result = checked(HEAD + body, "f")
    assert result.code == 0, result.out + result.err
    assert "RuntimeWarning" not in result.out + result.err


def test_tensors_of_another_framework_are_named(checked: Checked) -> None:
    pytest.importorskip("tensorflow")
    result = checked(SQUARE, "f", "--framework", "tensorflow")
    assert result.code == 2, result.out + result.err
    assert "tensors of PyTorch" in result.out
    assert "--framework tensorflow" in result.out


def test_the_timeout_is_one_target_s_and_what_was_not_reached_is_told(
    alone: Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three that sleep longer together than the timeout allows each; the fourth never ends, the fifth waits.

    The witness has been started before, so that the timeout can be short.
    """
    slow = "calls = {}\ndef sleep(name, seconds):\n    calls[name] = calls.get(name, 0) + 1\n"
    slow += "    if calls[name] == 5: time.sleep(seconds)\n"
    slow += "".join(
        f"def {name}(x):\n    sleep('{name}', {seconds})\n    return x**2\n{name}_inputs = (torch.ones(2),)\n"
        for name, seconds in (("a", 2), ("b", 2), ("c", 2), ("d", 1000), ("e", 0))
    )
    monkeypatch.setattr(pipeline, "open_witnesses", started(tmp_path / "first.py"))
    result = alone(f"{HEAD}import time\n{slow}", "", "--timeout", "5")
    assert result.code == 3, result.out + result.err
    rows = [line.split() for line in result.out.splitlines()]
    assert [row[0] for row in rows if row[-1:] == ["verified"]] == ["a", "b", "c"]
    assert ["d", "0", "-", "inconclusive"] in rows
    told = " ".join(result.out.split())
    assert "within 5 s, checking d, and was stopped; 1 of 5 targets were not reached" in told


def started(path: Path) -> Callable[..., Host]:
    """``open_witnesses``, and the witness is asked about a file at ``path`` first, for as long as it takes."""
    opened = pipeline.open_witnesses
    path.write_text(SQUARE, encoding="utf-8")

    def opening(framework: str, settings: CheckSettings, *watching: Any) -> Host:
        host = opened(framework, settings, *watching)
        host.timeout = 120
        request = pipeline.asked_of(read_model_file(f"{path}:f"), framework, CheckSettings())
        list(host.ask(framework, [request]))
        host.timeout = settings.timeout
        return host

    return opening


def test_partials_and_bound_methods_of_the_file_are_targets(checked: Checked) -> None:
    body = (
        "import functools\n"
        "scaled = functools.partial(lambda x, a: a * x**2, a=3.0)\n"
        "class Model:\n    def loss(self, x): return x**2\n"
        "loss = Model().loss\n"
    )
    result = checked(HEAD + body, "", "--format", "jsonl")
    assert result.code == 0, result.out + result.err
    assert [json.loads(line)["name"] for line in result.out.splitlines()] == ["scaled", "loss"]


PRINTING = HEAD + (
    "def f(x):\n"
    "    print('in f', x.shape)\n"
    "    return x**2\n"
    "def g(x):\n"
    "    print('in g')\n"
    "    return x**3\n"
    "gradtool_inputs = (torch.tensor([1.0, 2.0]),)\n"
)


def test_of_what_a_function_prints_at_each_of_its_calls_the_first_lines_are_passed_on(alone: Checked) -> None:
    result = alone(PRINTING)
    printed = result.err.splitlines()
    assert 1 <= sum("in f" in line for line in printed) <= 2 * FIRST_LINES
    assert 1 <= sum("in g" in line for line in printed) <= 2 * FIRST_LINES
    assert "... what f prints more is not shown; --debug shows it" in printed
    assert "in f" not in result.out
    assert sum("in f" in line for line in alone(PRINTING, "f", "--debug").err.splitlines()) > 50


SOFTMAX = HEAD + (
    "class Softmax(torch.autograd.Function):\n"
    "    @staticmethod\n"
    "    def forward(ctx, x):\n"
    "        ctx.save_for_backward(x.softmax(-1))\n"
    "        return x.softmax(-1)\n"
    "    @staticmethod\n"
    "    def backward(ctx, g):\n"
    "        y, = ctx.saved_tensors\n"
    "        return y * (g - (g * y).sum(0, keepdim=True))\n"
    "Softmax_inputs = (torch.tensor([[0.3, -1.2, 0.8], [1.1, 0.4, -0.2]], dtype=torch.float64),)\n"
    "class Square(torch.autograd.Function):\n"
    "    @staticmethod\n"
    "    def forward(ctx, x):\n"
    "        ctx.save_for_backward(x)\n"
    "        return x * x\n"
    "    @staticmethod\n"
    "    def backward(ctx, g): return g * ctx.saved_tensors[0]\n"
    "Square_inputs = (torch.tensor(3.0, dtype=torch.float64),)\n"
)


def test_a_remedy_names_the_derivative_where_that_is_short(checked: Checked) -> None:
    records = {one["name"]: one for one in map(json.loads, checked(SOFTMAX, "", "--format", "jsonl").out.splitlines())}
    (short,) = [one["remedy"] for one in records["Square"]["findings"] if one["code"] == "GT001"]
    assert "the derivative by x is 2*x, times the upstream gradient" in short
    long = [one["remedy"] for one in records["Softmax"]["findings"] if one["code"] == "GT001"]
    assert long
    assert set(long) == {"Mend the backward pass of Softmax; --format json has the formula of the derivative."}
    assert all(len(formula) > 60 for formula in records["Softmax"]["formulas"].values())
