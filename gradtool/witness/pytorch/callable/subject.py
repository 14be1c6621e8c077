"""A PyTorch function, autograd Function or module as ``witness.callable.subject.Subject``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from gradtool.evidence import Slot
from gradtool.target.dtype import FORMATS
from gradtool.witness.callable.contract.observed import are_others
from gradtool.witness.callable.randomness import kept_random, random_state
from gradtool.witness.callable.structure import filled, leaves, name_of
from gradtool.witness.callable.subject import Floats, Gradients, Origin, Point, UnavailableError, coarsest
from gradtool.witness.pytorch.callable.buffers import Writes

__all__ = ["TorchSubject", "nodes", "numbers", "pulled", "subject_of", "weights_for"]

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
        self.inputs: Sequence[Slot] = [_slot(name, tensor, name in active) for name, tensor in given.items()]
        found = [leaf for leaf in self._first() if isinstance(leaf, torch.Tensor)]
        learns = [leaf.requires_grad and _is_real(leaf) for leaf in found]
        if not any(learns):  # cut off altogether: what has numbers is held against a gradient of 0
            learns = [_is_real(leaf) for leaf in found]
        names = ["output"] if len(found) == 1 else [f"output {place}" for place in range(len(found))]
        self.results: Sequence[Slot] = [_slot(*row) for row in zip(names, found, learns, strict=True)]

    @property
    def dtype(self) -> str:
        """The coarsest floating-point dtype among the differentiated inputs and outputs."""
        return coarsest([slot.dtype for slot in (*self.inputs, *self.results) if slot.differentiated])

    # ---- tensors

    def leaves(self, at: Point) -> dict[str, torch.Tensor]:
        """Fresh tensors: those differentiated with the numbers of ``at``, the others as copies of what was given."""
        return {
            name: _like(at[name], given).requires_grad_() if name in self.active else given.detach().clone()
            for name, given in self.given.items()
        }

    def run(self, leaves: Tensors) -> list[torch.Tensor]:
        """The differentiated outputs, complex ones as pairs of reals."""
        found = [leaf for leaf in self.flat(leaves) if isinstance(leaf, torch.Tensor)]
        if len(found) != len(self.results):
            raise UnavailableError(f"it returned {len(found)} tensors, and {len(self.results)} before")
        return [_real(leaf) for leaf, slot in zip(found, self.results, strict=True) if slot.differentiated]

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
        with _seeded(self.seed), torch.enable_grad():
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
        with _seeded(self.seed if self.backward_seed is None else self.backward_seed):
            before = _random_state()
            found = pulled([total], [leaves[name] for name in self.active], create=create)
            self.drew = _random_state() != before
        return dict(zip(self.active, found, strict=True))

    def twice(self, at: Point, upstream: Sequence[Floats], along: Point) -> tuple[float, Gradients]:
        """A backward pass through the backward pass."""
        leaves = self.leaves(at)
        outputs = self.run(leaves)
        slope = self._slope(outputs, leaves, weights_for(upstream, outputs), along)
        if not slope.requires_grad:
            return float(slope.detach()), dict.fromkeys(self.active)
        with _seeded(self.seed):
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
        if any(_refuses(gradient) for gradient in first.values()):
            raise UnavailableError("its backward pass is marked as not differentiable (once_differentiable)")
        parts = [(_real(g) * _weights(along[name], _real(g))).sum() for name, g in first.items() if g is not None]
        return torch.zeros(()) + sum(parts)

    def forward(self, at: Point, along: Point) -> list[Floats]:
        """Dual numbers; what is written to buffers would carry tangents through torch.no_grad."""
        if self.held:
            raise UnavailableError("its buffers are held")
        leaves = self.leaves(at)
        try:
            with forward_ad.dual_level():
                moved = {
                    name: forward_ad.make_dual(leaf.detach(), _like(along[name], leaf)) if name in self.active else leaf
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
            raise UnavailableError(_first_line(error)) from error

    def batched(self, at: Point, upstreams: Sequence[Sequence[Floats]]) -> list[Gradients]:
        """One backward pass under ``vmap``."""
        leaves = self.leaves(at)
        learning = [(place, output) for place, output in enumerate(self.run(leaves)) if output.requires_grad]
        weights = [torch.stack([_weights(row[place], output) for row in upstreams]) for place, output in learning]
        outputs = [output for _, output in learning]
        if not outputs:
            return [dict.fromkeys(self.active) for _ in upstreams]
        try:
            found = torch.autograd.grad(
                outputs, [leaves[name] for name in self.active], weights, allow_unused=True, is_grads_batched=True
            )
        except (NotImplementedError, RuntimeError) as error:
            raise UnavailableError(_first_line(error)) from error
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


def pulled(
    outputs: Sequence[torch.Tensor],
    inputs: Sequence[torch.Tensor],
    weights: Sequence[torch.Tensor] | None = None,
    *,
    create: bool = False,
) -> Sequence[torch.Tensor | None]:
    """The gradient of the outputs' weighed sum by fresh leaves, None where there is none.

    A checkpoint with use_reentrant=True refuses torch.autograd.grad: then by ``backward()``, which leaves it in
    ``.grad``, and which cannot be differentiated again.
    """
    try:
        found: Sequence[torch.Tensor | None] = torch.autograd.grad(
            outputs, inputs, weights, allow_unused=True, create_graph=create, retain_graph=True
        )
    except RuntimeError as error:
        if "use_reentrant" not in str(error):
            raise
        if create:
            raise UnavailableError(_first_line(error)) from error
    else:
        return found
    with _grads_kept(inputs):
        torch.autograd.backward(outputs, weights)
        return [one.grad for one in inputs]


@contextlib.contextmanager
def _grads_kept(fresh: Sequence[torch.Tensor]) -> Iterator[None]:
    """Meanwhile backward passes, and those inside of them, add to ``.grad`` of other leaves; afterwards it is undone.

    What a reentrant checkpoint leads to shows only once it has run its function again.
    """
    original, kept = torch.autograd.backward, {id(one): (one, None) for one in fresh}
    others: dict[int, tuple[torch.Tensor, torch.Tensor | None]] = {}

    def backward(tensors: Any, *given: Any, **named: Any) -> Any:
        for node in nodes([tensors] if isinstance(tensors, torch.Tensor) else tensors):
            leaf = getattr(node, "variable", None)
            if leaf is not None and id(leaf) not in kept:
                others.setdefault(id(leaf), (leaf, None if leaf.grad is None else leaf.grad.clone()))
        return original(tensors, *given, **named)

    torch.autograd.backward = backward
    try:
        yield
    finally:
        torch.autograd.backward = original
        for leaf, grad in others.values():
            leaf.grad = grad


def nodes(outputs: Sequence[torch.Tensor]) -> Iterator[Any]:
    """Every node of a graph, once."""
    waiting: list[Any] = [output.grad_fn for output in outputs if output.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        yield node
        fresh = {after for after, _ in node.next_functions if after is not None} - seen
        seen |= fresh
        waiting.extend(fresh)


def numbers(tensor: torch.Tensor) -> Floats:
    """The tensor's numbers as float64, complex ones as pairs."""
    dense = _real(tensor.detach().to_dense() if tensor.layout != torch.strided else tensor.detach())
    found: Floats = dense.clone().to("cpu", torch.float64).numpy()
    return found


def _learns(name: str, tensor: torch.Tensor, parameters: Mapping[str, Any]) -> bool:
    if not tensor.numel():  # there is nothing to differentiate by
        return False
    if name in parameters:
        return bool(tensor.requires_grad)
    return bool(tensor.is_floating_point() or tensor.is_complex())


def _slot(name: str, tensor: torch.Tensor, differentiated: bool) -> Slot:
    shape = tuple(tensor.shape) + ((2,) if tensor.is_complex() else ())
    return Slot(name, shape, str(tensor.dtype).removeprefix("torch."), differentiated)


def _is_real(tensor: torch.Tensor) -> bool:
    return bool(tensor.is_floating_point() or tensor.is_complex())


def _real(tensor: torch.Tensor) -> torch.Tensor:
    return torch.stack([tensor.real, tensor.imag], dim=-1) if tensor.is_complex() else tensor


def _like(array: Floats, given: torch.Tensor) -> torch.Tensor:
    """The numbers of ``array`` in the dtype and on the device of ``given``, complex if that is."""
    found = torch.as_tensor(np.asarray(array, order="C"))
    if given.is_complex():
        found = torch.view_as_complex(found.contiguous())
    return found.to(given.device, given.dtype, copy=True)


def _weights(array: Floats, output: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(np.asarray(array, order="C")).to(output.device, output.dtype)


def weights_for(upstream: Sequence[Floats], outputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The upstream gradient as tensors beside the outputs."""
    return [_weights(weights, output) for weights, output in zip(upstream, outputs, strict=True)]


def _refuses(gradient: torch.Tensor | None) -> bool:
    """Whether differentiating again would raise, or, where unused inputs are allowed, silently give None."""
    node = None if gradient is None else gradient.grad_fn
    return node is not None and node.name() == "torch::autograd::Error"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]


def _random_state() -> tuple[object, ...]:
    """Where every generator that ``_seeded`` holds stands."""
    generators = [torch.default_generator]
    if torch.cuda.is_initialized():
        generators += torch.cuda.default_generators
    return (*(generator.get_state().numpy().tobytes() for generator in generators), *random_state())


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The same random numbers for every call, and the caller's random state untouched.

    The generators themselves are seeded: ``torch.manual_seed`` takes 0.2 ms, longer than many a small function.
    """
    generators = [torch.default_generator]
    if torch.cuda.is_initialized():
        generators += torch.cuda.default_generators
    states = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        with kept_random(seed):
            yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
