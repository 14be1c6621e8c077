"""What must be written out in an expression, because it is no number to differentiate by: axes, shapes and indices."""

from __future__ import annotations

import ast
from typing import Any

from gradtool.target.operation import Operation
from gradtool.target.tree import Passed

__all__ = ["ALIASES", "WrittenError", "key_of", "options_of"]

ALIASES = {"dim": "axis", "keepdim": "keepdims", "correction": "ddof", "dims": "axes"}
"""PyTorch's words for NumPy's."""


class WrittenError(ValueError):
    """``node`` is not what is wanted; ``hint`` says what is."""

    def __init__(self, node: ast.expr, message: str, hint: str) -> None:
        super().__init__(message)
        self.node, self.message, self.hint = node, message, hint


def options_of(row: Operation, call: ast.Call, *, own_text: bool) -> tuple[tuple[str, Any], ...]:
    """The options of a call: those after its parameters, by position or by name. Raises WrittenError.

    In a row's own text an option may be passed on by its name.
    """
    found: dict[str, Any] = {}
    extra = call.args[len(row.parameters) :] if row.options else []
    names = list(row.options)
    if names in (["shape"], ["axes"]) and len(extra) > 1:  # reshape(x, 2, 3) is reshape(x, (2, 3))
        found[names[0]] = tuple(_whole(node) for node in extra)
        extra = []
    if len(extra) > len(names):
        raise WrittenError(extra[len(names)], f"{row.name} takes no more than {row.signature}", "leave it out")
    for name, node in zip(names, extra, strict=False):
        found[name] = _option(name, node, own_text=own_text)
    for keyword in call.keywords:
        name = ALIASES.get(keyword.arg or "", keyword.arg or "")
        if name not in row.options:
            takes = f"write {row.signature}" if row.options else f"{row.name} takes its arguments by position"
            hint = "; ".join(filter(None, (takes, row.instead)))
            raise WrittenError(call, f"{row.name} has no option {keyword.arg}", hint)
        if name in found:
            raise WrittenError(keyword.value, f"{name} is given twice", "give it once")
        found[name] = _option(name, keyword.value, own_text=own_text)
    return tuple(found.items())


def _option(name: str, node: ast.expr, *, own_text: bool) -> Any:
    if own_text and isinstance(node, ast.Name):
        return Passed(node.id)
    if name == "keepdims":
        if isinstance(node, ast.Constant) and node.value in (True, False):  # 1 and 0 equal them
            return bool(node.value)
        raise WrittenError(node, "keepdims is True or False", "as in sum(x, axis=0, keepdims=True)")
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Tuple | ast.List) and name != "ddof":
        return tuple(_whole(part) for part in node.elts)
    return _whole(node)


def key_of(node: ast.Subscript) -> tuple[Any, ...]:
    """The key of ``x[...]``: whole numbers, slices, ``...`` and ``None``. Raises WrittenError."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    key = tuple(_part(part) for part in parts)
    if sum(part is Ellipsis for part in key) > 1:
        raise WrittenError(node, "an index can hold only one ...", "write : for the other axes")
    return key


def _part(node: ast.expr) -> Any:
    if isinstance(node, ast.Slice):
        start, stop, step = (None if end is None else _whole(end) for end in (node.lower, node.upper, node.step))
        if step is not None and step < 1:
            raise WrittenError(node, "a slice must step forward", "PyTorch has no negative steps")
        return slice(start, stop, step)
    if isinstance(node, ast.Constant) and (node.value is Ellipsis or node.value is None):
        return node.value
    return _whole(node)


def _whole(node: ast.expr) -> int:
    sign, inner = 1, node
    while isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.USub | ast.UAdd):
        sign *= -1 if isinstance(inner.op, ast.USub) else 1
        inner = inner.operand
    if isinstance(inner, ast.Constant) and type(inner.value) is int and inner.value < 1 << 31:
        return sign * inner.value
    raise WrittenError(node, "a whole number is wanted here, written out", "as in x[0], x[1:3] or sum(x, axis=0)")
