"""Where in the user's names the model is: by convention first, else the only one there is.

The framework is a parameter (``Kind``); nothing of the user's is called before it has been chosen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gradtool.evidence import Candidate
from gradtool.witness.model.conventions import LOSSES
from gradtool.witness.model.functions import Leaf, likeliest, plain
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["CASE", "NAMES", "Case", "Found", "Kind", "discover", "required"]

CASE = "gradtool_case"
NAMES = ("model", "net", "module", "build_model", "get_model", "create_model", "make_model", "main_model")
"""What people call a model, or the function that builds it."""

KEYS = ("model", "inputs", "targets", "loss", "optimizer")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a model is to a framework: instances and classes of it, and what it is called.

    ``is_taken`` says what a case may return besides, such as a single layer. ``is_leaf`` is a tensor that learns, and
    ``of_function`` makes a model of a function of the data and the leaves behind it, by their names.
    """

    title: str
    is_model: Callable[[Any], bool]
    is_class: Callable[[Any], bool]
    is_taken: Callable[[Any], bool] = lambda _: False
    is_leaf: Leaf = lambda _: False
    of_function: Callable[[Callable[..., Any], Mapping[str, Any]], Any] = lambda function, _: function


@dataclass(slots=True)
class Case:
    """What ``gradtool_case()`` returned beside the model; None where it said nothing."""

    inputs: Any = None
    targets: Any = None
    loss: Any = None
    optimizer: Any = None
    weights: Any = None
    """Of the samples in the loss, where the file trains with such."""


@dataclass(slots=True)
class Found:
    """The model, its name in the file, how it was found (as in ``evidence.ModelEvidence``), and what else is there."""

    model: Any
    name: str
    route: str
    case: Case = field(default_factory=Case)
    candidates: list[Candidate] = field(default_factory=list)
    whole: bool = False
    """Whether what it gives is the loss itself."""


def discover(names: Mapping[str, Any], file: str, asked: str, kind: Kind) -> Found | None:
    """The model that ``asked`` names, or the first that a convention finds; None where the file holds none.

    Raises UserFileError for a name that is not there, for several models without one that a convention prefers, and
    for what the user's own code raises.
    """
    own = {name: value for name, value in names.items() if not name.startswith("_")}
    if asked:
        return _named(own, names, file, asked, kind)
    if callable(own.get(CASE)):
        return _case(own[CASE], names, file, kind)
    instances = {name: value for name, value in own.items() if kind.is_model(value)}
    classes = {name: value for name, value in own.items() if _is_own_class(value, names, kind)}
    models, kinds = _without_losses(instances), _without_losses(classes)
    if models or kinds:  # a loss is a module too; it counts as a model only where there is nothing else
        instances, classes = models, kinds
    else:
        name = likeliest(names, kind.is_leaf)
        if name and (found := _function(own[name], name, names, kind)):
            return found
    for name in NAMES:
        if name in own and (found := _built(own[name], name, file, kind, "name")):
            found.candidates = _others(found, instances, classes)
            return found
    distinct = {id(value): name for name, value in reversed(list(instances.items()))}
    if len(distinct) == 1:
        name = next(iter(distinct.values()))
        return Found(instances[name], name, "only", candidates=_others(None, {}, classes))
    if len(distinct) > 1:
        raise _ambiguous(file, "models", list(distinct.values())[::-1])
    return _only_class(classes, file, kind)


def _named(own: Mapping[str, Any], names: Mapping[str, Any], file: str, asked: str, kind: Kind) -> Found:
    if asked == CASE and callable(own.get(CASE)):
        return _case(own[CASE], names, file, kind)
    value: Any = names
    for part in asked.split("."):
        missing = part not in value if value is names else not hasattr(value, part)
        if missing:
            there = [n for n, v in own.items() if kind.is_model(v) or kind.is_class(v) or inspect.isfunction(v)]
            hint = f"it holds {', '.join(there)}" if there else "it defines no model and no function"
            raise UserFileError(f"{file} has nothing called {asked}", hint)
        value = value[part] if value is names else getattr(value, part)
    if found := _function(value, asked, names, kind) or _built(value, asked, file, kind, "name"):
        return found
    raise UserFileError(
        f"{file}:{asked} is no {kind.title}", f"name a {kind.title}, its class, or a function without arguments"
    )


def _function(value: Any, name: str, names: Mapping[str, Any], kind: Kind) -> Found | None:
    """A function over the file's leaves as a model; None for anything else."""
    found = plain(value, name, names, kind.is_leaf)
    if found is None:
        return None
    model = kind.of_function(found.function, found.leaves)
    return Found(model, name, "function", Case(found.inputs), whole=found.whole)


def _case(function: Callable[[], Any], names: Mapping[str, Any], file: str, kind: Kind) -> Found:
    with blamed(f"{CASE}() in {file} failed"):
        made = function()
    if isinstance(made, Mapping):
        unknown = [key for key in made if key not in KEYS]
        if unknown or "model" not in made:
            told = f"unknown: {', '.join(map(str, unknown))}" if unknown else "there is no model in it"
            raise UserFileError(
                f"{CASE}() in {file} returned a dict with other keys", f"{told}; known: {', '.join(KEYS)}"
            )
        parts = dict(made)
    elif isinstance(made, tuple) and 1 <= len(made) <= len(KEYS):
        parts = dict(zip(KEYS, made, strict=False))
    else:
        raise UserFileError(
            f"{CASE}() in {file} returned {type(made).__name__}",
            "return (model, inputs, targets, loss), or a dict of them",
        )
    model = parts.pop("model")
    if found := _function(model, getattr(model, "__name__", ""), names, kind):
        return Found(found.model, CASE, "case", Case(**{"inputs": found.case.inputs, **parts}), whole=found.whole)
    if not (kind.is_model(model) or kind.is_taken(model)):
        told = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise UserFileError(f"the model of {CASE}() in {file} is {told}, no {kind.title}", "return the model itself")
    return Found(model, CASE, "case", Case(**parts))


def _built(value: Any, name: str, file: str, kind: Kind, route: str) -> Found | None:
    """A model, one made by a class or by a function without arguments; None for anything else."""
    if kind.is_model(value):
        return Found(value, name, route)
    if not (kind.is_class(value) or inspect.isfunction(value)):
        return None
    if missing := required(value):
        raise UserFileError(
            f"{file}:{name} needs arguments: {', '.join(missing)}",
            f"add a function to the file: def {CASE}(): return {name.rpartition('.')[2]}(...)",
        )
    with blamed(f"{name}() in {file} failed"):
        made = value()
    if kind.is_model(made):
        return Found(made, name, route)
    if isinstance(made, tuple) and made and kind.is_model(made[0]):
        return Found(made[0], name, route, Case(*made[1:5]))
    return None


def _only_class(classes: Mapping[str, Any], file: str, kind: Kind) -> Found | None:
    """The only class that no other class of the file uses, built without arguments."""
    used = {name for one in classes for name in _names_in(classes[one]) if name != one}
    outer = {name: value for name, value in classes.items() if name not in used} or classes
    ready = {name: value for name, value in outer.items() if not required(value)}
    if len(ready) == 1:
        name, value = next(iter(ready.items()))
        return _built(value, name, file, kind, "class")
    if len(ready) > 1:
        raise _ambiguous(file, "classes", list(ready))
    if outer:
        name, value = next(iter(outer.items()))
        _built(value, name, file, kind, "class")  # raises, and says what it needs
    return None


def _names_in(value: Any) -> set[str]:
    """The names that the methods of a class use: what it builds itself from."""
    methods = (part.__code__ for part in vars(value).values() if inspect.isfunction(part))
    return {name for code in methods for name in code.co_names}


def _is_own_class(value: Any, names: Mapping[str, Any], kind: Kind) -> bool:
    return kind.is_class(value) and getattr(value, "__module__", None) == names.get("__name__")


def _without_losses(found: Mapping[str, Any]) -> dict[str, Any]:
    """What is not called a loss, nor of a class that is."""
    kinds = {name: value if isinstance(value, type) else type(value) for name, value in found.items()}
    ends = ("Loss", "Criterion")
    return {n: value for n, value in found.items() if n not in LOSSES and not kinds[n].__name__.endswith(ends)}


def required(value: Callable[..., Any]) -> list[str]:
    """The arguments that a call can't do without."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in parameters if p.default is inspect.Parameter.empty and p.kind in kinds]


def _others(found: Found | None, instances: Mapping[str, Any], classes: Mapping[str, Any]) -> list[Candidate]:
    rows = [
        Candidate(name, type(value).__name__)
        for name, value in instances.items()
        if found is None or value is not found.model
    ]
    return rows + [Candidate(name, "class") for name in classes if found is None or name != found.name]


def _ambiguous(file: str, what: str, names: list[str]) -> UserFileError:
    return UserFileError(
        f"{file} holds {len(names)} {what}: {', '.join(names)}",
        "say which: " + "; ".join(f"gradtool flow {file}:{name}" for name in names),
    )
