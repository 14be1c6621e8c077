"""What one pass through a model changes beside its gradients: the random numbers to come, and the buffers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

__all__ = ["State"]


@dataclass(frozen=True, slots=True)
class State:
    """As it was when it was ``taken``."""

    model: nn.Module
    buffers: dict[str, torch.Tensor]
    python: Any
    numpy: Any
    torch: torch.Tensor
    cuda: list[torch.Tensor]

    @classmethod
    def taken(cls, model: nn.Module) -> State:
        """What it is now."""
        buffers = {name: buffer.detach().clone() for name, buffer in model.named_buffers() if not is_lazy(buffer)}
        numpy = np.random.get_state()  # noqa: NPY002  # the one that programs share
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        return cls(model, buffers, random.getstate(), numpy, torch.get_rng_state(), cuda)

    def restore(self) -> None:
        """Let it be so again."""
        with torch.no_grad():
            for name, buffer in self.model.named_buffers():
                if name in self.buffers and buffer.shape == self.buffers[name].shape:
                    buffer.copy_(self.buffers[name])
        random.setstate(self.python)
        np.random.set_state(self.numpy)  # noqa: NPY002
        torch.set_rng_state(self.torch)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)
