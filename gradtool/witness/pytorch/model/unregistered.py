"""Parameters that a module keeps in a plain list or mapping, where PyTorch does not see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from gradtool.witness.pytorch.model.parameters import Named

__all__ = ["unregistered"]


def unregistered(models: Mapping[str, nn.Module]) -> dict[int, Named]:
    """Each by the ``id`` of its tensor, called as the program would write it: ``model.hidden[0].weight``."""
    found: dict[int, Named] = {}
    for title, model in models.items():
        own = {id(parameter) for parameter in model.parameters()}
        for path, module in model.named_modules():
            for attribute, value in vars(module).items():
                if attribute.startswith("_"):  # PyTorch's own books
                    continue
                container = ".".join(part for part in (title, path, attribute) if part)
                for name, tensor, kind in _inside(container, value):
                    if id(tensor) not in own:
                        found.setdefault(id(tensor), Named(name, tensor, "", kind, held_in=container))
    return found


def _inside(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor, str]]:
    """The leaves in nested lists and mappings, with their names and the class of the module that owns them."""
    if isinstance(value, list | tuple):
        parts = [(f"{name}[{place}]", part) for place, part in enumerate(value)]
    elif isinstance(value, Mapping):
        parts = [(f"{name}[{key!r}]", part) for key, part in value.items()]
    else:
        return
    for inner, part in parts:
        if isinstance(part, nn.Module):
            for path, module in part.named_modules():
                for own, tensor in module.named_parameters(recurse=False):
                    yield ".".join(filter(None, (inner, path, own))), tensor, type(module).__name__
        elif isinstance(part, torch.Tensor) and part.is_leaf and part.requires_grad:
            yield inner, part, "Tensor"
        else:
            yield from _inside(inner, part)
