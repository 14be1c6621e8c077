"""Every printed program is run as it is printed, and its numbers compared: with gradtool's own and with the truth.

One process for each framework runs all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from cases import FRAMEWORKS, WHOLE, corpus
from printed import Printers

from gradtool.evidence import Autodiff, Request
from gradtool.report.programs.pair import programs
from gradtool.target.elementwise import ROWS
from gradtool.target.expression import parse
from gradtool.target.inference import label_variables
from gradtool.target.operations import OPERATIONS
from gradtool.target.point import parse_points
from gradtool.values import flat
from gradtool.witness.host import Host

PUBLISHED = corpus("gradients.jsonl")[:: 9 if WHOLE else 27]
KNOWN = ("gelu", "leaky_relu", "digamma", "lgamma")
"""Published formulas with these are compared with gradtool's own numbers only: the frameworks deviate."""

POINTS = {
    "acosh": 1.4, "divide": 0.7, "clip": 0.3, "log2": 5.0, "log10": 5.0, "trigamma": 2.3, "atanh": 0.4, "lgamma": 2.5,
}  # fmt: skip
X = "[0.3, 1.7, 0.6]"
M = "[[0.5, -1.2, 2.0], [0.25, 1.5, -0.75]]"
ARRAYS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("sum(x**2)", {"x": X}, {}),
    ("sum(m, axis=0)", {"m": M}, {}),
    ("sum(m, axis=1, keepdims=True)*m", {"m": M}, {}),
    ("mean(m, axis=(0, 1))", {"m": M}, {}),
    ("mean(m, keepdims=True)", {"m": M}, {}),
    ("prod(x)", {"x": X}, {}),
    ("prod(m)", {"m": M}, {}),
    ("prod(m, axis=1)", {"m": M}, {}),
    ("prod(m, keepdims=True)", {"m": M}, {}),
    ("var(m, axis=0, ddof=1)", {"m": M}, {}),
    ("std(x)", {"x": X}, {}),
    ("norm(m)", {"m": M}, {}),
    ("norm(m, axis=1)", {"m": M}, {}),
    ("max(x)", {"x": X}, {}),
    ("min(m, axis=1)", {"m": M}, {}),
    ("logsumexp(x)", {"x": X}, {}),
    ("logsumexp(m)", {"m": M}, {}),
    ("logsumexp(m, axis=0)", {"m": M}, {}),
    ("cumsum(x)", {"x": X}, {"upstream": "[1, 0, 2]"}),
    ("cumsum(m, axis=1)", {"m": M}, {}),
    ("m @ m.T", {"m": M}, {}),
    ("m @ x", {"m": M, "x": X}, {}),
    ("x @ x", {"x": X}, {}),
    ("dot(x, x**2)", {"x": X}, {}),
    ("transpose(m)*2", {"m": M}, {}),
    ("transpose(m, (1, 0))[0]", {"m": M}, {}),
    ("reshape(m, 3, -1)**2", {"m": M}, {}),
    ("m[0, 1:] + m[..., 2]", {"m": M}, {}),
    ("m[:, None]*x", {"m": M, "x": X}, {}),
    ("[x[0]*x[1], 2, sin(x[2])]", {"x": X}, {}),
    ("sum(softmax(x)*x)", {"x": X}, {}),
    ("sum(softmax(m, axis=0)**2)", {"m": M}, {}),
    ("sum(log_softmax(x)[:2])", {"x": X}, {}),
    ("mse(x, x**2)", {"x": X}, {}),
    ("bce(x/2, x**2/4)", {"x": X}, {}),
    ("bce_logits(x, x**2)", {"x": X}, {}),
    ("cross_entropy(m, t)", {"m": M, "t": "[2, 0]"}, {}),
    ("mean((relu(m @ W + b) - 1)**2)", {"m": M, "W": "[[1, 2], [0.5, -1], [0.3, 0.2]]", "b": "[0.1, 0.2]"}, {}),
    ("x*y", {"x": X, "y": "[1, 2, 3]"}, {"upstream": "[0.5, -1, 3]"}),
    ("where(x > 0.5, x**2, 0)", {"x": X}, {}),
    ("x**4", {"x": "2"}, {"mode": "orders", "order": 3}),
    ("3*x + y*x**2", {"x": "2", "y": "3"}, {"mode": "orders", "order": 4}),
    ("exp(-x**2/2)", {"x": "0.7"}, {"mode": "orders", "order": 5}),
    ("x**2*y", {"x": "1", "y": "2"}, {"mode": "hessian"}),
    ("3*x + 2*y", {"x": "1", "y": "2"}, {"mode": "hessian"}),
    ("sum(x**3) + y*x[0]", {"x": X, "y": "2"}, {"mode": "hessian"}),
    ("[x*y, x + y, sin(x)]", {"x": "1", "y": "2"}, {"mode": "jacobian"}),
    ("m @ x", {"m": M, "x": X}, {"mode": "jacobian"}),
    ("[x*y, floor(x)]", {"x": "1.5", "y": "2"}, {"mode": "jacobian"}),
    ("x**2*sin(y)", {"x": "2", "y": "3"}, {"dtype": "float32"}),
    ("0.1*x + exp(y)/3", {"x": "2", "y": "0.3"}, {"dtype": "float32"}),
    ("x**2*y", {"x": "1.5", "y": "3"}, {"dtype": "float16"}),
    ("x**2*y + 1", {"x": "1.5", "y": "3"}, {"dtype": "bfloat16"}),
    ("torch*tf*math + print**2*f*u", dict.fromkeys(("torch", "tf", "math", "print", "f", "u"), "1.5"), {}),
    ("x*9**9**9", {"x": "1"}, {}),
    ("x + 0.5 // 0.001 + 0.5 % 0.001 + prod(x)", {"x": "0.7"}, {}),
    ("x*(0.5)[None] + x*2 .T", {"x": "0.7"}, {}),
    ("2 % x + 2**x + 2/x + 2//x - 2*x", {"x": "0.7"}, {}),
    ("x*(-8)**(1/3)", {"x": "1"}, {}),
    ("x + 1/0", {"x": "1"}, {}),
    ("where(x > 0, 0.1, 0.3)*x", {"x": "2"}, {}),
    ("where(1 > 2, x, 3*x)", {"x": "2"}, {}),
    ("max(x, 0) + min(1, x) + clip(x, 0, y) + atan2(1, x)", {"x": "0.5", "y": "2"}, {}),
    ("hypot(3, x*y) + logaddexp(x + y, 1) + cbrt(x*y + 1)", {"x": "0.5", "y": "2"}, {}),
]  # fmt: skip
"""All that is not number by number, every kind of derivative, every dtype, and what Python would do otherwise."""


def request(expression: str, at: dict[str, str], **cells: Any) -> Request:
    known = parse(expression, at)
    dtype = cells.get("dtype", "float64")
    (point,) = parse_points(at, known, dtype, 0)
    if "upstream" in cells:
        (weights,) = parse_points({"g": cells["upstream"]}, parse("g"), dtype, 0)
        cells["upstream"] = weights["g"]
    wrt = [name for name in known.variables if name not in label_variables(known)]
    return Request(0, expression, point, wrt, "torch", **cells)


def by_row() -> Iterator[Request]:
    """Every operation that works number by number, at one ordinary point."""
    for row in ROWS:
        if row.hidden or row.logical or row.name == "where":
            continue
        values = [POINTS.get(row.name, 0.37), 1.9, 2.6][: len(row.parameters)]
        if row.name == "clip":
            values = [0.3, -1.0, 2.0]
        at = {name: str(value) for name, value in zip(row.parameters, values, strict=True)}
        yield request(f"{row.name}({', '.join(row.parameters)})*3", at)
    for row in ROWS:
        if row.logical and not row.hidden:
            text = {1: f"{row.operator} x > y"}.get(len(row.parameters), f"x {row.operator} y")
            text = f"x > 0 {row.operator} y > 2" if row.name in ("logical_and", "logical_or") else text
            yield request(f"where({text}, 3*x, 5*x*y)", {"x": "1.5", "y": "2"})


REQUESTS = [
    *by_row(),
    *(request(expression, at, **cells) for expression, at, cells in ARRAYS),
    *(request(row["expression"], row["at"]) for row in PUBLISHED),
]
Printed = dict[str, list[float | None]]


@dataclass(frozen=True)
class Run:
    """What a program printed, and what gradtool's witness of the same framework says."""

    request: Request
    text: str
    printed: Printed
    own: Autodiff

    @property
    def told(self) -> str:
        return f"{self.own.witness}: {self.request.expression} at {self.request.point}: {self.printed}\n{self.text}"


@pytest.fixture(scope="module")
def runs(host: Host, printers: Printers) -> Callable[[str], Sequence[Run]]:
    """All of them, run once for each framework."""
    done: dict[str, list[Run]] = {}

    def run(framework: str) -> list[Run]:
        if framework not in done:
            asked = [replace(each, framework=framework) for each in REQUESTS]
            answers = host.ask(framework, asked)
            texts = [programs(each)[framework] for each in asked]
            records = [records[0] for records in answers]
            assert all(isinstance(record, Autodiff) for record in records), records
            done[framework] = [
                Run(*parts)
                for parts in zip(asked, texts, printers.ran(texts, framework), records, strict=True)  # type: ignore[arg-type]
            ]
        return done[framework]

    return run


def close(printed: Sequence[float | None], wanted: Sequence[float | None], dtype: str, scale: float = 0.0) -> bool:
    """Equal up to the rounding of a few operations; NaN and the infinities as they are."""
    found = np.array([math.nan if number is None else number for number in printed])
    truth = np.array([math.nan if number is None else number for number in wanted])
    tolerance = {"float64": 1e-10, "float32": 1e-6, "float16": 4e-3, "bfloat16": 2e-2}[dtype]
    return found.shape == truth.shape and np.allclose(found, truth, rtol=tolerance, atol=scale, equal_nan=True)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_printed_runs_and_gives_the_numbers_of_the_witness(
    runs: Callable[[str], Sequence[Run]], framework: str
) -> None:
    """The value and every derivative; where the witness has no gradient, the program prints None or zeros."""
    assert len(REQUESTS) >= (300 if WHOLE else 200)
    for run in runs(framework):
        value, *derivatives = run.printed.values()
        assert close(value, flat(run.own.value), run.request.dtype), run.told
        assert len(derivatives) == len(run.own.gradients), run.told
        for numbers, (name, gradient) in zip(derivatives, run.own.gradients.items(), strict=True):
            if gradient is None:
                assert set(numbers) <= {None, 0.0}, (name, run.told)
            else:
                assert close(numbers, flat(gradient), run.request.dtype, 1e-15), (name, run.told)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_published_formulas_come_out_right(runs: Callable[[str], Sequence[Run]], framework: str) -> None:
    """Values and gradients of 30 digits, computed by mpmath."""
    compared = 0
    for run, row in zip(runs(framework)[-len(PUBLISHED) :], PUBLISHED, strict=True):
        if any(name in row["expression"] for name in KNOWN):
            continue
        value, *derivatives = run.printed.values()
        assert close(value, [float(row["value"])], "float64"), run.told
        for numbers, name in zip(derivatives, run.request.wrt, strict=True):
            compared += 1
            assert close(numbers, [float(row["gradient"][name])], "float64"), (name, run.told)
    assert compared > (500 if WHOLE else 170)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_program_runs_in_the_very_setting_that_the_witness_measures(
    host: Host, printers: Printers, framework: str
) -> None:
    """TensorFlow's softmax in float32 has other last digits with oneDNN, which was switched off for the witness."""
    asked = request("softmax(x)", {"x": "[1, 2, 3]"}, dtype="float32", upstream="[1, 0, 1]")
    ((own, *_),) = host.ask(framework, [replace(asked, framework=framework)])
    assert isinstance(own, Autodiff)
    (printed,) = printers.ran([programs(asked)[framework]], framework)
    told = [own.value, *(value for value in own.gradients.values() if value is not None)]
    assert [*printed.values()] == [list(flat(value)) for value in told]


def test_every_operation_of_the_table_is_printed_once_at_least() -> None:
    used = {call for each in REQUESTS for call in _operations(each.expression, each.point)}
    assert {name for name, row in OPERATIONS.items() if not row.hidden} - used == set()


def _operations(text: str, point: Any) -> set[str]:
    from gradtool.target.tree import calls  # noqa: PLC0415

    return {call.operation for call in calls(parse(text, point).tree)}
