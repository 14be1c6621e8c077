"""The numbers of a tensor, parameter or gradient for NumPy; of a sparse gradient those of its rows, each once."""

from __future__ import annotations

import torch

from gradtool.witness.model.figures import Numbers

__all__ = ["has_numbers", "numbers", "values_of"]


def numbers(tensor: torch.Tensor) -> Numbers:
    """The numbers of a tensor in a row, without a copy where NumPy can calculate with them.

    What is neither float32 nor float64 is made float32; what lies on another device is copied from there.
    """
    values = values_of(tensor)
    wide = values if values.dtype in (torch.float32, torch.float64) else values.to(torch.float32)
    found: Numbers = wide.cpu().reshape(-1).numpy()
    return found


def has_numbers(tensor: torch.Tensor) -> bool:
    """Whether a tensor has memory of its own. Meta tensors have none, nor those that torch.func's transforms pass."""
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor(tensor)  # noqa: SLF001  # what torch.func itself asks
    return not (wrapped or tensor.is_meta)


def values_of(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers that are there; of complex ones their sizes."""
    known = tensor.detach()
    values = known.coalesce().values() if known.is_sparse else known
    return values.abs() if values.is_complex() else values
