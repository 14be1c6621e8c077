"""Keras on PyTorch: tensors and autograd."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import torch
from keras.src.backend.common import dtypes
from numpy.typing import NDArray

from gradtool.evidence import Record
from gradtool.witness.keras.room import KerasRoom, testify

__all__ = ["answer"]

NARROW = (
    "on PyTorch, Keras casts products of float64 tensors to float32; here it was kept from that, so that the run in "
    "float64 can show other differences"
)


class Torch:
    """As in ``room.Backend``."""

    title = "Keras on PyTorch"
    version = f"PyTorch {torch.__version__}"
    places: Sequence[Any] = ()
    notes: Sequence[str] = (NARROW,)

    def tensor(self, array: NDArray[Any]) -> Any:
        """A constant."""
        return torch.from_numpy(np.array(array))

    def array(self, tensor: Any) -> NDArray[Any]:
        """The numbers, as a copy."""
        return np.array(tensor.detach().cpu().numpy())

    def is_tensor(self, value: Any) -> bool:
        """Whether it is a floating-point tensor with numbers."""
        return isinstance(value, torch.Tensor) and value.is_floating_point() and value.device.type != "meta"

    def begin(self, seed: int) -> None:
        """From this seed, and without the cast of float64 to float32 that Keras makes to be like JAX."""
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
        keras.utils.set_random_seed(seed)

    def gradients(
        self, run: Callable[[], tuple[Any, list[Any]]], variables: list[Any], fed: list[Any]
    ) -> tuple[float, list[Any], list[Any]]:
        """By autograd, of leaves and of what lies on the way alike."""
        with torch.enable_grad():
            for one in fed:
                one.requires_grad_()
            loss, tensors = run()
        sources = [variable.value for variable in variables]
        graded = [one for one in tensors if one.requires_grad]
        found = torch.autograd.grad(loss.reshape(()), [*sources, *graded], allow_unused=True)
        on_the_way = {id(one): gradient for one, gradient in zip(graded, found[len(sources) :], strict=True)}
        return float(loss.detach()), list(found[: len(sources)]), [on_the_way.get(id(one)) for one in tensors]


_ROOM = KerasRoom(Torch())


def answer(record: Record) -> Iterator[Record]:
    """One step of a comparison."""
    return testify(_ROOM, record)
