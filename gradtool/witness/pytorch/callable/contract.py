"""What only PyTorch's own tensors show of a callable's contract: writing in place, and what a backward returns."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from gradtool.evidence import Breach, CallableRequest
from gradtool.witness.callable.contract import checks
from gradtool.witness.callable.contract.observed import Observed, apart, are_others, largest
from gradtool.witness.callable.subject import Point
from gradtool.witness.pytorch.callable.pulled import pulled
from gradtool.witness.pytorch.callable.subject import TorchSubject
from gradtool.witness.pytorch.callable.subsets import subsets
from gradtool.witness.pytorch.callable.tensors import numbers, weights_for
from gradtool.witness.pytorch.graph import nodes

__all__ = ["breaches"]

Tensors = Mapping[str, torch.Tensor]


def breaches(subject: TorchSubject, request: CallableRequest, label: str, at: Point | None = None) -> list[Breach]:
    """Every check of the contract at the point ``at``, called ``label``; about 35 gradients."""
    found = checks.breaches(subject, request, label, at, [partial(check, subject) for check in CHECKS])
    if any(breach.kind == "none" for breach in found):
        reached = _reached(subject, subject.point if at is None else at)
        found = [
            replace(breach, kind="cut_off") if breach.kind == "none" and breach.variable not in reached else breach
            for breach in found
        ]
    return found


def written(subject: TorchSubject, observed: Observed) -> Iterator[Breach]:
    """Tensors that the forward or the backward pass writes to: their bytes and version counters before and after."""
    leaves = subject.leaves(observed.at)
    before = _kept(leaves)
    outputs = subject.run(leaves)
    yield from _changed(observed, "modifies_input", "the forward pass", leaves, before)
    learning = [place for place, output in enumerate(outputs) if output.requires_grad]
    if not learning:
        return
    names = [observed.learning[place].name for place in learning]
    weights = {
        name: torch.tensor(observed.upstream[place]).to(outputs[place].device, outputs[place].dtype)
        for name, place in zip(names, learning, strict=True)
    }
    results = dict(zip(names, (outputs[place] for place in learning), strict=True))
    before, upstream, values = _kept(leaves), _kept(weights), _kept(results)
    pulled(list(results.values()), [leaves[name] for name in subject.active], list(weights.values()))
    yield from _changed(observed, "modifies_input", "the backward pass", leaves, before)
    yield from _changed(observed, "modifies_upstream", "the backward pass", weights, upstream)
    yield from _changed(observed, "modifies_result", "the backward pass", results, values)


def overwritten(subject: TorchSubject, observed: Observed) -> Iterator[Breach]:
    """Differentiated inputs that the forward pass writes to, as PyTorch allows it only of what needs no gradient.

    Where the input itself is what comes back, as of ``relu_`` or with ctx.mark_dirty, the caller may have meant it.
    One value.
    """
    if not subject.changes_inputs:
        return
    bare = copy.copy(subject)
    bare.changes_inputs = False
    leaves = {name: leaf.detach() for name, leaf in subject.leaves(observed.at).items()}
    before = _kept(leaves)
    returned = {leaf.data_ptr() for leaf in bare.flat(leaves) if isinstance(leaf, torch.Tensor)}
    for breach in _changed(observed, "modifies_input", "the forward pass", leaves, before):
        if leaves[breach.variable].data_ptr() not in returned:
            yield breach
        elif subject.origin.kind != "autograd function":
            yield replace(breach, kind="in_place", told=f"{breach.told}, and returns it")


Kept = dict[str, tuple[int, torch.Tensor]]


def _kept(tensors: Tensors) -> Kept:
    return {name: (tensor._version, tensor.detach().clone()) for name, tensor in tensors.items()}  # noqa: SLF001


def _changed(observed: Observed, kind: str, who: str, tensors: Tensors, before: Kept) -> Iterator[Breach]:
    for name, tensor in tensors.items():
        version, old = before[name]
        here, now = numbers(old), numbers(tensor)
        if here.tobytes() != now.tobytes():
            gap = apart(here, now)
            yield observed.breach(kind, name, f"{who} changes it by up to {gap:.3g}", gap / (largest(here) or 1.0))
        elif tensor._version != version:  # noqa: SLF001
            yield observed.breach(kind, name, f"{who} writes to it, here with the numbers it had")


def returned(subject: TorchSubject, observed: Observed) -> Iterator[Breach]:
    """Shapes and dtypes that a custom backward returns, before autograd sums and converts them. One gradient.

    Autograd itself refuses what cannot be summed to the shape of the input.
    """
    leaves = subject.leaves(observed.at)
    outputs = subject.run(leaves)
    names = {id(leaf): name for name, leaf in leaves.items()}
    seen: list[tuple[str, str, str]] = []

    def compared(ctx: Any, found: Any) -> None:
        gradients = found if isinstance(found, tuple) else (found,)
        wanted = [gradient for gradient, needed in zip(gradients, ctx.needs_input_grad, strict=False) if needed]
        edges = [edge for edge in ctx.next_functions if edge[0] is not None]
        for gradient, (node, place) in zip(wanted, edges, strict=False):
            if isinstance(gradient, torch.Tensor):
                expected = node._input_metadata[place]  # noqa: SLF001
                name = names.get(id(getattr(node, "variable", None)), "")
                seen.extend((kind, name, told) for kind, told in _unlike(gradient, expected.shape, expected.dtype))

    with contextlib.ExitStack() as stack:
        for operation in {node._forward_cls for node in nodes(outputs) if hasattr(node, "_forward_cls")}:  # noqa: SLF001
            stack.enter_context(_overheard(operation, compared))
        subject.backward(outputs, leaves, weights_for(observed.upstream, outputs))
    for kind, name, told in dict.fromkeys(seen):
        yield observed.breach(kind, name, told)


def _unlike(gradient: torch.Tensor, shape: Sequence[int], dtype: torch.dtype) -> Iterator[tuple[str, str]]:
    if tuple(gradient.shape) != tuple(shape):
        told = f"backward returns the shape {tuple(gradient.shape)} for an input of {tuple(shape)}"
        yield "shape_summed", f"{told}, and autograd sums it"
    if gradient.dtype != dtype:
        lost = ", without its imaginary part" if gradient.is_complex() and not dtype.is_complex else ""
        told = f"backward returns {_plain(gradient.dtype)} for an input of {_plain(dtype)}"
        yield "dtype", f"{told}, and autograd converts it{lost}"


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@contextlib.contextmanager
def _overheard(operation: Any, told: Callable[[Any, Any], None]) -> Iterator[None]:
    """Meanwhile ``told`` gets the context and the result of every backward of the class ``operation``."""
    name = "backward" if operation.vjp is torch.autograd.Function.vjp else "vjp"
    own, original = vars(operation).get(name), getattr(operation, name)

    def backward(ctx: Any, *upstream: Any) -> Any:
        found = original(ctx, *upstream)
        told(ctx, found)
        return found

    setattr(operation, name, staticmethod(backward))
    try:
        yield
    finally:
        if own is None:
            delattr(operation, name)
        else:
            setattr(operation, name, own)


def interleaved(subject: TorchSubject, observed: Observed) -> Iterator[Breach]:
    """Two graphs open at once, forward here and there, then backward here: the gradient must be what it was."""
    there = observed.elsewhere
    if there is None or observed.stateful:
        return
    leaves, others = subject.leaves(observed.at), subject.leaves(there)
    outputs = subject.run(leaves)
    later = subject.run(others)
    found = subject.backward(outputs, leaves, weights_for(observed.upstream, outputs))
    second = subject.backward(later, others, weights_for(observed.upstream, later))
    apart_there = observed.gradient(observed.upstream, there)
    for name, base in observed.base.items():
        for now, alone, which in ((found, base, "the first"), (second, apart_there[name], "the second")):
            tensor = now[name]
            gap = apart(None if tensor is None else numbers(tensor), alone)
            if gap > observed.bar(name) * max(1.0, largest(alone) / (largest(base) or 1.0)):
                size = gap / (largest(alone) or gap)
                told = f"with two calls before either backward, {which} call's gradient is {size:.2g} of its largest"
                yield observed.breach("stale", name, f"{told} entry off", size)
                break


def vmapped(subject: TorchSubject, observed: Observed) -> Iterator[Breach]:
    """Two upstream gradients at once by ``torch.func``, which asks a Function for its ``vmap`` rule. One gradient.

    Under it a dropout may run in another kernel, which draws another mask: then there is nothing to compare.
    """
    leaves = subject.leaves(observed.at)
    active = {name: leaves[name].detach() for name in subject.active}

    def outputs(moved: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        return tuple(subject.run({**leaves, **moved}))

    try:
        results, pull = torch.func.vjp(outputs, active)
        pairs = zip(results, observed.upstream, observed.other, strict=True)
        weights = tuple(
            torch.stack([torch.as_tensor(part).to(result.device, result.dtype) for part in parts])
            for result, *parts in pairs
        )
        (found,) = torch.vmap(pull)(weights)
    except Exception:  # noqa: BLE001 - what refuses torch.func does not break it
        return
    rows = zip(results, observed.values, strict=True)
    if any(are_others(numbers(result), value, observed.unit) for result, value in rows):
        return
    other = observed.gradient(observed.other)
    for name, stack in found.items():
        arrays = numbers(stack)
        gap = max(apart(arrays[0], observed.base[name]), apart(arrays[1], other[name]))
        size = max(largest(observed.base[name]), largest(other[name]))
        if gap > observed.bar(name) * max(1.0, size / (largest(observed.base[name]) or 1.0)):
            told = f"torch.func.vmap gives numbers {gap / (size or gap):.2g} of the largest entry off those one by one"
            yield observed.breach("batched", name, told, gap / (size or gap))


CHECKS = (written, overwritten, returned, interleaved, subsets, vmapped)


def _reached(subject: TorchSubject, at: Point) -> set[str]:
    """The leaves that the graph of the outputs leads to."""
    leaves = subject.leaves(at)
    ends = {id(getattr(node, "variable", None)) for node in nodes(subject.run(leaves))}
    return {name for name, leaf in leaves.items() if id(leaf) in ends}
