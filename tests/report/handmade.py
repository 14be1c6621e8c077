"""Check records made by hand, one for each thing a report has to tell, and the reports on them."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib import import_module

from gradtool.evidence import Failure
from gradtool.problem import Problem
from gradtool.report import FORMATS
from gradtool.terminal import Terminal
from gradtool.verdict.record import CheckRecord, Entry, Finding

VERSIONS = {"torch": "2.13.0", "sympy": "1.14.0"}
REMEDY = "Rewrite the formula so that nearly equal numbers are not subtracted and nothing overflows on the way."


def record(target: str, *entries: Entry, name: str = "", **cells: object) -> CheckRecord:
    """A record of PyTorch in float64 at x = 3 unless told otherwise; its verdict is that of its first entry."""
    told: dict[str, object] = {
        "point": {"x": 3.0}, "versions": VERSIONS, "value": 9.0, "verdict": entries[0].verdict,
        "norm": 6.0, "dtype": "float64", "entries": entries, "seconds": 0.1234567, **cells,
    }  # fmt: skip
    return CheckRecord(name=name or target, target=target, framework="torch", title="PyTorch", seed=0, **told)  # type: ignore[arg-type]


VERIFIED = record(
    "x**2",
    Entry("x", 6.0, "verified", "equals the exact derivative", "6", finite_difference=6.0,
          finite_difference_bar=2.3e-9, ulp=0.0, power=8.9e-16),
    formulas={"x": "2*x"},
)  # fmt: skip
UNSTABLE = record(
    "log(1 + exp(x)) - x",
    Entry("x", -0.000123456789012345, "unstable", "9 of 16 digits are lost", "-1.2345678912345678901234567890123e-4",
          finite_difference=-0.00012345, finite_difference_bar=3e-8, ulp=67108864.0, power=4e-8),
    Entry("rate", math.nan, "unstable", "autodiff gives nan", "1.5e-300"),
    point={"x": 36.0436533891172, "rate": -1e-300}, value=2.220446049250313e-16, norm=0.000123456789012345, nan=1,
    formulas={"x": "exp(x)/(exp(x) + 1) - 1", "rate": "0"},
    findings=(Finding("GT002", "error", "x", "9 of 16 digits are lost: - (subtract) cancels", REMEDY),
              Finding("GT013", "warning", "rate", "the gradient 1.5e-300 is extreme: its square underflows", "")),
)  # fmt: skip
WRONG = record(
    "gelu(x)", Entry("x", 0.5000000098, "wrong", "off by 2e-08 relative", "0.5", ulp=88294948.0, power=1e-15),
    findings=(Finding("GT001", "error", "x", "autodiff is off by 2e-08 relative", "mend the backward"),),
)  # fmt: skip
KINK = record(
    "abs(x)", Entry("x", 0.0, "not_differentiable", "a kink of abs", left="-1", right="1", unconnected=True),
    point={"x": 0.0}, findings=(Finding("GT003", "note", "x", "a kink of abs: slope -1 from the left", "harmless"),),
)  # fmt: skip
UNDEFINED = record(
    "log(x)", Entry("x", -math.inf, "undefined", "log(x) has no value at x = -1"), point={"x": -1.0}, value=math.nan,
    norm=None, inf=1, findings=(Finding("GT004", "note", "x", "log(x) has no value", "move the point"),),
)  # fmt: skip
FAILED = record(
    "sin(x)", Entry("x", None, "inconclusive", "no gradient", "-0.98999249660044545727157279473126"),
    value=None, norm=None,
    failures=(Failure(0, "torch", "timeout", "PyTorch was stopped after 120 s", "raise --timeout"),),
)  # fmt: skip
BAD = (
    Problem("unknown-function", "there is no function called sni", "sni(x) + 1", (0, 3), hint="did you mean sin?"),
    Problem("symbol", "^ is not a power here", "x^2", (1, 2), "", "a power is written **: x**2", "suite.txt:7"),
)
UNREADABLE = CheckRecord("sni(x) + 1", "sni(x) + 1", "torch", "PyTorch", "float64", 0, problems=BAD)
SHORT32 = record(
    "x/3", Entry("x", 0.3333333432674408, "verified", "agrees", "0.33333333333333333333333333333333", ulp=0.33),
    dtype="float32", point={"x": 0.10000000149011612}, value=0.03333333507180214,
)  # fmt: skip
FIVE = [
    record(
        "x*y",
        Entry("x", y, "verified", "equals", str(y), ulp=0.0, power=1e-16),
        Entry("y", x, "verified", "equals", str(x), ulp=0.0, power=2e-16),
        point={"x": x, "y": y}, value=x * y, norm=math.hypot(x, y), formulas={"x": "y", "y": "x"}, drawn=True,
    )
    for x, y in [(0.1, -2.5), (1234.56789, 1e-7), (-3.0, 1e22), (0.5, 0.25), (-1.7976931348623157e308, 5e-324)]
]  # fmt: skip
SIXTY = [record(f"x**{power}", *VERIFIED.entries, name=f"power {power}") for power in range(2, 58)] + [
    WRONG, UNREADABLE, FAILED, UNSTABLE,
]  # fmt: skip
HOSTILE = [
    record("w*x", Entry("w", 1.0, "wrong", "off", "2"), name="w[i] [/b] :smile: [red]x", formulas={"w": "x[/]"}),
    record("x + 0*y", Entry("x", 1.0, "verified", "equals", "1", ulp=0.0), name="a|b `c` *d* _e_ <f>"),
]
SUITE = [VERIFIED, UNSTABLE, WRONG, KINK, UNDEFINED, FAILED, UNREADABLE, SHORT32]

SETS: dict[str, Sequence[CheckRecord]] = {
    "verified": [VERIFIED], "unstable": [UNSTABLE], "wrong": [WRONG], "kink": [KINK], "undefined": [UNDEFINED],
    "failed": [FAILED], "unreadable": [UNREADABLE], "float32": [SHORT32], "five points": FIVE, "suite": SUITE,
    "suite of 60": SIXTY, "hostile": HOSTILE,
}  # fmt: skip


def told(
    records: Sequence[CheckRecord], form: str = "table", width: int = 80, *, unicode: bool = True, colour: bool = False
) -> str:
    """The report on ``records`` in a format, as text."""
    stream = io.StringIO()
    module, name = FORMATS[form]
    getattr(import_module(module), name)(iter(records), Terminal(stream, width, colour, unicode), 1.25)
    return stream.getvalue()
