"""What a callable takes, as its signature says: which arguments are tensors, and which are left as they are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Argument", "arguments_of", "bound", "missing"]

_KINDS = {"int": "integer", "float": "number", "bool": "flag", "str": "text"}
_LISTS = re.compile(r"(typing\.|collections\.abc\.)?(list|sequence|iterable|tuple)\b.*tensor", re.IGNORECASE)
_TENSORS = ("tensor", "list")


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument by its name; ``keyword`` ones can't be given by their place.

    ``kind`` is ``tensor``, ``list`` (of tensors), ``number``, ``integer``, ``flag`` or ``text``. Only what is not
    ``required`` has a default.
    """

    name: str
    kind: str = "tensor"
    required: bool = True
    default: Any = None
    keyword: bool = False

    @property
    def takes_tensors(self) -> bool:
        """Whether tensors are given here."""
        return self.kind in _TENSORS


def arguments_of(function: Callable[..., Any], skip: int = 0) -> list[Argument] | None:
    """The arguments but for the first ``skip``; None where Python knows no signature.

    ``*xs`` counts as two tensors, ``xs[0]`` and ``xs[1]``, where nothing else is one; ``**options`` as nothing. What is
    annotated as a float is a number beside tensors, and a tensor where there is none.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())[skip:]
    except (TypeError, ValueError):
        return None
    found = [_argument(one) for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    several = next((one.name for one in parameters if one.kind is one.VAR_POSITIONAL), "")
    if several and not any(one.required and one.takes_tensors for one in found):
        place = sum(not one.keyword for one in found)
        found[place:place] = [Argument(f"{several}[0]"), Argument(f"{several}[1]")]
    if any(one.required and one.takes_tensors for one in found):
        return found
    return [replace(one, kind="tensor") if one.kind == "number" and one.required else one for one in found]


def _argument(parameter: inspect.Parameter) -> Argument:
    required = parameter.default is inspect.Parameter.empty
    default = None if required else parameter.default
    return Argument(
        parameter.name, _kind(parameter), required, default, keyword=parameter.kind is parameter.KEYWORD_ONLY
    )


def _kind(parameter: inspect.Parameter) -> str:
    if parameter.name == "training":  # what Keras calls the mode, without an annotation
        return "flag"
    told = parameter.annotation
    if told is inspect.Parameter.empty:
        return _KINDS.get(type(parameter.default).__name__, "tensor")
    text = told if isinstance(told, str) else told.__name__ if isinstance(told, type) else str(told)
    return _KINDS.get(text, "list" if _LISTS.match(text) else "tensor")


def missing(values: Mapping[str, Any], arguments: Sequence[Argument]) -> list[str]:
    """The arguments that a call can't do without, and that have no value."""
    return [one.name for one in arguments if one.required and one.name not in values]


def bound(values: Mapping[str, Any], arguments: Sequence[Argument]) -> tuple[list[Any], dict[str, Any]]:
    """Positional values up to the last that is given, the gaps filled with defaults; the rest by keyword."""
    placed = [one for one in arguments if not one.keyword]
    last = max((place for place, one in enumerate(placed) if one.name in values), default=-1)
    positional = [values.get(one.name, one.default) for one in placed[: last + 1]]
    return positional, {one.name: values[one.name] for one in arguments if one.keyword and one.name in values}
