"""Evidence made by hand, and the verdict on it."""

from __future__ import annotations

from typing import Any

from gradtool.evidence import Autodiff, Difference, Exact, ExactEntry
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import Case
from gradtool.verdict.record import WORDS, Entry

MISSING: Any = object()


def bar(value: float, width: float, regime: str = "smooth") -> Difference:
    return Difference("x", regime, value, width, value, width, value, width, 125)


def exact(derivative: str | None = "1", kind: str = "smooth", **cells: Any) -> ExactEntry:
    return ExactEntry("x", kind, derivative, **cells)


def judged(
    claimed: Any,
    entry: ExactEntry | None,
    *,
    dtype: str = "float64",
    value: str | None = "1",
    status: str = "defined",
    difference: Difference | None = None,
    operations: tuple[str, ...] = (),
    framework: str = "torch",
    **rest: Any,
) -> Entry:
    """The verdict on df/dx; ``claimed`` MISSING means that the framework failed, ``status`` empty no exact walk."""
    autodiff = Autodiff(0, "torch", "2", 1.0, {"x": claimed}, [difference] if difference else [], 0.0)
    walked = Exact(0, status, value, [entry] if entry else [], **rest) if status else None
    case = Case(
        "sin(x) - exp(x)", dtype, framework, "PyTorch", None if claimed is MISSING else autodiff, walked,
        frozenset(operations), ("x",), {"x": 1.0},
    )  # fmt: skip
    (found,) = judge(case, ["x"])
    assert found.verdict in WORDS
    assert found.reason
    return found
