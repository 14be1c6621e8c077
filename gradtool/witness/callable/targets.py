"""Which callables a file offers: the one that is named, or all that the file itself defines."""

from __future__ import annotations

import ast
import difflib
import functools
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradtool.witness.callable.framework import Kind
from gradtool.witness.callable.signature import Argument, arguments_of
from gradtool.witness.callable.subject import Origin
from gradtool.witness.model.discovery import CASE, required
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["INPUTS", "SURROGATE", "Candidate", "Target", "candidates", "made"]

INPUTS, SURROGATE = "gradtool_inputs", "gradtool_surrogate"
"""What the file calls the inputs of all its callables, and the names of those that are wrong on purpose."""

MANY = 12
"""Names that are listed."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value of the file that is checked if it can be, with its line.

    ``used`` says that other callables of the file use it, so that it may be no target of its own.
    """

    name: str
    value: Any
    kind: Kind
    source: str
    used: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What is called, and what it takes; None where nobody knows."""

    origin: Origin
    call: Any
    arguments: list[Argument] | None
    surrogate: bool


def candidates(names: Mapping[str, Any], path: str, asked: str, kinds: Sequence[Kind]) -> list[Candidate]:
    """What ``asked`` names, else all that the file defines, in its order.

    Raises UserFileError where there is nothing of that name, it is no callable, or the file defines none.
    """
    file, lines = Path(path).name, _lines(path)
    own = list(_own(names, lines, kinds))
    if asked:
        value = _named(names, asked, file, [name for name, _, _ in own])
        kind = _kind_of(value, kinds)
        if kind is None:
            there = f"; {file} offers {_listed([name for name, _, _ in own])}" if own else ""
            told = f"a class, {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
            raise UserFileError(
                f"{file}:{asked} is {told}, nothing that can be called with tensors",
                f"name a function, a custom operation or a module{there}",
            )
        return [Candidate(asked, value, kind, _source(file, asked, value, lines))]
    if not own:
        raise UserFileError(
            f"{file} defines nothing to check", "define a function of tensors, a custom operation or a module"
        )
    called = _called_at_once(path)
    return [
        Candidate(name, value, kind, _source(file, name, value, lines), _is_used(name, kind, own, called))
        for name, value, kind in own
    ]


def made(one: Candidate, names: Mapping[str, Any], file: str) -> Target:
    """The candidate ready to be called; of a class an object is made without arguments."""
    value = one.value
    if one.kind.is_class(value):
        if needed := required(value):
            short = one.name.rpartition(".")[2]
            raise UserFileError(
                f"{file}:{one.name} needs arguments: {', '.join(needed)}",
                f"make one in the file, {short.lower()} = {short}(...), and name that: {file}:{short.lower()}",
            )
        with blamed(f"{one.name}() in {file} failed"):
            value = value()
    arguments = one.kind.arguments(value)
    return Target(
        Origin(one.name, one.kind.title, one.source), one.kind.call(value), arguments, _is_surrogate(one.name, names)
    )


def _is_surrogate(name: str, names: Mapping[str, Any]) -> bool:
    listed = names.get(SURROGATE, ())
    listed = (listed,) if isinstance(listed, str) else listed
    return name in listed or names.get(f"{name.replace('.', '_')}_surrogate") is True


# ---- by name


def _named(names: Mapping[str, Any], asked: str, file: str, there: list[str]) -> Any:
    first, *rest = asked.split(".")
    place, value = file, names.get(first)
    if first not in names or first.startswith("__"):
        raise _absent(file, first, there)
    for part in rest:
        place = f"{place}:{first}" if place == file else f"{place}.{first}"
        offered = [name for name in dir(value) if not name.startswith("_")]
        if not hasattr(value, part):
            raise _absent(place, part, offered)
        if isinstance(value, type) and inspect.isfunction(inspect.getattr_static(value, part)):
            raise UserFileError(
                f"{place}.{part} is a method, and needs an object of {value.__name__}",
                f"make it a staticmethod, or make an object in the file and name its method: OBJECT.{part}",
            )
        first, value = part, getattr(value, part)
    return value


def _absent(place: str, name: str, there: list[str]) -> UserFileError:
    near = difflib.get_close_matches(name, there, 1)
    guess = f"did you mean {near[0]}? " if near else ""
    hint = f"{guess}it holds {_listed(there)}" if there else "it defines nothing that can be checked"
    return UserFileError(f"{place} has nothing called {name}", hint)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MANY
    return ", ".join(names[:MANY]) + (f" and {more} more" if more > 0 else "")


def _kind_of(value: Any, kinds: Sequence[Kind]) -> Kind | None:
    return next((kind for kind in kinds if kind.fits(value) or kind.is_class(value)), None)


# ---- all of the file


def _own(names: Mapping[str, Any], lines: Mapping[str, int], kinds: Sequence[Kind]) -> Iterator[tuple[str, Any, Kind]]:
    """Names, values and kinds in the order of the file; what has two names counts once, by the first."""
    seen: set[int] = set()
    found = []
    for name in sorted((name for name in names if name in lines), key=lambda name: lines[name]):
        value = names[name]
        if name.startswith("_") or name in (INPUTS, SURROGATE, CASE) or name.endswith("_inputs") or id(value) in seen:
            continue
        kind = _kind_of(value, kinds)
        if kind is None or not _is_of_the_file(value, kind, names) or (kind.plain and not _takes_tensors(value)):
            continue
        seen.add(id(value))
        found.append((name, value, kind))
    instances = {type(value) for _, value, kind in found if not kind.is_class(value) and not kind.plain}
    yield from ((name, value, kind) for name, value, kind in found if value not in instances)


def _is_of_the_file(value: Any, kind: Kind, names: Mapping[str, Any]) -> bool:
    """Not imported: functions and classes know where they were written, objects are known by their assignment."""
    if isinstance(value, functools.partial):
        return True
    if kind.is_class(value) or isinstance(value, type) or kind.plain or hasattr(value, "__qualname__"):
        return bool(getattr(value, "__module__", None) == names.get("__name__"))
    return True


def _takes_tensors(value: Any) -> bool:
    return any(one.required and one.takes_tensors for one in arguments_of(value) or [])


def _is_used(name: str, kind: Kind, own: Sequence[tuple[str, Any, Kind]], called: frozenset[str]) -> bool:
    """Whether the code of another of them speaks of it; of a plain function, also whether the file itself calls it."""
    return any(name in _names_in(value) for other, value, _ in own if other != name) or (kind.plain and name in called)


def _called_at_once(path: str) -> frozenset[str]:
    """The names that the file calls or hands on while it runs, outside of its functions."""
    waiting: list[ast.AST] = list(ast.parse(Path(path).read_bytes()).body)
    found: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return frozenset(found)


def _names_in(value: Any) -> set[str]:
    if isinstance(value, functools.partial):
        value = value.func
    owner = value if isinstance(value, type) else None
    if owner is None and not hasattr(value, "__code__"):
        inner = inspect.unwrap(value) if callable(value) and hasattr(value, "__wrapped__") else None
        owner, value = (type(value), None) if inner is None else (None, inner)
    parts = [getattr(part, "__func__", part) for part in vars(owner).values()] if owner is not None else [value]
    return {name for part in parts if hasattr(part, "__code__") for name in _all_names(part.__code__)}


def _all_names(code: Any) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if hasattr(inner, "co_names"):
            yield from _all_names(inner)


def _lines(path: str) -> dict[str, int]:
    """Where the names of the file, and those inside its classes, are defined: the last time, outside of functions."""
    found: dict[str, int] = {}

    def look(body: Sequence[ast.stmt], inside: str) -> None:
        for node in body:
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found[inside + name] = node.lineno
                case ast.ClassDef(name=name):
                    found[inside + name] = node.lineno
                    look(node.body, f"{inside}{name}.")
                case ast.Assign() | ast.AnnAssign():
                    goals = node.targets if isinstance(node, ast.Assign) else [node.target]
                    names = [part.id for goal in goals for part in ast.walk(goal) if isinstance(part, ast.Name)]
                    found.update({inside + name: node.lineno for name in names})
                case _:
                    for block in ("body", "orelse", "finalbody"):
                        look([part for part in getattr(node, block, []) if isinstance(part, ast.stmt)], inside)
                    for handler in getattr(node, "handlers", []):
                        look(handler.body, inside)

    look(ast.parse(Path(path).read_bytes()).body, "")
    return found


def _source(file: str, name: str, value: Any, lines: Mapping[str, int]) -> str:
    """``ops.py:12``; of what was imported, the file alone."""
    code = getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None
    if name in lines:
        return f"{file}:{lines[name]}"
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}" if code is not None else file
