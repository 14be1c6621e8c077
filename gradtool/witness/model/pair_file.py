"""What a file offers to a comparison: its model, inputs, targets, loss, and its own map of parameters."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Mapped, Numbers, SideRequest, Written
from gradtool.witness.model.conventions import INPUTS, LOSSES, TARGETS
from gradtool.witness.model.discovery import CASE, Found, Kind, discover
from gradtool.witness.model.user_file import UserFileError, execute, is_users

__all__ = ["Loaded", "opened"]

NAMES = ("inputs", "x", *INPUTS)
"""What the inputs of a comparison are called in a file."""

_BEFORE = frozenset(sys.modules)
"""Modules that are none of the user's files."""


@dataclass(slots=True)
class Loaded:
    """What a file holds: its model, the inputs and targets as arrays (None where it has none), and its loss."""

    model: Any
    name: str
    inputs: list[NDArray[Any]] | None
    targets: NDArray[Any] | None = None
    loss: Any = None
    drawn: bool = False
    mapped: list[Mapped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: Written = field(default_factory=Written)


def opened(request: SideRequest, kind: Kind) -> Loaded:
    """Run the file, and find everything in it."""
    _forget_imports()
    return _found(execute(request.path, as_main=False), request, kind)


def _forget_imports() -> None:
    """Modules of the user's may hold parts of a model, which are to be built anew; others may have the same name."""
    for name, module in list(sys.modules.items()):
        if name not in _BEFORE and is_users(getattr(module, "__file__", None) or "<none>"):
            del sys.modules[name]


def _found(names: Mapping[str, Any], request: SideRequest, kind: Kind) -> Loaded:
    file = Path(request.path).name
    if request.role and not callable(names.get(request.role)):
        raise UserFileError(f"{file} has no function {request.role}()", "define torch_model() and keras_model() in it")
    found = discover(names, file, request.role or request.name, kind)
    if found is None:
        raise UserFileError(
            f"{file} defines no {kind.title}",
            f"define one, or a function {CASE}() that returns it; or torch_model() and keras_model() in one file",
        )
    case = found.case
    inputs, fed = _first(case.inputs, names, NAMES)
    targets, goal = _first(case.targets, names, (*TARGETS, "y"))
    ending = request.role.partition("_")[0]
    losses = (f"{ending}_loss",) if ending else LOSSES
    loss, named = _first(case.loss, names, losses)
    arrays = _arrays(inputs, fed)
    goals = None if targets is None else _array(targets, "targets")
    written = Written(
        _model_code(names, found),
        named,
        [numbers for _, numbers in arrays or []],
        [] if goals is None else [_numbers(targets, goals, goal)],
    )
    kept = None if arrays is None else [array for array, _ in arrays]
    return Loaded(found.model, found.name, kept, goals, loss, mapped=_mapped(names, file), written=written)


def _first(own: Any, names: Mapping[str, Any], wanted: Sequence[str]) -> tuple[Any, str]:
    """What the case said, which has no name, else the first of the names that the file has, with that name."""
    if own is not None:
        return own, ""
    return next(((names[name], name) for name in wanted if names.get(name) is not None), (None, ""))


def _model_code(names: Mapping[str, Any], found: Found) -> str:
    """The model by its name, or made by a class or function of that name; empty where that gives more than a model."""
    parts = (getattr(found.case, part.name) for part in fields(found.case))
    if found.route not in ("name", "only", "class") or any(part is not None for part in parts):
        return ""
    first, *steps = found.name.split(".")
    value = names.get(first)
    for step in steps:
        value = getattr(value, step, None)
    return found.name if value is found.model else f"{found.name}()"


def _arrays(value: Any, name: str) -> list[tuple[NDArray[Any], Numbers]] | None:
    """Inputs as arrays, whatever holds them, and how they are written."""
    if value is None:
        return None
    if callable(value) and not hasattr(value, "shape"):
        value, name = value(), name and f"{name}()"
    if isinstance(value, Mapping):
        rows = [(f"{name}[{key!r}]", part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        rows = [(f"{name}[{place}]", part) for place, part in enumerate(value)]
    else:
        rows = [(name, value)]
    arrays = [_array(part, "inputs") for _, part in rows]
    return [(array, _numbers(part, array, name and code)) for array, (code, part) in zip(arrays, rows, strict=True)]


def _numbers(value: Any, array: NDArray[Any], code: str) -> Numbers:
    return Numbers(code, type(value).__module__.partition(".")[0], array.shape, whole=array.dtype.kind != "f")


def _array(value: Any, what: str) -> NDArray[Any]:
    array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.dtype == object or not array.ndim:
        raise UserFileError(f"the {what} are no array but {type(value).__name__}", "give an array, or a list of some")
    return array


def _mapped(names: Mapping[str, Any], file: str) -> list[Mapped]:
    """The file's own map of parameters."""
    told = names.get("gradtool_map")
    if told is None:
        return []
    hint = 'write gradtool_map = {"fc.weight": ("dense/kernel", (1, 0))}: the name here, the name there, the axes'
    if not isinstance(told, Mapping):
        raise UserFileError(f"gradtool_map in {file} is no dict", hint)
    rows = []
    for left, right in told.items():
        name, axes = right if isinstance(right, tuple) and len(right) == 2 else (right, None)
        if not isinstance(name, str) or not isinstance(left, str):
            raise UserFileError(f"gradtool_map in {file} maps {left!r} to {right!r}", hint)
        rows.append(Mapped(left, name, None if axes is None else [int(axis) for axis in axes]))
    return rows
