"""Turns Python's tree of an expression into ours: a whitelist, every problem with its place and its remedy."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Iterator
from typing import Any

from gradtool.problem import Problem, ProblemError
from gradtool.target.operations import ALIASES, OPERATIONS, Operation, operation
from gradtool.target.syntax import python_says, unknown_function
from gradtool.target.tree import CONSTANTS, Call, Number, Span, Tree, Variable
from gradtool.target.written import WrittenError, key_of, options_of

__all__ = ["MAX_DEPTH", "Reader", "python_tree"]

MAX_DEPTH = 250
"""Deepest tree; a sum of n terms, read from the left, is n deep."""


def _one_line(text: str) -> str:
    """``text`` with every white space a blank, character by character, so places stay."""
    return "".join(" " if char.isspace() else char for char in text)


def python_tree(text: str) -> ast.expr:
    """What Python's parser makes of ``text``; nothing of it is run. Raises ProblemError where it is no expression."""
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
    ast.GtE: "greater_equal", ast.MatMult: "matmul", ast.Eq: "equal",
    ast.NotEq: "not_equal", ast.And: "logical_and", ast.Or: "logical_or",
}  # fmt: skip

_OUTSIDE: dict[type[ast.AST], tuple[str, str]] = {
    ast.Attribute: ("attributes", "an expression has no dots; write functions by their plain name, sin(x)"),
    ast.Lambda: ("lambda", "write the body alone: its free names are the variables"),
    ast.ListComp: ("comprehensions", "write the terms out"),
    ast.GeneratorExp: ("comprehensions", "write the terms out"),
    ast.IfExp: ("if ... else", "write where(condition, a, b)"),
    ast.NamedExpr: ("assignments", "write the expression out"),
    ast.JoinedStr: ("text in quotes", "write the expression itself"),
    ast.Tuple: ("commas outside a call or a list", "several outputs are a list, [x*y, x + y]"),
    ast.BitXor: ("^", "a power is written **"),
    ast.Starred: ("starred arguments", "write the arguments out"),
}

_COMPARE_HINT = "compare, as in where(x > 0, a, b)"


class Reader:
    """Turns Python's tree into ours, collecting problems instead of stopping at the first."""

    def __init__(self, text: str, given: frozenset[str], *, own_text: bool = False) -> None:
        self.text = text
        self.own_text = own_text
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
            if condition and not (self.own_text and isinstance(node, ast.Name) and node.id == "condition"):
                self._refuse("condition", self.span(node), "a condition is wanted here, not a number", _COMPARE_HINT)
            return self._leaf(node)
        name, children = parts
        row = operation(name) if isinstance(node, ast.Call) and not self.own_text else self._row(name)
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
        return _folded(row, known, self.span(node), self._options(row, node))

    @staticmethod
    def _row(name: str) -> Operation | None:
        return OPERATIONS.get(ALIASES.get(name, name))

    def _options(self, row: Operation, node: ast.expr) -> tuple[tuple[str, Any], ...]:
        """What the text writes out beside the arguments: an axis, a shape, an index."""
        try:
            if isinstance(node, ast.Subscript):
                return (("key", key_of(node)),)
            return options_of(row, node, own_text=self.own_text) if isinstance(node, ast.Call) else ()
        except WrittenError as error:
            self._refuse("option", self.span(error.node), error.message, error.hint)
            return ()

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
            self._refuse("function-name", span, f"{name} is a function, not a variable", f"call it: {row.signature}")
            return None
        self.variables[name] = None
        return Variable(name, span)

    def _acceptable(self, row: Operation, node: ast.expr, children: list[ast.expr], condition: bool | None) -> bool:
        span, count, wanted = self.span(node), len(children), len(row.parameters)
        if isinstance(node, ast.Call) and node.keywords and not row.options:
            self._refuse("keyword", span, f"{row.name} takes its arguments by position", f"write {row.signature}")
        elif isinstance(node, ast.Call) and (count < wanted or (count > wanted and not (row.variadic or row.gather))):
            takes = f"{wanted} or more arguments" if row.variadic else f"{wanted} argument{'s' * (wanted != 1)}"
            self._refuse("arguments", span, f"{row.name} takes {takes}, not {count}", f"write {row.signature}")
        elif not children:
            self._refuse("arguments", span, "this list is empty", "write its items, [x*y, x + y]")
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
        case ast.List(elts=items):
            return "stack", items
        case ast.Subscript(value=value):
            return "index", [value]
        case ast.Attribute(value=value, attr="T"):
            return "transpose", [value]
        case ast.Call(func=ast.Name(name), args=args):
            name = _over_entries(name, node)
            row = OPERATIONS.get(ALIASES.get(name, name))
            return name, args[: len(row.parameters)] if row and row.options else args
    return None


def _over_entries(name: str, call: ast.Call) -> str:
    """``max`` and ``min`` of one array are reductions, as in NumPy; of several arguments they choose between them."""
    if name in ("max", "min") and (call.keywords or len(call.args) == 1):
        return f"a{name}"
    return name


def _wanted(row: Operation, count: int) -> list[bool]:
    """Whether each argument is a condition."""
    if row.name in ("logical_and", "logical_or", "logical_not"):
        return [True] * count
    return [parameter == "condition" for parameter in row.parameters] + [False] * (count - len(row.parameters))


def _folded(row: Operation, arguments: list[Tree], span: Span, options: tuple[tuple[str, Any], ...]) -> Call:
    """One call, or for more arguments than parameters (max, and, or) a nest of calls from the left."""
    width = len(arguments) if row.gather else len(row.parameters)
    call = Call(row.name, tuple(arguments[:width]), span, options)
    for argument in arguments[width:]:
        call = Call(row.name, (call, argument), span)
    return call
