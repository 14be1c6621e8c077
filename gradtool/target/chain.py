"""An expression as the chain rule sees it: its nodes in the order of evaluation, and the paths between them.

Every operation is a node, and so is every variable, once, however often it is used: where it is used again, two paths
from the output meet in it. A part without a variable to differentiate by is one constant, a comparison one condition.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradtool.target.expression import Expression
from gradtool.target.operations import OPERATIONS
from gradtool.target.shapes import result_shape
from gradtool.target.tree import Call, Number, Span, Tree, Variable, variables
from gradtool.values import Shape, Value, shape_of

__all__ = ["KINDS", "WRITTEN_OUT", "Node", "Path", "chain", "local_shape", "size"]

KINDS = ("output", "intermediate", "leaf", "constant", "condition")

WRITTEN_OUT = 8
"""A local derivative of up to so many numbers is written out."""


@dataclass(frozen=True, slots=True)
class Path:
    """The node is argument ``place`` of ``parent``; ``mark`` numbers this place in the whole tree."""

    parent: int
    place: int
    mark: int


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its tree, its place ``mark`` in the order of evaluation of the whole tree, and its neighbours.

    ``arguments`` are the places of nodes in the chain; ``paths`` lead up. A variable that is only compared has none,
    and -1 for a mark.
    """

    tree: Tree
    text: str
    kind: str
    shape: Shape
    mark: int
    arguments: tuple[int, ...]
    paths: tuple[Path, ...]

    @property
    def operation(self) -> str:
        """The row of the operation table, ``variable`` or ``number``."""
        if isinstance(self.tree, Call):
            return self.tree.operation
        return "variable" if isinstance(self.tree, Variable) else "number"


def chain(expression: Expression, point: Mapping[str, Value], wrt: Collection[str]) -> list[Node]:
    """The nodes, arguments before what uses them; the last one is the output."""
    return _Chain(expression.text, point, wrt).nodes_of(expression.tree)


def local_shape(node: Node, parent: Node) -> Shape | None:
    """The shape in which the derivative of ``parent`` by ``node`` is told; None where it has too many numbers.

    Number by number it has the shape of the parent, of a single number that of the node, else both.
    """
    elementwise = isinstance(parent.tree, Call) and OPERATIONS[parent.tree.operation].shape == "broadcast"
    shape = parent.shape if elementwise else (*parent.shape, *node.shape)
    return shape if math.prod(shape) <= WRITTEN_OUT else None


def size(nodes: Sequence[Node]) -> int:
    """How many numbers all the nodes hold."""
    return sum(math.prod(node.shape) for node in nodes)


@dataclass(slots=True)
class _Made:
    tree: Tree
    kind: str
    shape: Shape
    mark: int
    arguments: tuple[int, ...]
    text: str
    paths: list[Path]


class _Chain:
    def __init__(self, text: str, point: Mapping[str, Value], wrt: Collection[str]) -> None:
        self.text, self.point, self.wrt = text, point, frozenset(wrt)
        self.made: list[_Made] = []
        self.named: dict[str, int] = {}
        self.marks = 0

    def nodes_of(self, tree: Tree) -> list[Node]:
        for name in sorted((self.wrt & variables(tree)) - _flowing(tree)):
            self.named[name] = self._add(Variable(name, _first_use(tree, name)), "leaf", -1, (), name)
        place, _ = self._visited(tree, (-1, -1))
        if self.made[place].kind == "intermediate":
            self.made[place].kind = "output"
        return [Node(m.tree, m.text, m.kind, m.shape, m.mark, m.arguments, _in_order(m.paths)) for m in self.made]

    def _visited(self, tree: Tree, above: Span) -> tuple[int, int]:
        """The place of ``tree`` among the nodes, and its mark."""
        if not self._opened(tree):
            return self._closed(tree, above)
        below = [self._visited(argument, tree.span) for argument in getattr(tree, "arguments", ())]
        mark = self._next()
        if isinstance(tree, Variable):
            if tree.name not in self.named:
                self.named[tree.name] = self._add(tree, "leaf", mark, (), tree.name)
            return self.named[tree.name], mark
        place = self._add(tree, "intermediate", mark, tuple(place for place, _ in below), self._text(tree, above))
        for position, (argument, below_mark) in enumerate(below):
            self.made[argument].paths.append(Path(place, position, below_mark))
        return place, mark

    def _opened(self, tree: Tree) -> bool:
        """Whether there is a derivative to follow into ``tree``."""
        return bool(self.wrt & _flowing(tree))

    def _closed(self, tree: Tree, above: Span) -> tuple[int, int]:
        """A constant or a condition: one node for all that is in it."""
        logical = isinstance(tree, Call) and OPERATIONS[tree.operation].logical
        shape = self._shape(tree)  # also counts the marks inside
        mark = self.marks - 1
        return self._add(tree, "condition" if logical else "constant", mark, (), self._text(tree, above), shape), mark

    def _shape(self, tree: Tree) -> Shape:
        shapes = [self._shape(argument) for argument in getattr(tree, "arguments", ())]
        self._next()
        return self._result(tree, shapes)

    def _result(self, tree: Tree, shapes: Sequence[Shape]) -> Shape:
        if isinstance(tree, Call):
            return result_shape(OPERATIONS[tree.operation], shapes, dict(tree.options))[0]
        return shape_of(self.point.get(tree.name, 0.0)) if isinstance(tree, Variable) else ()

    def _next(self) -> int:
        self.marks += 1
        return self.marks - 1

    def _add(
        self, tree: Tree, kind: str, mark: int, arguments: tuple[int, ...], text: str, shape: Shape | None = None
    ) -> int:
        found = self._result(tree, [self.made[place].shape for place in arguments]) if shape is None else shape
        self.made.append(_Made(tree, kind, found, mark, arguments, text, []))
        return len(self.made) - 1

    def _text(self, tree: Tree, above: Span) -> str:
        """The user's own text in one line; of a part that has no text of its own, as in max(a, b, c), a written one."""
        if isinstance(tree, Call) and tree.span == above:
            return f"{tree.operation}({', '.join(self._text(argument, above) for argument in tree.arguments)})"
        if isinstance(tree, Number) and tree.name:
            return tree.name
        return " ".join(self.text[slice(*tree.span)].split())


def _flowing(tree: Tree) -> frozenset[str]:
    """The variables in ``tree`` that are more than compared."""
    if isinstance(tree, Call):
        parts = () if OPERATIONS[tree.operation].logical else tree.arguments
        return frozenset().union(*map(_flowing, parts))
    return variables(tree)


def _first_use(tree: Tree, name: str) -> Span:
    if isinstance(tree, Call):
        return min(_first_use(argument, name) for argument in tree.arguments if name in variables(argument))
    return tree.span


def _in_order(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The uses of a node as they stand in the text."""
    return tuple(sorted(paths, key=lambda path: path.mark))
