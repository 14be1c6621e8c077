"""Between PyTorch's tensors and arrays of float64; complex numbers are pairs, on a last axis of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from gradtool.evidence import Slot
from gradtool.witness.callable.subject import Floats

__all__ = ["is_real", "like", "numbers", "real", "slot_of", "weights_beside", "weights_for"]


def numbers(tensor: torch.Tensor) -> Floats:
    """The tensor's numbers as float64, complex ones as pairs."""
    dense = real(tensor.detach().to_dense() if tensor.layout != torch.strided else tensor.detach())
    found: Floats = dense.clone().to("cpu", torch.float64).numpy()
    return found


def slot_of(name: str, tensor: torch.Tensor, differentiated: bool) -> Slot:
    """What a report says of a tensor."""
    shape = tuple(tensor.shape) + ((2,) if tensor.is_complex() else ())
    return Slot(name, shape, str(tensor.dtype).removeprefix("torch."), differentiated)


def is_real(tensor: torch.Tensor) -> bool:
    """Whether it is made of floating-point numbers, real or complex."""
    return bool(tensor.is_floating_point() or tensor.is_complex())


def real(tensor: torch.Tensor) -> torch.Tensor:
    """A complex tensor as pairs; any other as it is."""
    return torch.stack([tensor.real, tensor.imag], dim=-1) if tensor.is_complex() else tensor


def like(array: Floats, given: torch.Tensor) -> torch.Tensor:
    """The numbers of ``array`` in the dtype and on the device of ``given``, complex if that is."""
    found = torch.as_tensor(np.asarray(array, order="C"))
    if given.is_complex():
        found = torch.view_as_complex(found.contiguous())
    return found.to(given.device, given.dtype, copy=True)


def weights_beside(array: Floats, output: torch.Tensor) -> torch.Tensor:
    """Weights in the dtype and on the device of an output."""
    return torch.as_tensor(np.asarray(array, order="C")).to(output.device, output.dtype)


def weights_for(upstream: Sequence[Floats], outputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The upstream gradient as tensors beside the outputs."""
    return [weights_beside(weights, output) for weights, output in zip(upstream, outputs, strict=True)]
