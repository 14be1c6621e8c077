"""A PyTorch function, autograd Function or module as ``witness.callable.subject.Subject``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from gradtool.evidence import Slot
from gradtool.target.dtype import FORMATS
from gradtool.witness.callable.contract.observed import are_others
from gradtool.witness.callable.structure import filled, leaves, name_of
from gradtool.witness.callable.subject import Floats, Gradients, Origin, Point, UnavailableError, coarsest
from gradtool.witness.pytorch.callable.buffers import Writes
from gradtool.witness.pytorch.callable.pulled import first_line, pulled, refuses
from gradtool.witness.pytorch.callable.randomness import random_states, seeded
from gradtool.witness.pytorch.callable.tensors import (
    is_real,
    like,
    numbers,
    real,
    slot_of,
    weights_beside,
    weights_for,
)

__all__ = ["TorchSubject", "subject_of"]

Tensors = Mapping[str, torch.Tensor]
Traceable = tuple[Callable[..., Any], dict[str, Any], Tensors]
"""What may be traced to an expression: the callable, its arguments that are not differentiated, its own tensors."""


class TorchSubject:
    """``call`` takes every tensor among the arguments by its name, and returns whatever the callable returns.

    ``given`` are these tensors as they were handed over; ``active`` the names of those that are differentiated.
    """

    def __init__(
        self, call: Callable[[Tensors], Any], given: Tensors, active: Sequence[str], origin: Origin, seed: int = 0
    ) -> None:
        self.traceable: Traceable | None = None
        self.call, self.given, self.active, self.origin, self.seed = call, given, tuple(active), origin, seed
        self.fixed: Mapping[str, object] = {}
        self.held: Sequence[str] = ()
        self.changes_inputs = False
        """Whether it writes into its inputs, which PyTorch allows only on copies of what is differentiated."""
        self.backward_seed: int | None = None
        self.drew = False
        self.point: Point = {name: numbers(given[name]) for name in active}
        self.inputs: Sequence[Slot] = [slot_of(name, tensor, name in active) for name, tensor in given.items()]
        found = [leaf for leaf in self._first() if isinstance(leaf, torch.Tensor)]
        learns = [leaf.requires_grad and is_real(leaf) for leaf in found]
        if not any(learns):  # cut off altogether: what has numbers is held against a gradient of 0
            learns = [is_real(leaf) for leaf in found]
        names = ["output"] if len(found) == 1 else [f"output {place}" for place in range(len(found))]
        self.results: Sequence[Slot] = [slot_of(*row) for row in zip(names, found, learns, strict=True)]

    @property
    def dtype(self) -> str:
        """The coarsest floating-point dtype among the differentiated inputs and outputs."""
        return coarsest([slot.dtype for slot in (*self.inputs, *self.results) if slot.differentiated])

    # ---- tensors

    def leaves(self, at: Point) -> dict[str, torch.Tensor]:
        """Fresh tensors: those differentiated with the numbers of ``at``, the others as copies of what was given."""
        return {
            name: like(at[name], given).requires_grad_() if name in self.active else given.detach().clone()
            for name, given in self.given.items()
        }

    def run(self, leaves: Tensors) -> list[torch.Tensor]:
        """The differentiated outputs, complex ones as pairs of reals."""
        found = [leaf for leaf in self.flat(leaves) if isinstance(leaf, torch.Tensor)]
        if len(found) != len(self.results):
            raise UnavailableError(f"it returned {len(found)} tensors, and {len(self.results)} before")
        return [real(leaf) for leaf, slot in zip(found, self.results, strict=True) if slot.differentiated]

    def _first(self) -> list[Any]:
        """What the first call returns, which shows whether the callable has to be given copies."""
        try:
            return self.flat(self.leaves(self.point))
        except RuntimeError as error:
            if "leaf Variable that requires grad" not in str(error):
                raise
            self.changes_inputs = True
            return self.flat(self.leaves(self.point))

    def flat(self, tensors: Tensors) -> list[Any]:
        """What the callable returns, with the random state of every call the same."""
        with seeded(self.seed), torch.enable_grad():
            if self.changes_inputs:
                tensors = {name: tensor.clone() for name, tensor in tensors.items()}
            return [leaf for _, leaf in leaves(self.call(tensors))]

    # ---- witness.callable.subject.Subject

    def outputs(self, at: Point) -> list[Floats]:
        """Every differentiated output."""
        return [numbers(output) for output in self.run(self.leaves(at))]

    def gradient(self, at: Point, upstream: Sequence[Floats]) -> tuple[list[Floats], Gradients]:
        """One forward pass, and one backward pass from the weighed sum."""
        leaves = self.leaves(at)
        outputs = self.run(leaves)
        found = self.backward(outputs, leaves, weights_for(upstream, outputs))
        return [numbers(output) for output in outputs], {
            name: None if gradient is None else numbers(gradient) for name, gradient in found.items()
        }

    def backward(
        self, outputs: Sequence[torch.Tensor], leaves: Tensors, weights: Sequence[torch.Tensor], *, create: bool = False
    ) -> dict[str, torch.Tensor | None]:
        """The gradient of the weighed sum by the active leaves; with ``create`` it can be differentiated again."""
        learning = [(output, weight) for output, weight in zip(outputs, weights, strict=True) if output.requires_grad]
        if not learning:
            return dict.fromkeys(self.active)
        total = sum(((output * weight).sum() for output, weight in learning), start=torch.zeros(()))
        with seeded(self.seed if self.backward_seed is None else self.backward_seed):
            before = random_states()
            found = pulled([total], [leaves[name] for name in self.active], create=create)
            self.drew = random_states() != before
        return dict(zip(self.active, found, strict=True))

    def twice(self, at: Point, upstream: Sequence[Floats], along: Point) -> tuple[float, Gradients]:
        """A backward pass through the backward pass."""
        leaves = self.leaves(at)
        outputs = self.run(leaves)
        slope = self._slope(outputs, leaves, weights_for(upstream, outputs), along)
        if not slope.requires_grad:
            return float(slope.detach()), dict.fromkeys(self.active)
        with seeded(self.seed):
            found = torch.autograd.grad(slope, [leaves[name] for name in self.active], allow_unused=True)
        rows = zip(self.active, found, strict=True)
        return float(slope.detach()), {name: None if g is None else numbers(g) for name, g in rows}

    def pushed(self, at: Point, upstream: Sequence[Floats], along: Point) -> list[Floats]:
        """The second backward pass by the weights."""
        leaves = self.leaves(at)
        outputs = self.run(leaves)
        weights = [weight.requires_grad_() for weight in weights_for(upstream, outputs)]
        slope = self._slope(outputs, leaves, weights, along)
        found = torch.autograd.grad(slope, weights, allow_unused=True) if slope.requires_grad else [None] * len(weights)
        rows = zip(weights, found, strict=True)
        return [np.zeros(tuple(weight.shape)) if g is None else numbers(g) for weight, g in rows]

    def _slope(
        self, outputs: Sequence[torch.Tensor], leaves: Tensors, weights: Sequence[torch.Tensor], along: Point
    ) -> torch.Tensor:
        """<gradient, along>, which can be differentiated."""
        first = self.backward(outputs, leaves, weights, create=True)
        if any(refuses(gradient) for gradient in first.values()):
            raise UnavailableError("its backward pass is marked as not differentiable (once_differentiable)")
        parts = [(real(g) * weights_beside(along[name], real(g))).sum() for name, g in first.items() if g is not None]
        return torch.zeros(()) + sum(parts)

    def forward(self, at: Point, along: Point) -> list[Floats]:
        """Dual numbers; what is written to buffers would carry tangents through torch.no_grad."""
        if self.held:
            raise UnavailableError("its buffers are held")
        leaves = self.leaves(at)
        try:
            with forward_ad.dual_level():
                moved = {
                    name: forward_ad.make_dual(leaf.detach(), like(along[name], leaf)) if name in self.active else leaf
                    for name, leaf in leaves.items()
                }
                primal, tangents = zip(*map(forward_ad.unpack_dual, self.run(moved)), strict=True)
                outputs = self.run(leaves)
                pairs = zip(outputs, primal, strict=True)
                unit = FORMATS[self.dtype].unit
                if any(are_others(numbers(output), numbers(moved), unit) for output, moved in pairs):
                    raise UnavailableError("in forward mode it draws other random numbers")
                return [
                    np.zeros(tuple(output.shape)) if tangent is None else numbers(tangent)
                    for output, tangent in zip(outputs, tangents, strict=True)
                ]
        except (NotImplementedError, RuntimeError) as error:
            raise UnavailableError(first_line(error)) from error

    def batched(self, at: Point, upstreams: Sequence[Sequence[Floats]]) -> list[Gradients]:
        """One backward pass under ``vmap``."""
        leaves = self.leaves(at)
        learning = [(place, output) for place, output in enumerate(self.run(leaves)) if output.requires_grad]
        weights = [torch.stack([weights_beside(row[place], output) for row in upstreams]) for place, output in learning]
        outputs = [output for _, output in learning]
        if not outputs:
            return [dict.fromkeys(self.active) for _ in upstreams]
        try:
            found = torch.autograd.grad(
                outputs, [leaves[name] for name in self.active], weights, allow_unused=True, is_grads_batched=True
            )
        except (NotImplementedError, RuntimeError) as error:
            raise UnavailableError(first_line(error)) from error
        stacks = [None if gradient is None else numbers(gradient) for gradient in found]
        return [
            {name: None if stack is None else stack[place] for name, stack in zip(self.active, stacks, strict=True)}
            for place in range(len(upstreams))
        ]


def subject_of(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    names: Sequence[str],
    origin: Origin,
    seed: int = 0,
    wrt: Sequence[str] = (),
) -> TorchSubject:
    """A Subject of ``function(*arguments, **keywords)``; ``names`` are those of the positional arguments.

    Tensors may stand inside lists, tuples and dicts; they are then called ``xs[0]`` and so on. Floating-point tensors
    are differentiated, or those in ``wrt``. Of a module, so are the parameters that require a gradient.
    """
    structure = {name_of(place, names): value for place, value in enumerate(arguments)} | dict(keywords)
    paths = [(name + path, leaf) for name, part in structure.items() for path, leaf in leaves(part)]
    given: dict[str, torch.Tensor] = {name: leaf for name, leaf in paths if isinstance(leaf, torch.Tensor)}
    module = function if isinstance(function, torch.nn.Module) else None
    own = {} if module is None else dict(module.named_parameters())
    called = {name: f"self.{name}" if name in given else name for name in own}
    parameters = {called[name]: parameter for name, parameter in own.items()}
    writes = Writes()

    def call(tensors: Tensors) -> Any:
        parts = iter([tensors[name] if name in given else leaf for name, leaf in paths])
        values = list(filled(structure, parts).values())
        positional, keyed = values[: len(arguments)], dict(zip(keywords, values[len(arguments) :], strict=True))
        if module is None:
            return function(*positional, **keyed)
        held = {name: tensors[called[name]] for name in own}
        buffers = {name: buffer.detach().clone() for name, buffer in module.named_buffers()}
        with writes.around(buffers):
            return torch.func.functional_call(module, held | buffers, tuple(positional), keyed)

    tensors = given | parameters
    learning = [name for name, tensor in tensors.items() if _learns(name, tensor, parameters)]
    made = TorchSubject(call, tensors, [name for name in learning if not wrt or name in wrt], origin, seed)
    made.fixed = {name: leaf for name, leaf in paths if name not in given}
    made.held = writes.names
    if set(given) <= set(structure):
        traced = getattr(function, "__self__", function) if getattr(function, "__name__", "") == "apply" else function
        fixed = {name: value for name, value in structure.items() if name not in made.active}
        made.traceable = traced, fixed, parameters
    return made


def _learns(name: str, tensor: torch.Tensor, parameters: Mapping[str, Any]) -> bool:
    if not tensor.numel():  # there is nothing to differentiate by
        return False
    if name in parameters:
        return bool(tensor.requires_grad)
    return bool(tensor.is_floating_point() or tensor.is_complex())
