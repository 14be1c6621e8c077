"""What a file offers to a comparison: its model, inputs, targets, loss, and its own map of parameters."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Mapped, SideRequest
from gradtool.witness.model.conventions import INPUTS, LOSSES, TARGETS
from gradtool.witness.model.discovery import CASE, Kind, discover
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
    inputs = case.inputs if case.inputs is not None else _first(names, NAMES)
    targets = case.targets if case.targets is not None else _first(names, (*TARGETS, "y"))
    ending = request.role.partition("_")[0]
    losses = (f"{ending}_loss",) if ending else LOSSES
    loss = case.loss if case.loss is not None else _first(names, losses)
    goals = None if targets is None else _array(targets, "targets")
    return Loaded(found.model, found.name, _arrays(inputs), goals, loss, mapped=_mapped(names, file))


def _first(names: Mapping[str, Any], wanted: Sequence[str]) -> Any:
    return next((names[name] for name in wanted if names.get(name) is not None), None)


def _arrays(value: Any) -> list[NDArray[Any]] | None:
    """Inputs as arrays, whatever holds them."""
    if value is None:
        return None
    if callable(value) and not hasattr(value, "shape"):
        value = value()
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else [value]
    return [_array(part, "inputs") for part in parts]


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
