"""What goes into the model: the file's own data, else tensors as ``--input`` or the first layer describe them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from gradtool.evidence import InputSpec
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.conventions import ARRAYS, BATCH, CLASSES, INPUTS, LENGTH, LOADERS, SIDE, TARGETS
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["attempts", "described", "guesses", "moved"]

MANY = 256
"""Samples that are taken of a whole set of data."""

Batch = tuple[Any, Any]
"""Inputs (a tensor, a tuple of them, or a mapping by name) and targets, None where there are none."""


def attempts(
    model: nn.Module, names: Mapping[str, Any], specs: Sequence[InputSpec], dtype: torch.dtype, assumed: Assumptions
) -> Iterator[Batch]:
    """Batches to be tried, the likeliest first. Only where nothing is known more than one."""
    targets = next((names[name] for name in TARGETS if names.get(name) is not None), None)
    if specs:
        inputs = tuple(_drawn(spec, dtype) for spec in specs)
        assumed.add("inputs", described(inputs), "--input")
        yield (inputs[0] if len(inputs) == 1 else inputs), targets
        return
    if (own := _own_data(model, names, targets)) is not None:
        why, batch = own
        assumed.add("inputs", described(batch[0]), why, "--input")
        yield batch
        return
    for why, guess in guesses(model, dtype):
        assumed.add("inputs", described(guess), why, "--input")
        yield guess, None


def _own_data(model: nn.Module, names: Mapping[str, Any], targets: Any) -> tuple[str, Batch] | None:
    """Data that the file or the model holds: examples, then a loader's first batch, then arrays by the usual names."""
    owners = (("the file", names), ("the model", model))
    for place, owner in owners:
        for name in INPUTS:
            value = owner.get(name) if isinstance(owner, Mapping) else getattr(owner, name, None)
            if value is not None and (found := _given(value, name)) is not None:
                return f"{name} of {place}", (found, targets)
    for place, owner in owners:
        for name in LOADERS:
            loader = owner.get(name) if isinstance(owner, Mapping) else getattr(owner, name, None)
            if loader is not None and (batch := _first(loader, name)) is not None:
                return f"first batch of {name} of {place}", batch
    for inputs, goals in ARRAYS:
        x, y = names.get(inputs), names.get(goals)
        if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor) and x.ndim and y.shape[:1] == x.shape[:1]:
            return f"the first of {inputs} and {goals} of the file", (x[:MANY], y[:MANY])
    return None


def _given(value: Any, name: str) -> Any:
    if callable(value) and not isinstance(value, torch.Tensor | nn.Module):
        with blamed(f"{name}() failed"):
            value = value()
    return value if isinstance(value, torch.Tensor | tuple | list | dict) and len(value) else None


def _first(loader: Any, name: str) -> Batch | None:
    with blamed(f"the first batch of {name} could not be had"):
        if callable(loader) and not isinstance(loader, torch.utils.data.DataLoader):
            loader = loader()
        batch = next(iter(loader), None)
    return split(batch)


def split(batch: Any) -> Batch | None:
    """Inputs and targets of what a loader gives: a pair, or whatever the model takes by itself."""
    if isinstance(batch, list | tuple) and len(batch) == 2:
        return batch[0], batch[1]
    return None if batch is None else (batch, None)


def _drawn(spec: InputSpec, dtype: torch.dtype) -> torch.Tensor:
    name = spec.dtype or str(dtype).removeprefix("torch.")
    kind = getattr(torch, name, None)
    if not isinstance(kind, torch.dtype):
        raise UserFileError(f"PyTorch has no dtype {name}", "float32, float64, float16, bfloat16, int64, int32, bool")
    if kind.is_floating_point:
        return torch.randn(spec.shape, dtype=torch.float64).to(kind)
    return torch.randint(0, 2 if kind == torch.bool else spec.below or CLASSES, spec.shape).to(kind)


def guesses(model: nn.Module, dtype: torch.dtype) -> Iterator[tuple[str, torch.Tensor]]:
    """Inputs that the first layers might take, to be tried in turn."""

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=torch.float64).to(dtype)

    for name, layer in itertools.islice(((n, m) for n, m in model.named_modules() if not [*m.children()]), 12):
        why = f"what {name or 'the model'}, {type(layer).__name__}, takes"
        match layer:
            case nn.Embedding():
                yield why, torch.randint(0, layer.num_embeddings, (BATCH, LENGTH))
            case nn.Linear():
                yield why, normal(BATCH, layer.in_features)
                yield why, normal(BATCH, LENGTH, layer.in_features)
                for side in (28, 32, 16, 64):
                    if layer.in_features % (side * side) == 0:
                        yield why, normal(BATCH, layer.in_features // (side * side), side, side)
            case nn.Conv1d():
                yield why, normal(BATCH, layer.in_channels, 64)
            case nn.Conv2d():
                for side in (SIDE, 28, 64, 224):
                    yield why, normal(BATCH, layer.in_channels, side, side)
            case nn.Conv3d():
                yield why, normal(BATCH, layer.in_channels, LENGTH, SIDE, SIDE)
            case nn.RNNBase():
                shape = (BATCH, LENGTH) if layer.batch_first else (LENGTH, BATCH)
                yield why, normal(*shape, layer.input_size)
            case nn.LayerNorm():
                yield why, normal(BATCH, *layer.normalized_shape)
                yield why, normal(BATCH, LENGTH, *layer.normalized_shape)
            case nn.BatchNorm1d() | nn.BatchNorm2d() | nn.BatchNorm3d():
                room = {nn.BatchNorm1d: (), nn.BatchNorm2d: (SIDE, SIDE)}.get(type(layer), (LENGTH, LENGTH, LENGTH))
                yield why, normal(BATCH, layer.num_features, *room)


def moved(value: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    """Nested tensors on ``device``; floating ones in ``dtype`` if it is given."""
    if isinstance(value, torch.Tensor):
        return value.to(device, dtype if value.is_floating_point() else None)
    if isinstance(value, Mapping):
        return {name: moved(part, device, dtype) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(moved(part, device, dtype) for part in value)
    return value


def described(value: Any) -> str:
    """Shapes, dtypes and ranges for people: ``8x3x32x32 float32 in -4.1..4.3``."""
    if isinstance(value, torch.Tensor):
        shape = "x".join(map(str, value.shape)) or "number"
        told = f"{shape} {str(value.dtype).removeprefix('torch.')}"
        if value.numel() and not value.is_complex():
            least, largest = (float(v) for v in torch.aminmax(value.detach().cpu().to(torch.float64)))
            told += f" in {least:.3g}..{largest:.3g}"
        return told
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {described(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(described(part) for part in value)
    return type(value).__name__
