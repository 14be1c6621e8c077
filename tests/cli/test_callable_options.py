"""Which options of ``gradtool check`` go with a Python file, which with an expression, and how far the order goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradtool.cli.options_callables import FOR_CALLABLES_ALONE, FOR_EXPRESSIONS_ALONE

Cli = Callable[..., Any]
VALUES = {"plot": ("sweep.svg",), "graph": ("graph.svg",)}
"""What an option is followed by, where it is followed by something."""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file that must not be run where an option is refused."""
    path = tmp_path / "ops.py"
    path.write_text("raise SystemExit('run')\n", encoding="utf-8")
    return f"{path}:f"


@pytest.mark.parametrize("name", FOR_EXPRESSIONS_ALONE)
def test_an_option_for_expressions_is_refused_before_the_file_is_run(cli: Cli, file: str, name: str) -> None:
    result = cli("check", file, f"--{name}", *VALUES.get(name, ()))
    assert (result.code, result.out) == (2, "")
    told = " ".join(result.err.split())
    assert f"--{name} goes with an expression" in told
    assert FOR_EXPRESSIONS_ALONE[name] in told


@pytest.mark.parametrize("name", FOR_CALLABLES_ALONE)
def test_an_option_for_callables_is_refused_with_an_expression(cli: Cli, name: str) -> None:
    result = cli("check", "x**2", "--at", "x=3", f"--{name}")
    assert (result.code, result.out) == (2, "")
    told = " ".join(result.err.split())
    assert f"--{name} goes with a Python file, and x**2 is an expression" in told
    assert FOR_CALLABLES_ALONE[name] in told


def test_all_that_is_refused_is_told_at_once(cli: Cli, file: str) -> None:
    result = cli("check", file, "--steps", "--plot", "sweep.svg")
    assert result.code == 2
    assert all(f"--{name} goes with an expression" in " ".join(result.err.split()) for name in ("steps", "plot"))


@pytest.mark.parametrize("order", ["0", "3", "-1"])
def test_the_order_of_a_callable_is_1_or_2(cli: Cli, file: str, order: str) -> None:
    result = cli("check", file, "--order", order)
    assert (result.code, result.out) == (2, "")


def test_a_third_order_is_told_with_what_there_is(cli: Cli, file: str) -> None:
    told = " ".join(cli("check", file, "--order", "3").err.split())
    assert "a callable is checked up to order 2" in told
    assert "--order 2 checks the gradient of the gradient too" in told


def test_a_sweep_is_none_for_a_callable(cli: Cli, file: str) -> None:
    result = cli("check", file, "--at", "x=0:1:5")
    assert result.code == 2
    assert "x is a sweep" in result.err
    assert "a callable is checked at one point" in " ".join(result.err.split())


CODES = {
    "right": ("def f(x): return x**2\n", 0),
    "a kink": ("def f(x): return x.abs()\nf_inputs = (torch.tensor([0.0]),)\n", 3),
    "wrong": ("def f(x): return x.detach()**2 * x\n", 1),
    "a duty": ("COUNT = []\ndef f(x):\n    COUNT.append(1)\n    return x * len(COUNT)\n", 1),
    "raises": ("def f(x): raise ValueError('never')\n", 2),
    "no name": ("def g(x): return x\n", 2),
}


@pytest.mark.parametrize("name", CODES)
def test_the_exit_code_is_the_worst_of_what_is_found(cli: Cli, tmp_path: Path, name: str) -> None:
    text, code = CODES[name]
    path = tmp_path / "ops.py"
    path.write_text(f"import torch\n{text}", encoding="utf-8")
    assert cli("check", f"{path}:f").code == code
    assert cli("check", f"{path}:f", "--exit-zero").code == 0
