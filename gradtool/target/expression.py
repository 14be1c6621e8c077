"""An expression as text, and the frozen tree it means.

The text follows Python's expression syntax, restricted to a whitelist: numbers, names, calls of the operation table,
operators, and comparisons inside ``where``. It is parsed by ``ast`` and never evaluated. Sizes are capped before any
work, with the same answer on every Python version.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gradtool.problem import Problem, ProblemError
from gradtool.target.operations import OPERATIONS, Operation, operation
from gradtool.target.syntax import mistakes, python_says, unknown_function

__all__ = ["CONSTANTS", "MAX_DEPTH", "MAX_LENGTH", "Call", "Expression", "Number", "Tree", "Variable", "parse"]

MAX_LENGTH = 20_000
"""Longest expression text, in characters."""

MAX_DEPTH = 250
"""Deepest tree; a sum of n terms, read from the left, is n deep."""

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
"""Names that stand for numbers unless the point gives them another value."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, or one of the constants under its ``name``."""

    value: float
    span: Span
    name: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A name whose value the point gives."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A row of the operation table applied to arguments; operators and comparisons are rows too."""

    operation: str
    arguments: tuple[Tree, ...]
    span: Span


Tree = Number | Variable | Call


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed text. ``variables`` are its free names in order of appearance."""

    text: str
    tree: Tree
    variables: tuple[str, ...]
    shadowed: tuple[str, ...] = ()
    """Constants whose names the point took over, such as ``e``."""


def parse(text: str, given: Iterable[str] = ()) -> Expression:
    """Read ``text`` as an expression; names in ``given`` are variables even where they would be constants.

    Raises ProblemError with every problem that could be found at once: an unknown function, Python syntax outside the
    whitelist, a wrong number of arguments, an expression without variables, or one that is too long or too deep.
    """
    if found := mistakes(text, MAX_LENGTH):
        raise ProblemError(*found)
    reader = _Reader(text, frozenset(given))
    tree = reader.read(_python_tree(text))
    if reader.problems or tree is None:
        raise ProblemError(*reader.problems)
    if not reader.variables:
        raise ProblemError(
            Problem(
                "no-variable",
                "there is nothing to differentiate by",
                text,
                (0, len(text)),
                "the expression has numbers and constants only, no variable",
                'name a variable, as in "x**2" --at x=3',
            )
        )
    shadowed = tuple(name for name in reader.variables if name in CONSTANTS)
    return Expression(text, tree, tuple(reader.variables), shadowed)


def parse_row_text(text: str, parameters: tuple[str, ...]) -> Tree:
    """Read a cell of the operation table (a formula, domain or derivative), whose free names are ``parameters``."""
    reader = _Reader(text, frozenset(parameters))
    tree = reader.read(_python_tree(text), condition=None)
    if reader.problems or tree is None:
        raise ProblemError(*reader.problems)
    return tree


def _one_line(text: str) -> str:
    """``text`` with every white space a blank, character by character, so places stay."""
    return "".join(" " if char.isspace() else char for char in text)


def _python_tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(_one_line(text).lstrip() or " ", mode="eval").body
    except SyntaxError as error:
        raise ProblemError(python_says(text, error)) from None
    except (RecursionError, MemoryError):
        raise ProblemError(_too_deep(text, (0, len(text)))) from None
    except ValueError as error:
        raise ProblemError(Problem("syntax", f"this text can't be read: {error}", text, (0, len(text)))) from None


def _too_deep(text: str, span: Span) -> Problem:
    return Problem(
        "too-deep",
        f"the expression is nested more than {MAX_DEPTH} levels deep",
        text,
        span,
        "a sum of n terms, read from the left, counts as n levels",
        "group long sums in parentheses, or split the expression",
    )


_BINARY: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder", ast.Pow: "pow", ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater",
    ast.GtE: "greater_equal", ast.Eq: "equal", ast.NotEq: "not_equal", ast.And: "logical_and", ast.Or: "logical_or",
}  # fmt: skip

_OUTSIDE: dict[type[ast.AST], tuple[str, str]] = {
    ast.Attribute: ("attributes", "an expression has no dots; write functions by their plain name, sin(x)"),
    ast.Lambda: ("lambda", "write the body alone: its free names are the variables"),
    ast.ListComp: ("comprehensions", "write the terms out"),
    ast.GeneratorExp: ("comprehensions", "write the terms out"),
    ast.IfExp: ("if ... else", "write where(condition, a, b)"),
    ast.NamedExpr: ("assignments", "write the expression out"),
    ast.JoinedStr: ("text in quotes", "write the expression itself"),
    ast.Subscript: ("indexing", "variables are single numbers here"),
    ast.List: ("lists", "variables are single numbers here"),
    ast.Tuple: ("commas outside a call", "check one expression at a time, or give several with -"),
    ast.MatMult: ("the matrix product @", "variables are single numbers here"),
    ast.BitXor: ("^", "a power is written **"),
    ast.Starred: ("starred arguments", "write the arguments out"),
}

_COMPARE_HINT = "compare, as in where(x > 0, a, b)"


class _Reader:
    """Turns Python's tree into ours, collecting problems instead of stopping at the first."""

    def __init__(self, text: str, given: frozenset[str]) -> None:
        self.text = text
        self.given = given
        self.problems: list[Problem] = []
        self.variables: dict[str, None] = {}
        self._indent = len(text) - len(text.lstrip())
        self._bytes = None if text.isascii() else _one_line(text).lstrip().encode()

    def read(self, node: ast.expr, condition: bool | None = False, depth: int = 0) -> Tree | None:
        """Our tree of ``node``; None where a problem was found. ``condition`` None accepts numbers and conditions."""
        if depth > MAX_DEPTH:
            if not any(problem.code == "too-deep" for problem in self.problems):
                self.problems.append(_too_deep(self.text, self.span(node)))
            return None
        while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            node = node.operand
        parts = _parts(node)
        if parts is None:
            if condition and not (isinstance(node, ast.Name) and node.id == "condition" and "condition" in self.given):
                self._refuse("condition", self.span(node), "a condition is wanted here, not a number", _COMPARE_HINT)
            return self._leaf(node)
        name, children = parts
        row = operation(name) if isinstance(node, ast.Call) else OPERATIONS[name]
        if row is None or not self._acceptable(row, node, children, condition):
            if row is None:
                self.problems.append(unknown_function(self.text, self.span(node), name, self._spanned(node)))
            children_wanted: Iterator[bool | None] = iter([None] * len(children))
        else:
            children_wanted = iter(_wanted(row, len(children)))
        arguments = [self.read(child, want, depth + 1) for child, want in zip(children, children_wanted, strict=True)]
        known = [argument for argument in arguments if argument is not None]
        if row is None or len(known) < len(arguments) or self.problems:
            return None
        return _folded(row, known, self.span(node))

    def span(self, node: ast.expr) -> Span:
        """Characters of the text that ``node`` covers; ``ast`` counts UTF-8 bytes of the stripped text."""
        start, stop = node.col_offset, node.end_col_offset or node.col_offset + 1
        if self._bytes is not None:
            start, stop = len(self._bytes[:start].decode()), len(self._bytes[:stop].decode())
        return start + self._indent, stop + self._indent

    def _spanned(self, node: ast.expr) -> str:
        start, stop = self.span(node)
        return self.text[start:stop]

    def _leaf(self, node: ast.expr) -> Tree | None:
        span = self.span(node)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            try:
                value = float(node.value)  # type: ignore[arg-type]  # the line above leaves int and float
            except OverflowError:
                value = math.inf
            if math.isfinite(value):
                return Number(value, span)
            self._refuse("number-size", span, "this number does not fit float64", "the largest is about 1.8e308")
        elif isinstance(node, ast.Name):
            return self._name(node.id, span)
        elif isinstance(node, ast.Call):
            hint = "to multiply, write *" if not isinstance(node.func, ast.Attribute) else _OUTSIDE[ast.Attribute][1]
            self._refuse("outside", span, "only a function of the operation table can be called", hint)
        else:
            kind = type(node.op) if isinstance(node, ast.BinOp | ast.UnaryOp) else type(node)
            what, hint = _OUTSIDE.get(kind, ("this Python syntax", "gradtool ops lists what an expression may hold"))
            if isinstance(node, ast.Constant):
                what, hint = f"the constant {node.value!r:.40}", "write numbers as 3, 0.5 or 1e-3"
            self._refuse("outside", span, f"an expression can't contain {what}", hint)
        return None

    def _name(self, name: str, span: Span) -> Tree | None:
        if name in CONSTANTS and name not in self.given:
            return Number(CONSTANTS[name], span, name)
        if name not in self.given and (row := operation(name)) is not None:
            call = f"{name}({', '.join(row.parameters)})"
            self._refuse("function-name", span, f"{name} is a function, not a variable", f"call it: {call}")
            return None
        self.variables[name] = None
        return Variable(name, span)

    def _acceptable(self, row: Operation, node: ast.expr, children: list[ast.expr], condition: bool | None) -> bool:
        span, count, wanted = self.span(node), len(children), len(row.parameters)
        if isinstance(node, ast.Call) and node.keywords:
            hint = f"write {row.name}({', '.join(row.parameters)})"
            self._refuse("keyword", span, f"{row.name} takes its arguments by position", hint)
        elif isinstance(node, ast.Call) and (count < wanted or (count > wanted and not row.variadic)):
            takes = f"{wanted} or more arguments" if row.variadic else f"{wanted} argument{'s' * (wanted != 1)}"
            hint = f"write {row.name}({', '.join(row.parameters)})"
            self._refuse("arguments", span, f"{row.name} takes {takes}, not {count}", hint)
        elif condition is True and not row.logical:
            self._refuse("condition", span, "a condition is wanted here, not a number", _COMPARE_HINT)
        elif condition is False and row.logical:
            hint = "where(x > 0, 1, 0) turns a condition into a number"
            self._refuse("condition", span, "a comparison is not a number; it belongs inside where()", hint)
        else:
            return True
        return False

    def _refuse(self, code: str, span: Span, message: str, hint: str) -> None:
        self.problems.append(Problem(code, message, self.text, span, hint=hint))


def _parts(node: ast.expr) -> tuple[str, list[ast.expr]] | None:
    """Name of the row and the argument nodes; None for a leaf or for what the whitelist does not hold."""
    match node:
        case ast.BinOp(left, op, right) if type(op) in _BINARY:
            return _BINARY[type(op)], [left, right]
        case ast.UnaryOp(ast.USub(), operand):
            return "negative", [operand]
        case ast.UnaryOp(ast.Not(), operand):
            return "logical_not", [operand]
        case ast.BoolOp(op, values):
            return _BINARY[type(op)], values
        case ast.Compare(left, [op], [right]) if type(op) in _BINARY:
            return _BINARY[type(op)], [left, right]
        case ast.Compare(left, ops, rights) if all(type(op) in _BINARY for op in ops):
            pairs = zip([left, *rights], ops, rights, strict=False)
            links: list[ast.expr] = []
            for first, op, second in pairs:
                links.append(ast.copy_location(ast.Compare(first, [op], [second]), node))
            return "logical_and", links
        case ast.Call(func=ast.Name(name), args=args):
            return name, args
    return None


def _wanted(row: Operation, count: int) -> list[bool]:
    """Whether each argument is a condition."""
    if row.name in ("logical_and", "logical_or", "logical_not"):
        return [True] * count
    return [parameter == "condition" for parameter in row.parameters] + [False] * (count - len(row.parameters))


def _folded(row: Operation, arguments: list[Tree], span: Span) -> Call:
    """One call, or for more arguments than parameters (max, and, or) a nest of calls from the left."""
    width = len(row.parameters)
    call = Call(row.name, tuple(arguments[:width]), span)
    for argument in arguments[width:]:
        call = Call(row.name, (call, argument), span)
    return call
