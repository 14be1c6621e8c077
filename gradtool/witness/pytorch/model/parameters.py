"""The parameters and their gradients as evidence, whoever ran the backward pass."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gradtool.evidence import Optimizer, Parameter, Statistics
from gradtool.witness.model import figures
from gradtool.witness.model.steps import rmsprop_step, sgd_step
from gradtool.witness.pytorch.model.statistics import numbers

__all__ = ["Named", "groups_of", "module_names", "named", "nonfinite", "norm_of_rows", "optimizer_record", "parameters"]

PLAIN = ("SGD", "ASGD")
"""Optimizers whose step has the size of the gradient."""

BY_RATE = ("Adam", "AdamW", "Adamax", "NAdam", "SparseAdam", "Adagrad")
"""Optimizers whose first step has the size of the rate, whatever that of the gradient; not so RAdam's first five."""

ROW_KINDS = ("Linear", "Conv", "LSTM", "GRU", "RNN")
"""Modules whose weight sums, for each output, over every axis but its first."""


@dataclass(frozen=True, slots=True)
class Named:
    """A leaf of the graph by its name, the module that owns it, and further names of the same tensor."""

    name: str
    tensor: torch.Tensor
    layer: str
    kind: str
    others: tuple[str, ...] = ()
    held_in: str = ""
    """The plain list or mapping of a module that holds it, which PyTorch does not see."""


def named(models: Mapping[str, nn.Module]) -> list[Named]:
    """Every parameter of ``models`` in their own order; with several models behind the model's name."""
    found: dict[int, Named] = {}
    for prefix, model in models.items():
        start = f"{prefix}." if len(models) > 1 else ""
        modules = dict(model.named_modules(remove_duplicate=False))
        for name, tensor in model.named_parameters(remove_duplicate=False):
            full, owner = start + name, name.rpartition(".")[0]
            owner = owner if owner in modules else ""  # a key of the user's may have a dot in it
            known = found.get(id(tensor))
            if known is None:
                found[id(tensor)] = Named(full, tensor, start + owner, type(modules[owner]).__name__)
            else:
                found[id(tensor)] = Named(known.name, tensor, known.layer, known.kind, (*known.others, full))
    return list(found.values())


def module_names(models: Mapping[str, nn.Module]) -> dict[int, str]:
    """The name of every module by its ``id``; with several models behind the model's name."""
    several = len(models) > 1
    return {
        id(module): ".".join(part for part in (title if several else "", inner) if part)
        for title, model in models.items()
        for inner, module in model.named_modules()
    }


def parameters(
    rows: Sequence[Named], optimizer: Any = None, *, moments: bool = False, half: bool = False
) -> list[Parameter]:
    """What each parameter and its ``.grad`` look like now."""
    gradients = [(row, row.tensor.grad) for row in rows]
    groups = groups_of([] if optimizer is None else [optimizer])
    return [
        Parameter(
            name=row.name,
            shape=tuple(row.tensor.shape),
            dtype=str(row.tensor.dtype).removeprefix("torch."),
            layer=row.layer,
            kind=row.kind,
            trainable=row.tensor.requires_grad,
            weights=figures.weights(numbers(row.tensor), row.tensor.ndim),
            gradient=None if gradient is None else _statistics(gradient, moments=moments),
            fan_in=_fan_in(row),
            others=list(row.others),
            **_rows(gradient),
            group=groups.get(id(row.tensor), (None, None))[0],
            rate=groups.get(id(row.tensor), (None, None))[1],
            hooks=list(_hooks(row.tensor)),
            late=False,
            held_in=row.held_in,
            halves=figures.halves(gradient.numel(), numbers(gradient)) if half and gradient is not None else None,
        )
        for row, gradient in gradients
    ]


def _statistics(gradient: torch.Tensor, *, moments: bool) -> Statistics:
    return figures.statistics(gradient.numel(), numbers(gradient), moments=moments)


def norm_of_rows(rows: Sequence[Named]) -> float:
    """The l2 norm over all gradients as they are now."""
    return math.hypot(*(figures.norm(numbers(row.tensor.grad)) for row in rows if row.tensor.grad is not None))


def nonfinite(rows: Sequence[Named], norm: float) -> str:
    """The first parameter whose gradient holds a NaN or an infinity."""
    if norm - norm == 0:
        return ""
    return next(
        (row.name for row in rows if row.tensor.grad is not None and not row.tensor.grad.to_dense().isfinite().all()),
        "loss",
    )


def _fan_in(row: Named) -> int:
    shape = row.tensor.shape
    if len(shape) < 2 or not row.kind.startswith(ROW_KINDS):
        return 0
    return math.prod(shape[1:])


def _rows(gradient: torch.Tensor | None) -> dict[str, int]:
    if gradient is None or not gradient.is_sparse:
        return {}
    return {"rows": gradient.coalesce().indices().shape[1], "all_rows": gradient.shape[0]}


def groups_of(optimizers: Iterable[Any]) -> dict[int, tuple[int, float | None]]:
    """For each tensor, by its ``id``, its place in the groups of all optimizers, counted through, and its rate."""
    places: dict[int, tuple[int, float | None]] = {}
    for place, group in enumerate(group for optimizer in optimizers for group in optimizer.param_groups):
        for tensor in group["params"]:
            places.setdefault(id(tensor), (place, float(group["lr"]) if "lr" in group else None))
    return places


def optimizer_record(optimizer: Any, rows: Sequence[Named], source: str = "") -> Optimizer | None:
    """The optimizer, and how many tensors it holds that are none of the model's; ``source`` is the line of it."""
    if optimizer is None:
        return None
    own = {id(row.tensor) for row in rows}
    held = [tensor for group in optimizer.param_groups for tensor in group["params"]]
    options = optimizer.param_groups[0]
    rate = options.get("lr")
    kind = type(optimizer).__name__
    foreign = sum(id(tensor) not in own for tensor in held)
    first = _first_step(kind, options)
    return Optimizer(kind, None if rate is None else float(rate), foreign, kind not in PLAIN, first, source)


def _first_step(kind: str, options: Mapping[str, Any]) -> float | None:
    """The size of the first step in units of the rate; of a plain optimizer, of the rate times the gradient."""
    if kind in PLAIN:
        return sgd_step(options.get("momentum", 0.0), nesterov=options.get("nesterov", False))
    if kind == "RMSprop":
        return rmsprop_step(options["alpha"], centered=options["centered"])
    # What the accumulator starts with outweighs a small gradient.
    if kind not in BY_RATE or options.get("initial_accumulator_value"):
        return None
    return 1.0


def _hooks(tensor: torch.Tensor) -> Iterator[str]:
    """The user's hooks on a parameter."""
    for kind in ("_backward_hooks", "_post_accumulate_grad_hooks"):
        for hook in (getattr(tensor, kind, None) or {}).values():
            if str(getattr(hook, "__module__", "")).startswith("gradtool."):
                continue  # our own, on a parameter that a module hands out as it is
            code = getattr(hook, "__code__", None)
            place = f" ({code.co_filename.rpartition('/')[2]}:{code.co_firstlineno})" if code else ""
            yield f"{getattr(hook, '__name__', type(hook).__name__)}{place}"
