"""Inputs that somebody gave: by ``--at``, or in the file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradtool.evidence import CallableRequest
from gradtool.values import Value, flat, shape_of
from gradtool.witness.callable.framework import Framework
from gradtool.witness.callable.signature import Argument, missing
from gradtool.witness.callable.structure import filled, leaves
from gradtool.witness.callable.targets import INPUTS, Target
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["Given", "of_file", "remedy", "with_at"]


@dataclass(frozen=True, slots=True)
class Given:
    """Values by the names of the arguments, and in words what they are, or where they come from.

    ``again`` are the same in other ranges of numbers, should the callable not be defined on these.
    """

    values: dict[str, Any]
    told: str
    again: Sequence[Callable[[], dict[str, Any]]] = ()


def of_file(target: Target, names: Mapping[str, Any], request: CallableRequest, framework: Framework) -> Given | None:
    """``NAME_inputs``, else ``gradtool_inputs``, with tensors on the device and in the dtype asked for."""
    name, file = target.origin.name, Path(request.path).name
    own = f"{name.replace('.', '_')}_inputs"
    source = next((one for one in (own, INPUTS) if one in names), "")
    if not source:
        return None
    value = _value_of(names[source], source, file, framework)
    if source == INPUTS and isinstance(value, Mapping) and not _is_by_argument(value, target):
        if name not in value:
            return None
        source = f"{INPUTS}[{name!r}]"
        value = _value_of(value[name], source, file, framework)
    values = _spread(value, target, f"{file}'s {source}")
    if values is None:
        if source == INPUTS and not request.name:  # made for another target of the file
            return None
        taken = ", ".join(one.name for one in target.arguments or [])
        raise UserFileError(
            f"{file}'s {source} holds {len(value)} inputs, and {name} takes {len(target.arguments or [])}: {taken}",
            f"give {name} inputs of its own: {own} = (...)",
        )

    def placed(leaf: Any) -> Any:
        if framework.is_tensor(leaf):
            return framework.fitted(leaf, request.dtype)
        if isinstance(leaf, np.ndarray):
            floating = leaf.dtype.kind == "f" and request.dtype
            return framework.tensor(leaf, request.dtype if floating else leaf.dtype.name)
        return leaf

    values = {key: filled(part, (placed(leaf) for _, leaf in leaves(part))) for key, part in values.items()}
    return Given(values, f"{file}'s {source}")


def _value_of(value: Any, source: str, file: str, framework: Framework) -> Any:
    if callable(value) and not framework.is_tensor(value):
        with blamed(f"{source}() in {file} failed"):
            return value()
    return value


def _is_by_argument(value: Mapping[str, Any], target: Target) -> bool:
    return bool(value) and set(value) <= {one.name for one in target.arguments or []}


def _spread(value: Any, target: Target, source: str) -> dict[str, Any] | None:
    """The values by argument; None where there are more of them than arguments."""
    arguments = target.arguments
    if isinstance(value, Mapping):
        for key in value:
            _require_known(str(key), target, source)
        return dict(value)
    if arguments and arguments[0].kind == "list" and isinstance(value, list):
        return {arguments[0].name: value}
    parts = list(value) if isinstance(value, tuple | list) else [value]
    if arguments is None:
        return {f"argument {place}": part for place, part in enumerate(parts, 1)}
    if len(parts) > len(arguments) or any(one.required for one in arguments[len(parts) :]):
        return None
    return {one.name: part for one, part in zip(arguments, parts, strict=False)}


def _require_known(name: str, target: Target, source: str) -> None:
    known = [one.name for one in target.arguments or []]
    if name not in known:
        told = f"it takes {', '.join(known)}" if known else "its arguments have no names"
        raise UserFileError(f"{source}: {target.origin.name} has no argument {name}", told)


def with_at(
    target: Target, own: Given | None, request: CallableRequest, framework: Framework, dtypes: Sequence[str]
) -> Iterator[Given]:
    """What the file gives, overruled by ``--at``; whole numbers once more as integers, should floats be refused."""
    by_name = {one.name: one for one in target.arguments or []}
    for name in request.at:
        _require_known(name, target, "--at")
    base = own.values if own else {}
    told = " and ".join([*(["--at"] if request.at else []), *([own.told] if own else [])])
    if left := missing({**base, **request.at}, target.arguments or []):
        raise UserFileError(
            f"{target.origin.name} needs {', '.join(left)} too",
            "--at " + ",".join(f"{name}=..." for name in [*request.at, *left]),
        )
    whole = [
        name for name, value in request.at.items()
        if by_name[name].kind == "tensor" and all(float(number).is_integer() for number in flat(value))
    ]  # fmt: skip
    some = [group for size in range(min(len(whole), 2) + 1) for group in itertools.combinations(reversed(whole), size)]
    for dtype, integers in itertools.product(dtypes if request.at else dtypes[:1], some):
        typed = {
            name: _typed(value, by_name[name], framework, "int64" if name in integers else dtype)
            for name, value in request.at.items()
        }
        kinds = [*([f"{', '.join(integers)} as int64"] if integers else []), *([dtype] if dtype != "float64" else [])]
        yield Given({**base, **typed}, told + (f" ({', '.join(kinds)})" if kinds and request.at else ""))


def _typed(value: Value, argument: Argument, framework: Framework, dtype: str) -> Any:
    """A number or an array as the argument wants it."""
    if argument.takes_tensors:
        array = np.asarray(list(flat(value)), dtype=np.float64).reshape(shape_of(value))
        tensor = framework.tensor(array, dtype)
        return [tensor] if argument.kind == "list" else tensor
    number = value if isinstance(value, float | int) else None
    match argument.kind:
        case "number" if number is not None:
            return float(number)
        case "flag" if number in (0, 1):
            return bool(number)
        case "integer" if number is not None and float(number).is_integer():
            return int(number)
    wanted = {"number": "one number", "flag": "0 or 1", "integer": "one whole number", "text": "text"}[argument.kind]
    raise UserFileError(f"--at: {argument.name} is {wanted}", "tensors and numbers can be given by --at, text can't")


def remedy(target: Target, request: CallableRequest) -> str:
    """What to do where no inputs were found."""
    names = [one.name for one in target.arguments or [] if one.required and one.kind != "text"]
    at = f"--at {','.join(f'{name}=...' for name in names)} or " if names else ""
    own = f"{target.origin.name.replace('.', '_')}_inputs"
    return f"give inputs: {at}{own} = (...) in {Path(request.path).name}"
