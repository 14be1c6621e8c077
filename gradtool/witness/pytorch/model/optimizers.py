"""The optimizer: the case's, the file's, the model's own, or the one that the command line names."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from gradtool.evidence import ModelRequest, Parameter, Training
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.conventions import OPTIMIZERS as NAMES
from gradtool.witness.model.discovery import Found
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.pytorch.model.parameters import Named, groups_of

__all__ = ["alive", "find_optimizer", "made", "with_groups"]

OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}
RATES = {"sgd": 1e-2, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-2, "adagrad": 1e-2}
"""PyTorch's own defaults; for SGD, which has had none for long, its later default of 1e-3 is too shy: 1e-2."""


def find_optimizer(
    model: nn.Module, names: Mapping[str, Any], found: Found, request: ModelRequest, assumed: Assumptions
) -> Any:
    """An optimizer over the model's parameters, or None where nothing names one."""
    wanted = request.training
    if wanted is not None and wanted.optimizer:
        return made(model, wanted.optimizer, wanted.rate, assumed)
    for why, value in (
        ("the file's gradtool_case", found.case.optimizer),
        *((f"{n} of the file", names.get(n)) for n in NAMES),
    ):
        if value is not None and (optimizer := _built(value, model, why)) is not None:
            return _at_rate(optimizer, wanted, why, assumed)
    if callable(getattr(model, "configure_optimizers", None)):
        with blamed("configure_optimizers failed"):
            optimizer = _first(model.configure_optimizers())
        if optimizer is not None:
            return _at_rate(optimizer, wanted, "the model's configure_optimizers", assumed)
    return made(model, "sgd", wanted.rate, assumed) if wanted is not None else None


def _at_rate(optimizer: Any, wanted: Training | None, why: str, assumed: Assumptions) -> Any:
    """The file's own optimizer, at another rate if that is asked for."""
    if wanted is not None and wanted.rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = wanted.rate
        why += ", at the rate asked for"
    _say(optimizer, why, assumed)
    return optimizer


def made(model: nn.Module, name: str, rate: float | None, assumed: Assumptions) -> torch.optim.Optimizer:
    """The optimizer called ``name`` over every trainable parameter."""
    kind = OPTIMIZERS.get(name.lower())
    if kind is None:
        raise UserFileError(f"there is no optimizer called {name}", f"known: {', '.join(OPTIMIZERS)}")
    rate = RATES[name.lower()] if rate is None else rate
    optimizer: Any = kind([p for p in model.parameters() if p.requires_grad], lr=rate)
    _say(optimizer, "--optimizer", assumed)
    return optimizer


def _say(optimizer: Any, why: str, assumed: Assumptions) -> None:
    rate = optimizer.param_groups[0].get("lr")
    assumed.add_optimizer(type(optimizer).__name__, rate, why, "--optimizer, --lr")


def _built(value: Any, model: nn.Module, why: str) -> Any:
    """An optimizer as it is, or what a function of the parameters makes."""
    if isinstance(value, torch.optim.Optimizer):
        return value
    maker: Any = value
    if inspect.isfunction(value) or (inspect.isclass(value) and issubclass(value, torch.optim.Optimizer)):
        with blamed(f"the optimizer of {why} could not be made"):
            made_now: Any = maker(model.parameters())
        return made_now if isinstance(made_now, torch.optim.Optimizer) else None
    return None


def _first(value: Any) -> Any:
    """Lightning allows one optimizer, lists of them, pairs with schedulers, and mappings."""
    if isinstance(value, torch.optim.Optimizer):
        return value
    if isinstance(value, Mapping):
        return _first(value.get("optimizer"))
    if isinstance(value, list | tuple) and value:
        return _first(value[0])
    return None


def alive(kind: type[Any]) -> list[Any]:
    """Every object of a kind that the program has made and not let go of.

    Their own ``__class__`` is not asked for: some objects of PyTorch's warn when they are touched.
    """
    return [one for one in gc.get_objects() if issubclass(type(one), kind)]


def with_groups(parameters: Sequence[Parameter], rows: Sequence[Named], optimizers: Sequence[Any]) -> list[Parameter]:
    """The parameters with their places in the groups of ``optimizers``, and their rates."""
    places = groups_of(optimizers)
    found = (places.get(id(row.tensor), (None, None)) for row in rows)
    return [
        replace(parameter, group=group, rate=rate) for parameter, (group, rate) in zip(parameters, found, strict=True)
    ]
