"""PyTorch's side of a comparison: a module, run forward and backward with the weights and inputs that are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gradtool.evidence import Failure, Record, SideRequest
from gradtool.witness.model.exchange import Arrays
from gradtool.witness.model.losses import called_loss
from gradtool.witness.model.outputs import keyed
from gradtool.witness.model.pair_file import Loaded
from gradtool.witness.model.room import Passed
from gradtool.witness.model.side import RandomForwardError, steps
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.pytorch.model.testimony import KIND
from gradtool.witness.pytorch.side.layers import spatial_dims, without_dropout
from gradtool.witness.pytorch.side.recorder import Recorder, Sources, array_of, made

__all__ = ["answer"]


class TorchRoom:
    """The module of the last ``settle``."""

    framework = "PyTorch"
    version = torch.__version__
    kind = KIND
    targets_first = False

    def __init__(self) -> None:
        self.model: nn.Module = nn.Identity()
        self._sources: Sources = {}
        self._stack = ExitStack()

    def begin(self, request: SideRequest) -> None:
        """The seed, and the dtype in which the file makes its tensors; from here the lines of modules are noted."""
        torch.set_default_dtype(getattr(torch, request.dtype))
        torch.manual_seed(request.seed)
        self._stack.close()
        self._sources = self._stack.enter_context(made())

    def settle(self, loaded: Loaded, request: SideRequest) -> None:
        """The module in its mode and dtype, with dropout off."""
        self._stack.close()
        self.model = loaded.model.to(getattr(torch, request.dtype))
        self.model.train(request.mode == "train")
        without_dropout(self.model)

    def channels_last(self) -> bool:
        """PyTorch has images as samples, channels, height, width."""
        return False

    def _named(self) -> dict[str, torch.Tensor]:
        buffers = {name: b for name, b in self.model.named_buffers() if b.is_floating_point()}
        return {**dict(self.model.named_parameters()), **buffers}

    def weights(self) -> Arrays:
        """Parameters and floating-point buffers."""
        return {name: array_of(tensor) for name, tensor in self._named().items()}

    def trained(self) -> list[str]:
        """The parameters that ask for a gradient."""
        return [name for name, parameter in self.model.named_parameters() if parameter.requires_grad]

    def give(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Set parameters and buffers."""
        named = self._named()
        with torch.no_grad():
            for name, value in weights.items():
                named[name].copy_(torch.from_numpy(np.ascontiguousarray(value)))

    def arranged(self, inputs: list[NDArray[Any]], request: SideRequest) -> list[NDArray[Any]]:
        """Channels in front, where the model hands an input as it is to a layer that wants them there."""
        if not request.channels_last:
            return inputs
        return [
            np.moveaxis(x, -1, 1) if x.ndim - 2 in self._wanted(inputs, place) else x for place, x in enumerate(inputs)
        ]

    def _wanted(self, inputs: list[NDArray[Any]], place: int) -> set[int]:
        """The axes over which the first spatial layers run that get this very input."""
        found: set[int] = set()
        fed = [self._tensor(x) for x in inputs]
        asked = fed[place]

        def look(module: nn.Module, arguments: Any) -> None:
            taken = next((one for one in arguments if isinstance(one, torch.Tensor)), None)
            dims = spatial_dims(module)
            same = taken is not None and taken.shape == asked.shape and taken.stride() == asked.stride()
            if dims and same and taken is not None and dims == taken.ndim - 2:
                found.add(dims)

        hooks = [module.register_forward_pre_hook(look) for module in self.model.modules()]
        try:
            with torch.no_grad():
                self.model(*fed)
        except Exception:  # noqa: BLE001, S110  # it is tried to learn where the input goes; the true run tells of errors
            pass
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        made = torch.from_numpy(np.ascontiguousarray(array))
        return made.to(torch.get_default_dtype()) if made.is_floating_point() else made.long()

    def _called(self, fed: list[torch.Tensor], seed: int = 0) -> tuple[Recorder, dict[str, torch.Tensor], Any]:
        torch.manual_seed(seed)
        shapes = " and ".join("x".join(map(str, x.shape)) for x in fed)
        recorder = Recorder(self.model, {id(tensor): name for name, tensor in self._named().items()}, self._sources)
        with recorder, blamed(f"calling the model, {type(self.model).__name__}, on {shapes} failed"):
            output = self.model(*fed)
        outputs = dict(keyed(output, lambda one: isinstance(one, torch.Tensor) and one.is_floating_point()))
        if not outputs:
            raise UserFileError("the PyTorch model returns no floating-point tensor", "return its output")
        return recorder, outputs, output

    def forward(self, inputs: list[NDArray[Any]], seed: int = 0) -> Passed:
        """The layers and outputs."""
        state = {name: tensor.clone() for name, tensor in self.model.named_buffers()}
        with torch.no_grad():
            recorder, outputs, _ = self._called([self._tensor(x) for x in inputs], seed)
            for name, buffer in self.model.named_buffers():
                buffer.copy_(state[name])  # running statistics have moved
        return Passed(recorder.calls, [array_of(one) for one in outputs.values()], keys=list(outputs))

    def backward(self, inputs: list[NDArray[Any]], projections: Sequence[NDArray[Any]], loaded: Loaded) -> Passed:
        """The same with the gradients of the loss."""
        torch.set_default_dtype(next((p.dtype for p in self.model.parameters()), torch.float64))
        self.model.zero_grad(set_to_none=True)
        fed = [self._tensor(x) for x in inputs]
        graded = [x.requires_grad_() for x in fed if x.is_floating_point() and not self.trained()]
        recorder, named, whole = self._called(fed)
        outputs = list(named.values())
        if loaded.loss is None:
            loss = sum((one * self._tensor(p).to(one.dtype)).sum() for one, p in zip(outputs, projections, strict=True))
        else:
            goals = None if loaded.targets is None else self._tensor(loaded.targets)
            loss = called_loss(loaded.loss, whole, goals, reversed_order=self.targets_first)
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            raise UserFileError("the loss of the PyTorch side is no single number", "return a tensor of one number")
        with blamed("the backward pass of the PyTorch model failed"):
            loss.reshape(()).backward()
        gradients = {n: array_of(p.grad) for n, p in self.model.named_parameters() if p.grad is not None}
        by_inputs = [None if x.grad is None else array_of(x.grad) for x in fed] if graded else []
        numbers = [array_of(one) for one in outputs]
        return Passed(recorder.calls, numbers, float(loss.detach()), gradients, list(named), by_inputs)


_ROOM = TorchRoom()


def answer(record: Record) -> Iterator[Record]:
    """One step of a comparison; a Failure that begins in the user's own code where it can't be done."""
    if not isinstance(record, SideRequest):
        return
    try:
        yield from steps(_ROOM, record)
    except UserFileError as error:
        reason = "random" if isinstance(error, RandomForwardError) else "file"
        yield Failure(record.key, "torch", reason, error.message, error.hint, error.detail)
