"""The model's gradient as a whole, by the path integral along random directions; where it fails, which entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from gradtool.evidence import Survey
from gradtool.witness.directional.survey import surveyed
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["verified"]

Floats = NDArray[np.float64]

DTYPES = ("float64", "float32")


def verified(seed: int, one: Subject, rows: Sequence[Named]) -> Survey:
    """``surveyed`` over every trainable parameter that the backward pass reaches.

    Cost: 15 to 30 values with their gradients for each of three directions, and four float64 copies of the parameters.
    """
    held = [row for row in rows if row.tensor.requires_grad and row.tensor.grad is not None]
    if not held:
        raise UserFileError("no parameter has a gradient that could be verified")
    kinds = {str(row.tensor.dtype).removeprefix("torch.") for row in held}
    dtype = "float64" if kinds == {"float64"} else "float32"
    if kinds - set(DTYPES):
        raise UserFileError(f"--verify needs float32 or float64, not {', '.join(sorted(kinds))}", "add --dtype float32")
    point = {row.name: _numbers(row.tensor) for row in held}
    claims: dict[str, Floats | None] = {
        row.name: None if row.tensor.grad is None else _numbers(row.tensor.grad.to_dense()) for row in held
    }

    def loss(at: Mapping[str, Floats]) -> torch.Tensor:
        with torch.no_grad():
            for row in held:
                row.tensor.copy_(torch.from_numpy(at[row.name]))
        torch.manual_seed(seed + 1)
        return one.loss()

    def value(at: Mapping[str, Floats]) -> float:
        return float(loss(at).detach().double())

    def gradient(at: Mapping[str, Floats]) -> dict[str, Floats | None]:
        return both(at)[1]

    def both(at: Mapping[str, Floats]) -> tuple[float, dict[str, Floats | None]]:
        told = loss(at)
        found = torch.autograd.grad(told, [row.tensor for row in held], allow_unused=True)
        return float(told.detach().double()), {
            row.name: None if g is None else _numbers(g.to_dense()) for row, g in zip(held, found, strict=True)
        }

    try:
        return surveyed(value, gradient, claims, point, dtype, seed, both)
    finally:
        with torch.no_grad():
            for row in held:
                row.tensor.copy_(torch.from_numpy(point[row.name]))


def _numbers(tensor: torch.Tensor) -> Floats:
    found: Floats = tensor.detach().to("cpu", torch.float64).numpy().copy()
    return found
