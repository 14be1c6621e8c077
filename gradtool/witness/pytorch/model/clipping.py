"""PyTorch's own clipping to a global norm, and what it does not take."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.pytorch.model.parameters import Named

__all__ = ["clip"]


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
