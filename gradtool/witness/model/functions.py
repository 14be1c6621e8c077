"""Functions over leaves that the file keeps beside them: ``forward(params, x)``, ``model(x)`` over ``W`` and ``b``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from gradtool.witness.model.conventions import ARRAYS, LOSSES
from gradtool.witness.model.frames import named_values

__all__ = ["Leaf", "Plain", "likeliest", "plain"]

Leaf = Callable[[Any], bool]
"""Whether a value is a tensor that learns."""

FUNCTIONS = ("model", "net", "forward", "predict", "apply", "network")
COLLECTIONS = ("params", "parameters", "weights", "variables", "theta")
"""What people call the argument that is given all of the leaves."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A function of the data alone, the leaves by what the program calls them, and the file's data if they are known.

    ``inputs`` are None too where there is one argument for the data, which is found as for any model. ``whole`` says
    that what it gives is the loss itself.
    """

    function: Callable[..., Any]
    leaves: dict[str, Any]
    inputs: tuple[Any, ...] | None
    whole: bool


def plain(value: Any, name: str, names: Mapping[str, Any], is_leaf: Leaf) -> Plain | None:
    """The function ``value`` over the leaves among ``names``; None where it is none, or neither takes nor uses them."""
    function = _unwrapped(value)
    if function is None:
        return None
    names = {**names, **inspect.getclosurevars(function).nonlocals}
    holders = {one: names[one] for one in names if _leaves(names, (one,), is_leaf)}
    given, left = _arguments(function, holders, is_leaf)
    if not (given or _uses(function, holders, names, set())):
        return None
    whole = name in LOSSES or any(word in name.lower() for word in ("loss", "cost", "objective"))
    inputs = _data(left, names) if whole or len(left) != 1 else None

    def of_data(*data: Any, **named: Any) -> Any:
        return value(**given, **dict(zip(left, data, strict=False)), **named)

    return Plain(of_data, _leaves(names, names, is_leaf), inputs, whole)


def likeliest(names: Mapping[str, Any], is_leaf: Leaf) -> str:
    """Which function is the model: the whole loss, what is called a model, the only one; empty where there is none."""
    own = {name: function for name, value in names.items() if (function := _unwrapped(value)) and name[0] != "_"}
    home = names.get("__name__")
    found = {name: plain(one, name, names, is_leaf) for name, one in own.items() if one.__module__ == home}
    usable = {name: one for name, one in found.items() if one is not None}
    for name in LOSSES:
        if name in usable and usable[name].inputs is not None:
            return name
    others = [name for name, one in usable.items() if one.inputs != () and not one.whole]
    named = next((name for name in FUNCTIONS if name in others), "")
    return named or (others[0] if len(others) == 1 else "")


def _unwrapped(value: Any) -> FunctionType | None:
    """The function itself behind what compiles it or looks on."""
    inner = inspect.unwrap(value) if callable(value) and not isinstance(value, type) else None
    return inner if isinstance(inner, FunctionType) else None


def _leaves(names: Mapping[str, Any], wanted: Iterable[str], is_leaf: Leaf) -> dict[str, Any]:
    """The leaves in ``wanted`` names as ``w``, ``params['w']`` or ``layers[0]``, each once."""

    def closed(value: Any) -> bool:
        return isinstance(value, ModuleType) or type(value).__module__ != names.get("__name__")

    own = ((name, names[name]) for name in wanted if not name.startswith("_"))
    return dict(named_values(own, is_leaf, closed).values())


def _arguments(function: FunctionType, holders: Mapping[str, Any], is_leaf: Leaf) -> tuple[dict[str, Any], list[str]]:
    """What of the leaves is handed to it, by the argument's name, and the arguments that are left for the data."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    known = inspect.signature(function).parameters.values()
    needed = [p.name for p in known if p.kind in kinds and p.default is inspect.Parameter.empty]
    several = [value for value in holders.values() if not is_leaf(value)]
    given = {name: holders[name] for name in needed if name in holders}
    if len(several) == 1 and not given:
        given = {name: several[0] for name in needed[:1] if name in COLLECTIONS}
    return given, [name for name in needed if name not in given]


def _uses(function: FunctionType, holders: Container[str], names: Mapping[str, Any], known: set[str]) -> bool:
    """Whether its code, or that of the file's functions which it calls, names one of the ``holders``."""
    for name in {*function.__code__.co_names, *function.__code__.co_freevars} - known:
        known.add(name)
        inner = _unwrapped(names.get(name))
        if name in holders or (inner is not None and _uses(inner, holders, names, known)):
            return True
    return False


def _data(left: Sequence[str], names: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The file's data by the arguments' names, else its inputs and targets for two of them; None for none."""
    for pair in (left, *(pair for pair in ARRAYS if len(left) == len(pair))):
        if all(_is_data(names.get(name)) for name in pair):
            return tuple(names[name] for name in pair)
    return None


def _is_data(value: Any) -> bool:
    """Whether it is an array, and none that was computed from what learns."""
    return hasattr(value, "shape") and not getattr(value, "requires_grad", False)
