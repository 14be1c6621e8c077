"""The optimizer: the case's, the model's own, the file's, or the one that the command line names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from gradtool.evidence import ModelRequest, Optimizer
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.conventions import OPTIMIZERS as NAMES
from gradtool.witness.model.discovery import Found
from gradtool.witness.model.steps import rmsprop_step, sgd_step
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["find_optimizer", "holds", "made", "optimizer_record", "rate_of", "refuses"]

OPTIMIZERS: Mapping[str, type[Any]] = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
}
RATES = {"sgd": 1e-2, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "adagrad": 1e-3}
"""Keras' own defaults."""

BY_RATE = ("Adam", "AdamW", "Adamax", "Nadam", "Lion", "Adagrad")
"""Optimizers whose first step has the size of the rate, whatever the size of the gradient."""


def find_optimizer(
    model: Any, names: Mapping[str, Any], found: Found, request: ModelRequest, assumed: Assumptions
) -> Any:
    """An optimizer, or None where nothing names one. It is taken to be given every trainable variable."""
    wanted = request.training
    if wanted is not None and wanted.optimizer:
        return made(wanted.optimizer, wanted.rate, assumed)
    for why, value in (
        ("the file's gradtool_case", found.case.optimizer),
        ("as the model was compiled", getattr(model, "optimizer", None)),
        *((f"{name} of the file", names.get(name)) for name in NAMES),
    ):
        if value is not None and (optimizer := _built(value, why)) is not None:
            if wanted is not None and wanted.rate is not None:
                getattr(optimizer, "inner_optimizer", optimizer).learning_rate = wanted.rate
            told = f"{why}, at the rate asked for" if wanted is not None and wanted.rate is not None else why
            _say(optimizer, told, assumed)
            return optimizer
    return made("sgd", wanted.rate, assumed) if wanted is not None else None


def made(name: str, rate: float | None, assumed: Assumptions) -> Any:
    """The optimizer called ``name``."""
    kind = OPTIMIZERS.get(name.lower())
    if kind is None:
        raise UserFileError(f"there is no optimizer called {name}", f"known: {', '.join(OPTIMIZERS)}")
    optimizer = kind(learning_rate=RATES[name.lower()] if rate is None else rate)
    _say(optimizer, "--optimizer", assumed)
    return optimizer


def _say(optimizer: Any, why: str, assumed: Assumptions) -> None:
    assumed.add_optimizer(_kind(optimizer), rate_of(optimizer), why, "--optimizer, --lr")


def _built(value: Any, why: str) -> Any:
    """An optimizer as it is, by its name in Keras, or what a function without arguments makes."""
    if isinstance(value, keras.optimizers.Optimizer):
        return value
    if isinstance(value, str) or inspect.isfunction(value):
        with blamed(f"the optimizer of {why} could not be made"):
            made_now: Any = keras.optimizers.get(value) if isinstance(value, str) else value()
        return made_now if isinstance(made_now, keras.optimizers.Optimizer) else None
    return None


def _kind(optimizer: Any) -> str:
    """The class of the optimizer; behind one that scales the loss, that of the inner one."""
    return type(getattr(optimizer, "inner_optimizer", optimizer)).__name__


def rate_of(optimizer: Any) -> float | None:
    """The learning rate at the step where the optimizer is, as it was written."""
    rate = getattr(optimizer, "learning_rate", None)
    return None if rate is None else float(str(np.float32(keras.ops.convert_to_numpy(rate))))


def holds(optimizer: Any, tensor: Any) -> bool:
    """Whether the optimizer holds TensorFlow's variable ``tensor``; one that has not begun will be given everything."""
    held = _held(optimizer)
    return not held or any(one is tensor for one in held)


def refuses(optimizer: Any, variables: Sequence[Any]) -> bool:
    """Whether Keras will raise when the optimizer is given these, since it was built with others."""
    return not all(holds(optimizer, getattr(one, "value", one)) for one in variables)


def _held(optimizer: Any) -> Sequence[Any]:
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    variables = getattr(inner, "_trainable_variables", ()) if getattr(inner, "built", False) else ()
    return [getattr(variable, "value", variable) for variable in variables]


def optimizer_record(optimizer: Any, own: Sequence[Any]) -> Optimizer | None:
    """The optimizer, and how many variables it holds that are none of the model's ``own``."""
    if optimizer is None:
        return None
    known = {id(tensor) for tensor in own}
    foreign = sum(id(tensor) not in known for tensor in _held(optimizer))
    kind = _kind(optimizer)
    first = _first_step(kind, getattr(optimizer, "inner_optimizer", optimizer))
    return Optimizer(kind, rate_of(optimizer), foreign, kind != "SGD", first)


def _first_step(kind: str, optimizer: Any) -> float | None:
    """The size of the first step in units of the rate; of SGD, of the rate times the gradient."""
    if kind == "SGD":
        return sgd_step(optimizer.momentum, nesterov=optimizer.nesterov)
    if kind == "RMSprop":
        return rmsprop_step(optimizer.rho, centered=optimizer.centered)
    # What Keras' Adagrad starts its accumulator with outweighs a small gradient.
    if kind not in BY_RATE or getattr(optimizer, "initial_accumulator_value", None):
        return None
    return 1.0
