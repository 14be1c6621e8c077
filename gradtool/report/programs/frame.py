"""What both programs have in common: the import, the variables, the expression, and what is printed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from gradtool.evidence import Request
from gradtool.report.programs.literal import WIDTH, value_lines
from gradtool.report.programs.names import Names
from gradtool.report.programs.writer import Dialect, Writer
from gradtool.target.expression import parse
from gradtool.target.inference import label_variables, output_shape
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Call, Tree, Variable
from gradtool.values import Value, shape_of

__all__ = ["Frame", "indented"]


def indented(lines: Iterable[str]) -> list[str]:
    """The lines of a block."""
    return [f"    {line}" if line else "" for line in lines]


class Frame:
    """One program for one request; each framework adds how a variable is made and a method for each mode."""

    def __init__(self, request: Request, dialect: Dialect) -> None:
        self.request = request
        self.expression = parse(request.expression, request.point)
        self.shapes = {name: shape_of(value) for name, value in request.point.items()}
        self.shape = output_shape(self.expression, request.point)
        self.labels = label_variables(self.expression)
        self.names = Names(self.expression.variables)
        self.value = self.names.fresh("f", "value", "result")
        self.tape = ""
        self.writer = Writer(dialect, self.names, self.shapes)

    def program(self, imported: str, mode: Callable[[Any], list[str]]) -> str:
        """The whole text, which ends in a line break."""
        body = mode(self)
        leaves = [line for name in self.expression.variables for line in self.leaf(name, self.request.point[name])]
        head = [imported]
        if any("math." in line.replace("tf.math.", "") for line in (*body, *leaves)):
            head = ["import math", "", imported]
        gap = ["", ""] if body[0].startswith("def ") else [""]
        return "\n".join([*head, "", *leaves, *gap, *body, ""])

    def leaf(self, name: str, value: Value) -> list[str]:
        """The line that makes a variable."""
        raise NotImplementedError

    def dtype(self, name: str) -> str:
        """That of a variable: class labels are whole numbers."""
        return "int64" if name in self.labels else self.request.dtype

    def assigned(self, name: str, before: str, value: Value, dtype: str, after: str) -> list[str]:
        """``name = before(value)after``; on lines of their own, a long list's first and last bracket close it."""
        first, *rest = value_lines(value, dtype)
        line = f"{name} = {before}{first}"
        if not rest:
            if len(line) + len(after) <= WIDTH or first[0] != "[":
                return [f"{line}{after}"]
            return [f"{name} = {before}", f"    {first},", f"    {after.removeprefix(', ').removesuffix(')')},", ")"]
        return [line, *rest[:-1], f"{rest[-1]}{after}"]

    def statements(self, result: str) -> list[str]:
        """The expression, parts of it first where it is long; ``result`` is a name, or the word return."""
        text = self.writer.written(self.expression.tree)
        return [*self.writer.lines, f"return {text}" if result == "return" else f"{result} = {text}"]

    def arguments(self) -> str:
        """The variables to differentiate by, as they are handed over."""
        return ", ".join(self.names.variables[name] for name in self.request.wrt)

    def by(self, *names: str) -> str:
        """What a printed derivative is called."""
        below = "".join(f"d{name}" for name in names)
        return f"d{len(names) if len(names) > 1 else ''}{self.value}/{below} ="

    def printed(self, label: str, text: str, remark: str = "") -> str:
        """A line that prints."""
        return f'print("{label}", {text}){remark}'

    def printed_order(self, order: str, name: str, text: str) -> str:
        """A line of a loop over the orders that prints one derivative."""
        return f'    print(f"derivative {{{order}}} by {name} =", {text})'

    def flowing(self, stops: Collection[str] = ()) -> frozenset[str]:
        """The variables that a gradient reaches: not only compared, and not only behind ``stops``."""
        return _flowing(self.expression.tree, stops)


def _flowing(tree: Tree, stops: Collection[str]) -> frozenset[str]:
    if isinstance(tree, Call):
        stopped = OPERATIONS[tree.operation].logical or tree.operation in stops
        parts: Sequence[Tree] = () if stopped else tree.arguments
        return frozenset().union(*(_flowing(part, stops) for part in parts))
    return frozenset({tree.name}) if isinstance(tree, Variable) else frozenset()
