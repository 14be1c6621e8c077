"""The operation table read backwards: which call of a framework is which row, and with which arguments.

A spelling is a call as the framework's manual writes it, ``torch.sum(input, dim=None, keepdim=False)``, and what it
means in the table's own language, ``sum(input, axis=dim, keepdims=keepdim)``. A parameter that the meaning does not
name must have its default: ``softplus`` with another beta is no row. A meaning may also be a Python function, of the
first parameters of the call in their order. The spellings of most rows follow from their
call templates; those with other names, other defaults or other words are rows of data in each room.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gradtool.target.expression import parse_row_text
from gradtool.target.operation import Operation
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Call, Passed, Tree, Variable, calls, variables
from gradtool.witness.callable.recorder import Recorder, Untraceable, shown

__all__ = ["ANYTHING", "Spelling", "derived", "found", "spelled"]

ANYTHING: Any = object()
"""Stands for a setting that changes nothing, whatever it is."""

_NEEDED: Any = inspect.Parameter.empty
_SPAN = (0, 0)
_LISTS = ("inputs", "tensors", "values")
"""What parameters are called that take a list of tensors."""

Meaning = Tree | Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a function is called, and what that means.

    ``parameters`` in the order of the signature with their defaults; ``rest`` is the one that takes all further
    arguments. ``by_name`` counts those at the end that are given by name only.
    """

    name: str
    parameters: Mapping[str, Any]
    meaning: Meaning
    rest: str = ""
    by_name: int = 0

    def meant(self, recorder: Recorder, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """What the call gives; raises Untraceable where it asks for more than the row does."""
        values = self._bound(arguments, named)
        if callable(self.meaning):
            wanted = list(self.parameters)[: len(inspect.signature(self.meaning).parameters)]
            self._look_at_settings(values, set(wanted))
            return self.meaning(*(_whole(recorder, name, values[name]) for name in wanted))
        self._look_at_settings(values, _free(self.meaning))
        return recorder.told(self.meaning, values)

    def _bound(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        names = list(self.parameters)
        places = [name for name in names[: len(names) - self.by_name] if name != self.rest]
        if len(arguments) > len(places) and not self.rest:
            raise Untraceable(f"calls {self.name} with {len(arguments)} arguments, which the table does not have")
        values = dict(zip(places, arguments, strict=False))
        if self.rest and self.rest not in named:
            more = tuple(arguments[len(places) :])
            values[self.rest] = more[0] if len(more) == 1 and not isinstance(more[0], int) else more
        for name, value in named.items():
            if name in values or name not in self.parameters:
                if self.parameters.get(name) is ANYTHING or value is None:
                    continue
                raise Untraceable(f"calls {self.name} with {name}={shown(value)}, which the table does not have")
            values[name] = value
        if missing := [name for name, default in self.parameters.items() if name not in values and default is _NEEDED]:
            raise Untraceable(f"calls {self.name} without {missing[0]}")
        return {**self.parameters, **values}

    def _look_at_settings(self, values: Mapping[str, Any], wanted: set[str]) -> None:
        for name, value in values.items():
            default = self.parameters[name]
            if name in wanted or default is ANYTHING or value is default:
                continue
            plain = isinstance(value, bool | int | float | str)
            if default is _NEEDED or not plain or value != default:
                raise Untraceable(f"calls {self.name} with {name}={shown(value)}, which the table does not have")


def spelled(call: str, meaning: str | Callable[..., Any]) -> Spelling:
    """The spelling that two texts describe: ``torch.square(input)`` and ``input**2``."""
    name, _, inside = call.partition("(")
    signature = ast.parse(f"def _({inside}: ...").body[0]
    assert isinstance(signature, ast.FunctionDef)  # noqa: S101  # as it is written in the line above
    given = signature.args
    defaults: list[Any] = [ast.literal_eval(default) for default in given.defaults]
    parameters = dict(zip([one.arg for one in given.args], [_NEEDED] * (len(given.args) - len(defaults)) + defaults,
                          strict=True))  # fmt: skip
    rest = given.vararg.arg if given.vararg else ""
    if rest:
        parameters[rest] = ()
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        parameters[one.arg] = _NEEDED if default is None else ast.literal_eval(default)
    told = parse_row_text(meaning, tuple(parameters)) if isinstance(meaning, str) else meaning
    return Spelling(name, MappingProxyType(parameters), told, rest, len(given.kwonlyargs))


def derived(row: Operation, framework: str, parameters: Callable[[str], Mapping[str, Any] | None]) -> Spelling | None:
    """The spelling that the call template of ``row`` implies; None where the template is more than one plain call.

    ``parameters`` knows the signature of the framework's function by its dotted name, None where Python does not.
    """
    template = re.sub(r"\{(\w+)\}", r"\1", row.cell(framework))
    call = ast.parse(template, mode="eval").body if template else None
    if not isinstance(call, ast.Call):
        return None
    placed = [node.id for node in call.args if isinstance(node, ast.Name)]
    named = {word.arg: word.value.id for word in call.keywords if word.arg and isinstance(word.value, ast.Name)}
    if len(placed) < len(call.args) or len(named) < len(call.keywords):
        return None
    name = ast.unparse(call.func)
    known = parameters(name)
    if known is None:
        first = dict.fromkeys(("input", "other", "third")[: len(placed)], _NEEDED)
        known = {**first, **{word: row.options[cell] for word, cell in named.items()}}
    words = {cell: word for word, cell in (*zip(known, placed, strict=False), *named.items())}
    arguments = tuple(Variable(words[cell], _SPAN) for cell in row.parameters)
    options = tuple((cell, Passed(words[cell])) for cell in row.options if cell in words)
    return Spelling(name, known, Call(row.name, arguments, _SPAN, options))


def found(
    framework: str,
    parameters: Callable[[str], Mapping[str, Any] | None],
    told: Mapping[str, str | Callable[..., Any]],
) -> dict[str, Spelling]:
    """Every spelling by the dotted name of its function: those of the table's rows, then those that ``told`` gives."""
    rows = (derived(row, framework, parameters) for row in OPERATIONS.values())
    known = {row.name: row for row in rows if row is not None}
    return {**known, **{row.name: row for row in (spelled(*one) for one in told.items())}}


def _free(tree: Tree) -> set[str]:
    passed = {value.name for call in calls(tree) for _, value in call.options if isinstance(value, Passed)}
    return set(variables(tree)) | passed


def _whole(recorder: Recorder, name: str, value: Any) -> Any:
    """A list of symbolic values as one, unless a list is what the function takes."""
    symbolic = isinstance(value, list | tuple) and any(hasattr(one, "recorder") for one in value)
    return recorder.lifted(value) if symbolic and name not in _LISTS else value
