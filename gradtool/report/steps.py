"""The chain rule as an indented tree, from the output down to the leaves; what both its forms tell about a step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.cells import cell_len

from gradtool.report.numbers import WRITTEN_OUT, nested, rounded_exact, value_text
from gradtool.report.wrap import wrapped
from gradtool.target.operations import OPERATIONS
from gradtool.terminal import Terminal
from gradtool.values import Shape, Value, flat, shape_of, shape_text
from gradtool.verdict.record import CheckRecord, Numbers, Step, StepPath
from gradtool.verdict.words import EQUAL, ulps

__all__ = ["head_text", "local_text", "numbers_text", "retained_text", "step_lines", "sum_text", "value_line"]

LONG_TEXT = 60
"""A node whose text is longer is called by its operation; what it is made of stands below."""

ONLY_COMPARED = "it is only compared"

Line = tuple[str, str, str]
"""What stands before the text, the text, and its style."""


def step_lines(record: CheckRecord, terminal: Terminal) -> list[Line]:
    """The tree of the record's steps, and after it the leaves in which several paths meet."""
    return list(_Tree(record, terminal).lines())


# ---- what is told about a step


def head_text(step: Step) -> str:
    """The node's own text; of a long one the operation."""
    row = OPERATIONS.get(step.operation)
    return step.text if row is None or len(step.text) <= LONG_TEXT else row.label


def value_line(step: Step, dtype: str) -> str:
    """The node and its value."""
    text = head_text(step)
    if step.kind == "condition" and not step.shape and step.value is not None:
        return f"{text} is {'true' if step.value else 'false'}"
    if step.value is None or (step.operation == "number" and step.kind == "constant" and not _named(step)):
        return text
    return f"{text} = {_value(step.value, dtype)}"


def numbers_text(numbers: Numbers, shape: Shape, dtype: str) -> str:
    """Exact numbers, written out where they are few; else their shape and norm."""
    if not numbers:
        return "unknown"
    if len(numbers) <= WRITTEN_OUT:
        return nested(["none" if text is None else rounded_exact(text, dtype) for text in numbers], shape)
    known = [float(Decimal(text)) for text in numbers if text is not None]
    return f"{shape_text(shape)} array, norm {math.hypot(*known):.6g}"


def local_text(path: StepPath, dtype: str) -> str:
    """The local derivative: its formula, or the rule of an operation over whole arrays, and its numbers."""
    numbers = numbers_text(path.local, path.local_shape, dtype) if path.local else ""
    same = path.formula.lstrip("-").isdigit() or path.formula.replace(" ", "") == numbers.replace(" ", "")
    if path.formula and (same or not numbers):
        return path.formula
    return f"{path.formula} = {numbers}" if path.formula else numbers


def retained_text(step: Step, dtype: str) -> str:
    """The framework's gradient, its distance from the exact one, and the verdict."""
    parts = ["None, which counts as 0" if step.retained is None else _value(step.retained, dtype)]
    if step.ulp is not None:
        most = "at most " if step.shape and step.ulp >= EQUAL else ""
        parts.append(f"{most}{ulps(step.ulp)} ulp")
    return ", ".join([*parts, step.verdict])


def _named(step: Step) -> bool:
    """Whether the text is a name, such as pi, and not the number itself."""
    return not step.text[:1].isdigit() and not step.text.startswith((".", "-"))


def _value(value: Value, dtype: str) -> str:
    numbers = flat(value)
    if len(numbers) <= WRITTEN_OUT:
        return value_text(value, dtype)
    return f"{shape_text(shape_of(value))} array, norm {math.hypot(*numbers):.6g}"


# ---- the tree


class _Tree:
    def __init__(self, record: CheckRecord, terminal: Terminal) -> None:
        self.record, self.terminal, self.steps = record, terminal, record.steps
        self.met: dict[int, int] = {}
        self.label = max(len(record.title), len("adjoint"))

    def lines(self) -> Iterator[Line]:
        """The heading, the tree, the meeting points."""
        told = "The chain rule from the output down: adjoint = df/d(node) = adjoint above * local derivative."
        if any(path.rule for step in self.steps for path in step.paths):
            told += " In the rule of an operation on whole arrays G is the adjoint above."
        for part in wrapped(self.terminal.glyphs(told), self.terminal.width - 2):
            yield "  ", part, ""
        yield "", "", ""
        yield from self._node(self.steps[-1], None, "  ", "  ", 0)
        for step in self.steps:
            if step.kind == "leaf" and len(step.paths) != 1 and step is not self.steps[-1]:
                yield "", "", ""
                yield from self._meeting(step)

    def _node(self, step: Step, path: StepPath | None, first: str, rest: str, depth: int) -> Iterator[Line]:
        """A node and what is below it; ``first`` stands before its own line, ``rest`` before the others."""
        below = self._below(step)
        yield from self._wrapped(f"{value_line(step, self.record.dtype)}{self._kind(step)}", first, f"{rest}   ", "")
        body = f"{rest}{'│' if below else ' '}  "
        for label, text, style in self._facts(step, path):
            yield from self._fact(label, text, style, body)
        room = len(rest) < max(self.terminal.width // 2, 12)
        for place, (child, own) in enumerate(below):
            last = place == len(below) - 1
            branch = f"{rest}{'└' if last else '├'}─ " if room else f"{rest}{depth + 1}: "
            inner = f"{rest}{' ' if last else '│'}  " if room else rest
            yield from self._node(child, own, branch, inner, depth + 1)

    def _below(self, step: Step) -> list[tuple[Step, StepPath]]:
        found = []
        for place, child in enumerate(step.arguments):
            own = next(path for path in self.steps[child].paths if (path.parent, path.place) == (step.id, place))
            found.append((self.steps[child], own))
        return found

    def _kind(self, step: Step) -> str:
        """Leaf, intermediate and so on, with the framework's name for the node, or which of its paths this is."""
        told = step.kind
        if step.kind == "leaf" and len(step.paths) > 1:
            self.met[step.id] = self.met.get(step.id, 0) + 1
            told += f", path {self.met[step.id]} of {len(step.paths)}"
        elif step.framework_node and step.kind not in {"constant", "condition"}:
            told += f", {step.framework_node}"
        return f"   {told}"

    def _facts(self, step: Step, path: StepPath | None) -> Iterator[tuple[str, str, str]]:
        """Label, text and style of each line about a node, as one path reaches it."""
        dtype = self.record.dtype
        if step.value_off:
            yield "exactly", numbers_text(step.exact, step.shape, dtype), ""
        if step.kind in {"constant", "condition"}:
            return
        if path is not None and (told := local_text(path, dtype)):
            yield "local", told, ""
        if path is not None and path.rule:
            yield "rule", path.rule, ""
        meets = step.kind == "leaf" and len(step.paths) > 1
        numbers = path.contribution if path is not None and meets else step.adjoint
        yield "adds" if meets else "adjoint", self._product(step, path, numbers), ""
        if not meets:
            yield from self._judged(step)

    def _product(self, step: Step, path: StepPath | None, numbers: Numbers) -> str:
        """The adjoint, of single numbers as the product that it is."""
        told = numbers_text(numbers, step.shape, self.record.dtype)
        if path is None or step.shape or len(path.local) != 1 or told in {"none", "unknown"}:
            return told
        above = self.steps[path.parent]
        if above.shape or len(above.adjoint) != 1 or None in (*path.local, *above.adjoint):
            return told
        dtype = self.record.dtype
        return f"{numbers_text(above.adjoint, (), dtype)} * {numbers_text(path.local, (), dtype)} = {told}"

    def _judged(self, step: Step) -> Iterator[tuple[str, str, str]]:
        style = self.terminal.style(step.verdict)
        yield self.record.title, retained_text(step, self.record.dtype), "" if step.verdict == "verified" else style
        if step.note:
            yield "→", step.note, style

    def _meeting(self, step: Step) -> Iterator[Line]:
        """A leaf with several paths, or with none: what they add up to, and the framework's gradient."""
        dtype = self.record.dtype
        node = f", {step.framework_node}" if step.framework_node else ""
        yield from self._wrapped(f"{value_line(step, dtype)}   leaf{node}", "  ", "     ", "")
        facts = [("paths meet", _meeting_text(step, dtype), "")] if step.paths else [("no path", ONLY_COMPARED, "")]
        for label, text, style in [*facts, *self._judged(step)]:
            yield from self._fact(label, text, style, "     ", len("paths meet"))

    def _fact(self, label: str, text: str, style: str, prefix: str, width: int = 0) -> Iterator[Line]:
        shown = self.terminal.glyphs(label)
        yield from self._wrapped(text, prefix + shown.ljust(max(self.label, width) + 2), f"{prefix}    ", style)

    def _wrapped(self, text: str, first: str, rest: str, style: str) -> Iterator[Line]:
        """``text`` behind ``first``, what does not fit behind ``rest``."""
        room = self.terminal.width - max(cell_len(first), cell_len(rest))
        for number, part in enumerate(wrapped(self.terminal.glyphs(text), max(room, 8))):
            yield self.terminal.glyphs(rest if number else first), part, style


def _meeting_text(step: Step, dtype: str) -> str:
    """What the paths of a leaf add up to."""
    terms = [numbers_text(path.contribution, step.shape, dtype) for path in step.paths]
    total = numbers_text(step.adjoint, step.shape, dtype)
    if not step.adjoint:
        return "unknown"
    if None in step.adjoint:
        return "there is no derivative here"
    if "none" in terms:
        return f"their kinks cancel: {total}"
    return f"{sum_text(terms)} = {total}" if len(step.adjoint) <= WRITTEN_OUT else f"{len(terms)} of them, {total}"


def sum_text(terms: Sequence[str]) -> str:
    """The terms added up, those with a minus subtracted."""
    return terms[0] + "".join(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in terms[1:])
