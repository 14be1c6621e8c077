"""The leaves of a graph, and what the user's program calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import FrameType
from typing import Any

import torch
from torch import nn

from gradtool.witness.model.frames import names_of_values, scopes
from gradtool.witness.pytorch.graph import nodes
from gradtool.witness.pytorch.model.parameters import Named, named
from gradtool.witness.pytorch.model.unregistered import unregistered

__all__ = ["held_beside", "leaves_of", "models_of", "names_of"]


def leaves_of(loss: torch.Tensor) -> list[torch.Tensor]:
    """The leaves of the graph that require a gradient; a loss without a graph, such as a new tensor, has none."""
    found: dict[int, torch.Tensor] = {}
    for node in nodes([loss]):
        if isinstance(leaf := getattr(node, "variable", None), torch.Tensor):
            found[id(leaf)] = leaf
    return list(found.values())[::-1]


def models_of(frame: FrameType, leaves: Sequence[torch.Tensor]) -> dict[str, nn.Module]:
    """The user's modules that own one of the leaves; those inside another are left to it."""
    wanted = {id(leaf) for leaf in leaves}
    owners: dict[int, tuple[str, nn.Module]] = {}
    for name, value in scopes(frame):
        parts = [(name, value)]
        if name == "self" and not isinstance(value, nn.Module):
            parts = [(inner, part) for inner, part in vars(value).items()] if hasattr(value, "__dict__") else []
        for inner, part in parts:
            if isinstance(part, nn.Module) and any(id(p) in wanted for p in part.parameters()):
                owners.setdefault(id(part), (inner, part))
    inside = {id(part) for _, module in owners.values() for part in module.modules() if part is not module}
    return {name: module for key, (name, module) in owners.items() if key not in inside}


def names_of(models: Mapping[str, nn.Module], frame: FrameType, leaves: Sequence[torch.Tensor]) -> list[Named]:
    """The models' parameters, then the other leaves by the names that the program has for them."""
    rows = named(models)
    wanted = {id(leaf) for leaf in leaves} - {id(row.tensor) for row in rows}
    rows += [row for key, row in unregistered(models).items() if key in wanted]
    known = {id(row.tensor) for row in rows}
    names = names_of_values(frame, _is_tensor, _is_module)
    for place, leaf in enumerate(leaves):
        if id(leaf) not in known:
            known.add(id(leaf))
            rows.append(Named(names.get(id(leaf), f"leaf {place + 1}"), leaf, "", "Tensor"))
    return rows


def held_beside(
    frame: FrameType, leaves: Sequence[torch.Tensor], optimizers: Iterable[torch.optim.Optimizer]
) -> list[torch.Tensor]:
    """Tensors without a gradient that an optimizer holds beside one of the leaves, each under a name of its own.

    No model owns them, and nothing leads back to them: only their optimizer tells that they should learn.
    """
    reached = {id(leaf) for leaf in leaves}
    held = [[one for group in optimizer.param_groups for one in group["params"]] for optimizer in optimizers]
    stray = {
        id(one): one
        for own in held
        if any(id(one) in reached for one in own)
        for one in own
        if one.requires_grad and one.grad is None and id(one) not in reached
    }
    names = names_of_values(frame, _is_tensor, _is_module) if stray else {}
    return [one for key, one in stray.items() if "[" not in names.get(key, "[")]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _is_module(value: Any) -> bool:
    return isinstance(value, nn.Module)
