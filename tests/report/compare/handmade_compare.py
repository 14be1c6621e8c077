"""Comparisons made by hand, one for each thing a report has to tell, and the reports on them."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from gradtool.evidence import Failure
from gradtool.problem import Problem
from gradtool.report.compare import FORMATS
from gradtool.terminal import Terminal
from gradtool.verdict.compare.comparison import compared
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.record import CheckRecord, Entry, Finding, worst

TITLES = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
MEND = "Write the operation in another way; if the framework is at fault, this record is what its maintainers need."


def entry(number: float | None, verdict: str = "verified", truth: str | None = None, **cells: Any) -> Entry:
    return Entry(cells.pop("variable", "x"), number, verdict, cells.pop("reason", "a reason"), truth, **cells)


def side(framework: str, target: str, entries: Sequence[Entry], **cells: Any) -> CheckRecord:
    told: dict[str, Any] = {
        "point": {"x": 3.0}, "versions": {framework: "2.0"}, "value": 9.0, "exact_value": "9", "norm": 6.0,
        "dtype": "float64", "verdict": worst([one.verdict for one in entries]), "formulas": {"x": "2*x"}, **cells,
    }  # fmt: skip
    name = told.pop("name", target)
    return CheckRecord(name, target, framework, TITLES[framework], seed=0, entries=tuple(entries), **told)


def record(target: str, one: Sequence[Entry], two: Sequence[Entry], **cells: Any) -> CompareRecord:
    """A comparison; ``cells`` of the form first_x or second_x belong to one side."""
    own = [{key.removeprefix(f"{place}_"): cell for key, cell in cells.items() if key.startswith(f"{place}_")}
           for place in ("first", "second")]  # fmt: skip
    both = {key: cell for key, cell in cells.items() if not key.startswith(("first_", "second_"))}
    sides = side("torch", target, one, **both, **own[0]), side("tensorflow", target, two, **both, **own[1])
    claims = [{e.variable: e.autodiff for e in s.entries} if s.value is not None else {} for s in sides]
    return compared(sides, (claims[0], claims[1]), 0.25)


SAME = record("x**2", [entry(6.0, truth="6", ulp=0.0, power=1e-15)], [entry(6.0, truth="6", ulp=0.0, power=2e-15)])
ROUNDING = record(
    "exp(x)",
    [entry(20.085536923187668, truth="20.0855369231876677409285296546", ulp=0.1, power=1e-15)],
    [entry(20.08553692318767, truth="20.0855369231876677409285296546", ulp=0.9, power=2e-15)],
)
ONE = record(
    "gelu(x)",
    [entry(1.0833154705876864, truth="1.08331547058768629838", ulp=0.47)],
    [entry(1.0833154664465336, "wrong", "1.08331547058768629838", ulp=18650093.0)],
    second_findings=(Finding("GT001", "error", "x", "autodiff is off by 3.8e-09 relative", MEND),),
)
NAN = record(
    "where(x > 0, sqrt(x), 0)",
    [entry(math.nan, "unstable", "0")],
    [entry(0.0, truth="0")],
    first_norm=None, first_nan=1, second_norm=0.0,
    first_findings=(Finding("GT002", "error", "x", "autodiff gives nan", "write it otherwise"),),
)  # fmt: skip
KINK = record(
    "max(x, 0)",
    [entry(0.5, "not_differentiable", left="0", right="1", spot="a kink of max")],
    [entry(1.0, "not_differentiable", left="0", right="1", spot="a kink of max")],
    point={"x": 0.0}, findings=(Finding("GT003", "note", "x", "a kink of max", "harmless"),),
)  # fmt: skip
SHARED = record(
    "log(1 + exp(x))", [entry(math.nan, "unstable", "1")], [entry(math.nan, "unstable", "1")], norm=None, nan=1,
    findings=(Finding("GT002", "error", "x", "exp overflows", "write softplus(x)"),),
)  # fmt: skip
MISSING = record(
    "x**2", [entry(6.0, truth="6", ulp=0.0)], [entry(None, "inconclusive", "6")], second_value=None, second_norm=None,
    second_failures=(Failure(0, "tensorflow", "missing", "TensorFlow is not installed", "pip install it"),),
)  # fmt: skip
MANY = record(
    "sum(x**3)",
    [entry(float(n), truth=str(n), ulp=0.0, index=(n,)) for n in range(1, 61)],
    [entry(n * (1 + 2.0**-52 * (n == 41)), truth=str(n), ulp=float(n == 41), index=(n,)) for n in range(1, 61)],
)
UNREADABLE = record(
    "sni(x)", [], [], value=None,
    problems=(Problem("unknown-function", "there is no function called sni", "sni(x)", (0, 3)),),
)  # fmt: skip
HOSTILE = record("w*x", [entry(1.0, truth="1", ulp=0.0)], [entry(2.0, "wrong", "1", ulp=4.5e15)],
                 name="a|b `c` w[i] [/b] [red]x <f>", formulas={"x": "x[/]"})  # fmt: skip
SUITE = [SAME, ROUNDING, ONE, NAN, KINK, SHARED, MISSING, MANY, UNREADABLE, HOSTILE]


def told(
    records: Sequence[CompareRecord],
    form: str = "table",
    width: int = 80,
    *,
    unicode: bool = True,
    colour: bool = False,
) -> str:
    """The report on ``records`` in a format, as text."""
    stream = io.StringIO()
    module, name = FORMATS[form]
    getattr(import_module(module), name)(iter(records), Terminal(stream, width, colour, unicode), 1.25)
    return stream.getvalue()
