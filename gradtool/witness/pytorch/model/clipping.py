"""PyTorch's own clipping to a global norm, and what it does not take."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gradtool.evidence import Clipped
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.pytorch.model.parameters import Named, norm_of_rows

__all__ = ["clip", "clipped"]


def clip(rows: Sequence[Named], limit: float) -> None:
    """``clip_grad_norm_`` over every gradient that is there."""
    held = [row for row in rows if row.tensor.grad is not None]
    for row in held:
        if row.tensor.grad is not None and row.tensor.grad.is_sparse:
            raise UserFileError(
                f"clip_grad_norm_ takes no sparse gradient, as that of {row.name} is",
                "build the embedding with sparse=False, or leave out --clip",
            )
    torch.nn.utils.clip_grad_norm_([row.tensor for row in held], limit)


def clipped(rows: list[Named], limit: float, before: float) -> Clipped:
    """What ``clip_grad_norm_`` does: by its own description (the norm plus 1e-6), and what it leaves."""
    own = [row.tensor for row in rows if row.tensor.grad is not None]
    kept = [tensor.grad.clone() for tensor in own if tensor.grad is not None]
    clip(rows, limit)
    after = norm_of_rows(rows)
    for tensor, gradient in zip(own, kept, strict=True):
        tensor.grad = gradient
    return Clipped(limit, before, before * min(1.0, limit / (before + 1e-6)), after)
