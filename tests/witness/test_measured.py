"""Every mode of both frameworks against closed forms, and what their compiled and written forms give."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gradtool.evidence import Formulas, MeasureRequest, Mode, Record, Request, Timed
from gradtool.values import Array, Value, flat
from gradtool.witness.host import Host

FRAMEWORKS = ("torch", "tensorflow")
MODES = {
    "torch": ["reverse", "forward", "loop", "vmap", "checkpoint", "compiled"],
    "tensorflow": ["reverse", "forward", "loop", "vmap", "checkpoint", "graph", "compiled"],
}
HOWS = {"torch": ["eager", "compiled"], "tensorflow": ["eager", "graph", "compiled"]}
COMPILER = pytest.mark.skipif(
    not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++")), reason="torch.compile needs g++"
)

Ask = Callable[..., list[Record]]


@pytest.fixture
def ask(host: Host) -> Ask:
    """What a framework answers about an expression at a point."""

    def run(framework: str, expression: str, point: dict[str, Any], **cells: Any) -> list[Record]:
        values: dict[str, Value] = {
            name: Array.of((len(v),), v) if isinstance(v, list) else float(v) for name, v in point.items()
        }
        options = {name: cells.pop(name) for name in ("modes", "timing", "formulas") if name in cells}
        request = Request(3, expression, values, list(point), framework, **cells)
        if options.get("formulas") == "SymPy's":
            found = next(iter(host.ask("symbolic", [request])))
            options["formulas"] = next(record for record in found if isinstance(record, Formulas)).formulas
        (records,) = host.ask(framework, [MeasureRequest(request, **options)])
        assert {getattr(record, "key", None) for record in records} == {3}
        return records

    return run


def numbers(row: Mode) -> list[float]:
    return [number for value in row.gradients.values() for number in (flat(value) if value is not None else [0.0])]


@COMPILER
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_mode_gives_the_gradient(ask: Ask, framework: str) -> None:
    """d/dx x**2 sin(y) = 2 x sin(y), d/dy = x**2 cos(y)."""
    rows = [row for row in ask(framework, "x**2*sin(y)", {"x": 2, "y": 3}, modes=True) if isinstance(row, Mode)]
    assert [row.mode for row in rows] == MODES[framework]
    for row in rows:
        assert row.skipped == ""
        assert row.value == pytest.approx(4 * math.sin(3), rel=1e-15)
        assert numbers(row) == pytest.approx([4 * math.sin(3), 4 * math.cos(3)], rel=1e-15), row.mode
        assert row.ulp is not None
        assert row.ulp <= 4
        assert row.time is not None
        assert 0 < row.time.low <= row.time.median <= row.time.high
    forward = rows[1]
    assert forward.left == pytest.approx(forward.right, rel=1e-14)
    assert rows[0].ulp == 0


@COMPILER
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_arrays_weights_and_variables_that_nothing_reaches(ask: Ask, framework: str) -> None:
    """The weighed sum of exp(x): the weights times exp(x); z is only compared."""
    point = {"x": [0.5, -1.0, 2.0], "z": 1.0}
    weights = Array.of((3,), [1.0, 0.0, -2.0])
    rows = ask(framework, "where(z > 0, exp(x), x)", point, modes=True, upstream=weights)
    assert [getattr(row, "mode", row) for row in rows] == MODES[framework]
    for row in rows:
        assert isinstance(row, Mode)
        assert row.skipped == "", row.mode
        assert numbers(row) == pytest.approx([math.exp(0.5), 0, -2 * math.exp(2), 0], rel=1e-15), row.mode
        assert row.gradients["z"] in (None, 0.0)


@COMPILER
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_many_entries_are_tested_by_products_alone(ask: Ask, framework: str) -> None:
    rows = ask(framework, "sum(tanh(x))", {"x": [0.01 * number for number in range(500)]}, modes=True)
    forward = next(row for row in rows if isinstance(row, Mode) and row.mode == "forward")
    assert forward.note == "only the products were taken: the gradient has 500 entries"
    assert forward.gradients == {}
    assert forward.left is not None
    assert forward.right is not None
    assert forward.scale is not None
    assert abs(forward.left - forward.right) <= 1e-14 * forward.scale
    assert forward.left != 0


@COMPILER
def test_pytorch_accounts_for_every_byte(ask: Ask) -> None:
    """exp(exp(x)) keeps both results; recomputing keeps none but the value, and needs no less at its highest."""
    size = 8 * 1000
    rows = ask("torch", "sum(exp(exp(x)))", {"x": [1e-3 * number for number in range(1000)]}, modes=True)
    by_mode = {row.mode: row for row in rows if isinstance(row, Mode)}
    reverse, checkpoint = by_mode["reverse"], by_mode["checkpoint"]
    assert reverse.kept is not None
    assert reverse.peak is not None
    assert checkpoint.kept is not None
    assert checkpoint.peak is not None
    assert 2 * size <= reverse.kept < 2 * size + 200
    assert reverse.peak >= 3 * size
    assert checkpoint.kept < 200
    assert checkpoint.peak >= 3 * size
    assert "every allocation" in reverse.memory


def test_tensorflow_says_that_it_keeps_no_account(ask: Ask) -> None:
    row = ask("tensorflow", "x**2", {"x": 3}, modes=True)[0]
    assert isinstance(row, Mode)
    assert (row.peak, row.kept) == (None, None)
    assert row.memory == "not measured: TensorFlow keeps no account of memory on a CPU"


def test_a_derivative_that_tensorflow_lacks_is_named(ask: Ask) -> None:
    """Its softsign has no second derivative; all other modes have the gradient 1/(1 + |x|)**2."""
    rows = [row for row in ask("tensorflow", "softsign(x)", {"x": 1}, modes=True) if isinstance(row, Mode)]
    skipped = {row.mode: row.skipped for row in rows if row.skipped}
    told = "TensorFlow has no derivative of its backward pass SoftsignGrad, which forward mode needs"
    assert skipped == {"forward": told}
    assert {tuple(numbers(row)) for row in rows if not row.skipped} == {(0.25,)}


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Host]:
    """PyTorch where there is no C++ compiler, and nothing compiled before."""
    monkeypatch.setenv("CXX", str(tmp_path / "no-such-compiler"))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    with Host(["torch"], timeout=120) as witness:
        yield witness


def test_a_missing_compiler_is_a_stated_skip(without_compiler: Host) -> None:
    request = Request(3, "x**2*sin(x)", {"x": 2.0}, ["x"], "torch")
    (records,) = without_compiler.ask("torch", [MeasureRequest(request, modes=True, timing=True)])
    skipped = {(getattr(row, "mode", "") or getattr(row, "work", "")): row.skipped for row in records
               if isinstance(row, Mode | Timed) and row.skipped}  # fmt: skip
    told = "torch.compile needs a C++ compiler on a CPU, and there is none: install g++ or clang++"
    assert skipped == {
        "compiled": told, "value": told, "gradient": told, "formula": "the gradient has no formula",
    }  # fmt: skip
    assert sum(isinstance(row, Mode | Timed) and not row.skipped for row in records) == 5 + 2


@COMPILER
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_times_of_value_gradient_and_formula(ask: Ask, framework: str) -> None:
    """The formula's numbers are the gradient's; a value takes less than a value with its gradient."""
    point = {"y": 2.5, "x": [1.0, 2.0, 3.0]}
    rows = ask(framework, "sum(x**2)*sin(y)", point, timing=True, formulas="SymPy's")
    by_work = {(row.work, row.how): row for row in rows if isinstance(row, Timed)}
    assert list(by_work) == [(work, how) for how in HOWS[framework] for work in ("value", "gradient", "formula")]
    for (work, _), row in by_work.items():
        assert row.skipped == ""
        assert row.time is not None
        assert 0 < row.time.low <= row.time.median <= row.time.high
        assert row.time.runs >= 5
        assert (row.ulp is not None) == (work == "formula")
        assert row.ulp is None or row.ulp <= 4
    value, gradient = (by_work[work, "eager"].time for work in ("value", "gradient"))
    assert value is not None
    assert gradient is not None
    assert value.median < gradient.median


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_formulas_may_be_numbers_or_leave_variables_out(ask: Ask, framework: str) -> None:
    """The formula of y is 1, and that of x knows x alone, whatever shapes the others have."""
    rows = ask(framework, "x**2 + sum(y)", {"y": [1.0, 2.0], "x": 3.0}, timing=True, formulas="SymPy's")
    formula = next(row for row in rows if isinstance(row, Timed) and row.work == "formula")
    assert formula.skipped == ""
    assert formula.ulp == 0


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_formulas_may_name_the_upstream_gradient(ask: Ask, framework: str) -> None:
    """Of x**2 weighed by g the gradient is 2*x*g."""
    weights = Array.of((2,), [1.0, -3.0])
    rows = ask(framework, "x**2", {"x": [1.0, 2.0]}, timing=True, formulas="SymPy's", upstream=weights)
    formula = next(row for row in rows if isinstance(row, Timed) and row.work == "formula")
    assert (formula.skipped, formula.ulp) == ("", 0)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_process_answers_requests_as_before(host: Host, framework: str) -> None:
    """After compiling, an ordinary request in the same process has the same answer."""
    request = Request(4, "x**3", {"x": 2.0}, ["x"], framework)
    (records,) = host.ask(framework, [request])
    assert getattr(records[0], "gradients", None) == {"x": 12.0}
