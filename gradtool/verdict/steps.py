"""The chain rule node by node: what the framework kept of each node beside the exact walk, with a verdict on each.

A retained gradient is judged as the gradient itself is: against the exact adjoint and its own error bound. Where a node
fails whose nodes above are fine, the digits are lost on this very link.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext

from gradtool.evidence import Autodiff, Exact, ExactEntry, ExactNode, ExactTrace, Trace
from gradtool.target.chain import Node, Path, chain, local_shape
from gradtool.target.dtype import FORMATS
from gradtool.target.expression import Expression
from gradtool.target.local import local_formula, pullback_rule
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Call, Variable
from gradtool.values import Value, flat
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import SAFETY, WIDE, Case
from gradtool.verdict.record import Entry, Numbers, Step, StepPath, worst

__all__ = ["steps"]

EXACTLY = Decimal("1e-20")
"""Two ways to the same exact number may differ by this share of it."""

FLOWING = ("output", "intermediate", "leaf")
"""Kinds of nodes that a gradient flows through."""


def steps(
    case: Case,
    expression: Expression,
    wrt: Sequence[str],
    kept: Trace | None,
    exact: ExactTrace | None,
    entries: Sequence[Entry],
) -> tuple[Step, ...]:
    """Every node, arguments before what uses them, the output last. ``entries`` are the verdicts on the gradient."""
    with localcontext(WIDE):
        made = _Steps(case, chain(expression, case.point, wrt), kept, exact, entries)
        found = [made.step(place) for place in range(len(made.nodes))]
        return tuple(replace(step, note=_note(step, found, case.dtype)) for step in found)


class _Steps:
    def __init__(
        self, case: Case, nodes: list[Node], kept: Trace | None, exact: ExactTrace | None, entries: Sequence[Entry]
    ) -> None:
        self.case, self.nodes, self.kept, self.entries = case, nodes, kept, entries
        self.exact = exact.nodes if exact else []
        self.smooth = not any(entry.verdict in {"not_differentiable", "undefined"} for entry in entries)

    def step(self, place: int) -> Step:
        """One node with everything that is known about it."""
        node, walked = self.nodes[place], self._walked(self.nodes[place].mark)
        value = self._value(node)
        found = Step(
            place,
            node.kind,
            node.operation,
            node.text,
            node.tree.span,
            node.shape,
            node.arguments,
            tuple(self._path(node, path) for path in node.paths),
            value,
            tuple(walked.values) if walked else (),
            walked is not None and value is not None and self._off(value, walked),
            framework_node=self.kept.names[node.mark] if self.kept and node.mark >= 0 else "",
        )
        if node.kind not in FLOWING:
            return found
        retained = self._retained(node)
        own = self._own_entries(node) if isinstance(node.tree, Variable) else self._judged(node, walked, retained)
        verdict = worst([entry.verdict for entry in own])
        known = self.exact or any(entry.symbolic or entry.left or entry.right for entry in own)
        kinked = [entry.verdict == "not_differentiable" for entry in own]
        adjoint = tuple(None if kink else entry.symbolic for entry, kink in zip(own, kinked, strict=True))
        return replace(
            found,
            paths=_adding_up(found.paths, adjoint),
            retained=retained,
            adjoint=adjoint if known else (),
            verdict=verdict,
            reason=next((entry.reason for entry in own if entry.verdict == verdict), ""),
            ulp=max((entry.ulp for entry in own if entry.ulp is not None), default=None),
        )

    def _walked(self, mark: int) -> ExactNode | None:
        return self.exact[mark] if 0 <= mark < len(self.exact) else None

    # ---- the framework's side

    def _value(self, node: Node) -> Value | None:
        if node.mark < 0 and isinstance(node.tree, Variable):
            return self.case.point[node.tree.name]
        return self.kept.values[node.mark] if self.kept else None

    def _retained(self, node: Node) -> Value | None:
        """The framework's gradient; None where it kept none."""
        if isinstance(node.tree, Variable):
            return self.case.autodiff.gradients.get(node.tree.name) if self.case.autodiff else None
        return self.kept.gradients[node.mark] if self.kept else None

    def _off(self, value: Value, walked: ExactNode) -> bool:
        """Whether a number of the value differs by more than rounding explains, or in more than half its digits."""
        form = FORMATS[self.case.dtype]
        for number, text, bound in zip(flat(value), walked.values, walked.bounds, strict=True):
            if text is None or not (truth := Decimal(text)).is_finite():
                continue
            if not math.isfinite(number):
                return True
            allowed = SAFETY * Decimal(bound) + 8 * Decimal(form.unit) * abs(truth)
            error = abs(Decimal(number) - truth)
            half = abs(truth) * Decimal(2) ** (-form.precision // 2)
            if error > min(allowed, half) + Decimal(form.smallest):
                return True
        return False

    # ---- verdicts

    def _own_entries(self, node: Node) -> list[Entry]:
        """Those of the gradient itself, for a variable."""
        return [entry for entry in self.entries if isinstance(node.tree, Variable) and entry.variable == node.tree.name]

    def _judged(self, node: Node, walked: ExactNode | None, retained: Value | None) -> list[Entry]:
        """A verdict on every number of the retained gradient."""
        autodiff = self.case.autodiff
        told = [self._settled(entry) for entry in walked.entries] if walked else []
        claims = None if autodiff is None else _claiming(autodiff, str(node.mark), retained)
        exact = None if self.case.exact is None else _telling(self.case.exact, told)
        return judge(replace(self.case, autodiff=claims, exact=exact), [str(node.mark)])

    def _settled(self, entry: ExactEntry) -> ExactEntry:
        """A kink of a formula's own, where the gradient has none, says only that rounding decides a branch."""
        row = OPERATIONS.get(entry.touched.operation) if entry.touched else None
        if entry.kind == "smooth" or not self.smooth or row is None or row.kinks:
            return entry
        return replace(entry, kind="smooth", doubtful=True)

    # ---- paths

    def _path(self, node: Node, path: Path) -> StepPath:
        parent, walked = self.nodes[path.parent], self._walked(path.mark)
        if node.kind not in FLOWING or not isinstance(parent.tree, Call):
            return StepPath(path.parent, path.place)
        below = [self.nodes[place] for place in parent.arguments]
        texts = [argument.text for argument in below]
        local = tuple(walked.local) if walked else ()
        return StepPath(
            path.parent,
            path.place,
            local_formula(parent.tree, path.place, texts),
            pullback_rule(parent.tree, path.place, texts, parent.text, [argument.shape for argument in below]),
            local,
            (local_shape(node, parent) or ()) if local else (),
            self._contribution(walked),
        )

    def _contribution(self, walked: ExactNode | None) -> Numbers:
        if walked is None:
            return ()
        return tuple(
            entry.derivative if self.smooth or self._settled(entry).kind == "smooth" else None
            for entry in walked.entries
        )


def _adding_up(paths: tuple[StepPath, ...], adjoint: Numbers) -> tuple[StepPath, ...]:
    """``paths``, without contributions where they do not add up: kinks that cancel each other have no derivatives."""
    for place, total in enumerate(adjoint):
        terms = [
            Decimal(text) for path in paths if path.contribution and (text := path.contribution[place]) is not None
        ]
        if total is None or len(terms) < len(paths):
            continue
        apart = abs(sum(terms) - Decimal(total))
        if apart > EXACTLY * max(map(abs, terms), default=Decimal(0)):
            return tuple(replace(path, contribution=(None,) * len(adjoint)) for path in paths)
    return paths


def _claiming(autodiff: Autodiff, name: str, retained: Value | None) -> Autodiff:
    return replace(autodiff, gradients={name: retained}, differences=[], survey=None)


def _telling(exact: Exact, entries: list[ExactEntry]) -> Exact:
    return replace(exact, entries=entries, grids=[])


# ---- where something goes wrong first


def _note(step: Step, found: Sequence[Step], dtype: str) -> str:
    """What enters here, or gets lost here, and not yet above (for a gradient) or below (for a value)."""
    parents = [found[path.parent] for path in step.paths]
    if (word := _broken(step.value)) and not any(_broken(found[place].value) for place in step.arguments):
        return f"{word} enters here, in the value{_overflow(step, dtype)}"
    if step.value_off and not any(found[place].value_off for place in step.arguments):
        return f"digits are lost here, in the value{_overflow(step, dtype)}"
    if (word := _broken(step.retained)) and not any(_broken(parent.retained) for parent in parents):
        labels = dict.fromkeys(OPERATIONS[parent.operation].label for parent in _suspects(parents, found))
        return f"{word} enters here, on the way back through {' or '.join(labels)}"
    bad = step.verdict in {"unstable", "wrong"}
    if bad and parents and not any(parent.verdict in {"unstable", "wrong"} for parent in parents):
        return step.reason
    return ""


def _suspects(parents: Sequence[Step], found: Sequence[Step]) -> Sequence[Step]:
    """The parents with a broken number in their value or in an argument's, if there are any, else all."""
    broken = [
        parent
        for parent in parents
        if _broken(parent.value) or any(_broken(found[place].value) for place in parent.arguments)
    ]
    return broken or parents


def _overflow(step: Step, dtype: str) -> str:
    largest = Decimal(FORMATS[dtype].largest)
    if any(text is not None and abs(Decimal(text)) > largest for text in step.exact):
        return f": {OPERATIONS[step.operation].label} overflows {dtype}" if step.operation in OPERATIONS else ""
    return ""


def _broken(value: Value | None) -> str:
    """``nan`` or ``inf`` if the value holds one."""
    numbers = () if value is None else flat(value)
    if any(map(math.isnan, numbers)):
        return "nan"
    return "inf" if any(map(math.isinf, numbers)) else ""
