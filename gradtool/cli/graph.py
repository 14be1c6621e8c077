"""``--steps`` and ``--graph``: what can be told node by node is looked at before any work, and drawn after it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gradtool.cli.files import look_at_file
from gradtool.problem import Problem, ProblemError
from gradtool.target.chain import chain, size
from gradtool.target.suite import Target, Unreadable
from gradtool.verdict.record import CheckRecord

__all__ = ["look_at_steps", "write_graph"]

MAX_NODES = 250
"""Most nodes that are told one by one."""

MAX_NUMBERS = 20_000
"""Most numbers in all of them."""


def look_at_steps(targets: Sequence[Target | Unreadable], graph: Path | None) -> None:
    """Raise ProblemError where steps can't be told: a suite, a sweep, a large expression, a bad file for a graph."""
    target = targets[0] if len(targets) == 1 else None
    if not isinstance(target, Target):
        raise ProblemError(
            Problem("steps", "--steps tells one expression, no suite", hint="give the expression itself")
        )
    points = target.points or [{}]
    if len(points) > 1:
        hint = "give each variable one value, as --at x=4"
        raise ProblemError(Problem("steps", f"--steps tells one point, and there are {len(points)}", hint=hint))
    nodes = chain(target.expression, points[0], target.wrt)
    if len(nodes) > MAX_NODES or size(nodes) > MAX_NUMBERS:
        why = f"it has {len(nodes)} nodes with {size(nodes)} numbers; up to {MAX_NODES} with {MAX_NUMBERS} can be told"
        hint = "take smaller arrays, or a part of the expression"
        raise ProblemError(Problem("steps", "this expression is too large to be told node by node", why=why, hint=hint))
    if graph is not None:
        _look_at_file(graph)


def _look_at_file(graph: Path) -> None:
    from gradtool.report.graph import SUFFIXES  # noqa: PLC0415  # only where a graph is wanted

    name = str(graph)
    if graph.suffix.lower() not in SUFFIXES:
        hint = "name a file, as chain.mmd for Mermaid or chain.dot for Graphviz"
        raise ProblemError(Problem("graph", "a graph is a .mmd or a .dot file", name, (0, len(name)), hint=hint))
    look_at_file(graph, "--graph")


def write_graph(graph: Path, record: CheckRecord) -> None:
    """Write the steps to the file ``graph``; nothing where there are none."""
    from gradtool.report.graph import SUFFIXES  # noqa: PLC0415  # likewise

    if not record.steps:
        return
    try:
        graph.write_text(SUFFIXES[graph.suffix.lower()](record), encoding="utf-8")
    except OSError as error:
        raise ProblemError(Problem("graph", f"{graph} can't be written: {error.strerror}")) from None
