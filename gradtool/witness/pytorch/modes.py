"""PyTorch's modes: reverse, forward, many points at once, recomputed in the backward pass, and compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from gradtool.witness.modes import BATCH, Gradient, Memory, Run, Subject, Way
from gradtool.witness.testimony import Framework
from gradtool.witness.timing import How

__all__ = ["PyTorchModes"]

Function = Callable[..., torch.Tensor]
HOW = "torch.profiler's account of every allocation and release"


def _plain(subject: Subject) -> Function:
    return subject.function


def _compiled(subject: Subject) -> Function:
    return _compile(subject.function, subject)


def _compile(function: Function, subject: Subject) -> Function:
    """By torch.compile, of a trace of the expression's own operations: our walk of the tree is not compiled."""
    from torch.fx.experimental.proxy_tensor import make_fx  # noqa: PLC0415  # half a second that few runs need

    torch.compiler.reset()  # else the programs of one request after the other pile up
    made: Function = torch.compile(make_fx(function)(*subject.active), fullgraph=True)
    return made


def _checkpointed(subject: Subject) -> Function:
    """Nothing is kept for the backward pass; nothing is random, so no state of a generator is either."""

    def function(*tensors: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = checkpoint(subject.function, *tensors, use_reentrant=False, preserve_rng_state=False)
        return value

    return function


def _reverse(make: Callable[[Subject], Function]) -> Callable[[Subject], Run]:
    """torch.autograd.grad of the weighed sum of what ``make`` gives."""

    def made(subject: Subject) -> Run:
        return _differentiated(make(subject), subject)

    return made


def _gradient(function: Function, tensors: Sequence[torch.Tensor], weights: torch.Tensor) -> Gradient:
    active = [tensor.detach().requires_grad_() for tensor in tensors]
    value = function(*active)
    if not value.requires_grad:
        return value, [None] * len(active)
    return value, torch.autograd.grad((value * weights).sum(), active, allow_unused=True)


def _called(function: Function, subject: Subject) -> Callable[[], Any]:
    return lambda: function(*subject.active)


def _differentiated(function: Function, subject: Subject) -> Run:
    return lambda: _gradient(function, subject.active, subject.weights)


def _pass(make: Callable[[Subject], Function]) -> Callable[[Subject], Callable[[], Any]]:
    """The forward pass of what ``make`` gives, ready to go back."""

    def made(subject: Subject) -> Callable[[], Any]:
        function = make(subject)
        return lambda: function(*(tensor.detach().requires_grad_() for tensor in subject.active))

    return made


def _forward(subject: Subject) -> Run:
    """torch.func.jvp along every unit vector."""
    basis, primals = list(subject.basis()), tuple(subject.active)

    def run() -> Gradient:
        slopes = []
        for tangents in basis:
            value, tangent = torch.func.jvp(subject.function, primals, tuple(tangents))
            slopes.append((tangent * subject.weights).sum())
        sizes = [tensor.numel() for tensor in primals]
        parts = torch.stack(slopes).split(sizes)
        return value, [part.reshape(tensor.shape) for part, tensor in zip(parts, primals, strict=True)]

    return run


def _loop(subject: Subject) -> Run:
    """One point after the other."""
    points = subject.batch()

    def run() -> Gradient:
        found = [_gradient(subject.function, point, subject.weights) for point in points]
        values = torch.stack([value for value, _ in found])
        rows = [[torch.zeros_like(t) if g is None else g for g, t in zip(gradients, point, strict=True)]
                for (_, gradients), point in zip(found, points, strict=True)]  # fmt: skip
        return values, [torch.stack(column) for column in zip(*rows, strict=True)]

    return run


def _vmap(subject: Subject) -> Run:
    """torch.vmap of torch.func.grad_and_value."""
    stacked = [torch.stack(column) for column in zip(*subject.batch(), strict=True)]

    def weighed(*tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value = subject.function(*tensors)
        return (value * subject.weights).sum(), value

    places = tuple(range(len(stacked)))
    mapped = torch.vmap(torch.func.grad_and_value(weighed, argnums=places, has_aux=True))

    def run() -> Gradient:
        gradients, (_, values) = mapped(*stacked)
        return values, gradients

    return run


class PyTorchModes:
    """PyTorch as ``witness.modes.Modes``."""

    ways: Sequence[Way] = (
        Way("reverse", "torch.autograd.grad", _reverse(_plain), forward=_pass(_plain)),
        Way("forward", "torch.func.jvp", _forward),
        Way("loop", "torch.autograd.grad, point by point", _loop, BATCH),
        Way("vmap", "torch.vmap of torch.func.grad", _vmap, BATCH),
        Way("checkpoint", "torch.utils.checkpoint", _reverse(_checkpointed), forward=_pass(_checkpointed)),
        Way("compiled", "torch.compile", _reverse(_compiled), forward=_pass(_compiled)),
    )

    hows: Sequence[How] = (
        How("eager", "PyTorch",
            _called, _differentiated),
        How("compiled", "torch.compile",
            lambda function, subject: _called(_compile(function, subject), subject),
            lambda function, subject: _differentiated(_compile(function, subject), subject)),
    )  # fmt: skip

    def __init__(self, framework: Framework) -> None:
        self.framework = framework

    def products(self, subject: Subject, tangents: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
        """J v by torch.func.jvp, and J^T w by torch.autograd.grad."""
        _, forward = torch.func.jvp(subject.function, tuple(subject.active), tuple(tangents))
        _, back = _gradient(subject.function, subject.active, cotangent)
        return forward, back

    def memory(self, subject: Subject, way: Way) -> Memory:
        """The highest and, after the forward pass, the last level of the profiler's account of allocations."""
        peak, _ = _levels(way.make(subject))
        kept = _levels(way.forward(subject))[1] if way.forward else None
        return peak, kept, HOW

    def excuse(self, error: BaseException) -> str:
        """What torch.compile lacks."""
        seen: BaseException | None = error
        while seen is not None:
            if "No working C++ compiler" in str(seen):
                return "torch.compile needs a C++ compiler on a CPU, and there is none: install g++ or clang++"
            seen = seen.__cause__ or seen.__context__
        return ""


def _levels(run: Callable[[], Any]) -> tuple[int, int]:
    """Bytes of tensors: at the highest, and when the run is over and its result still held."""
    run()  # whatever is compiled or kept for ever is there now
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        held = run()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    level = top = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        level += event.nbytes()
        top = max(top, level)
    del held
    return top, level
