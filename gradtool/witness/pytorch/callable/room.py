"""PyTorch as ``witness.callable.examine.Room``."""

from __future__ import annotations

import torch

from gradtool.evidence import CallableEvidence, CallableRequest, Checked
from gradtool.witness.callable.checker import checked
from gradtool.witness.callable.examine import Room, examined
from gradtool.witness.callable.formula import Formula
from gradtool.witness.callable.subject import Subject
from gradtool.witness.callable.traced import NotTraced, disagreement
from gradtool.witness.pytorch.callable.causes import causes
from gradtool.witness.pytorch.callable.contract import breaches
from gradtool.witness.pytorch.callable.subject import TorchSubject
from gradtool.witness.pytorch.callable.traced import traced
from gradtool.witness.pytorch.expression import PyTorch
from gradtool.witness.pytorch.gradcheck import gradcheck

__all__ = ["looked_at"]


def _formula(subject: TorchSubject) -> Formula:
    """The callable as expressions, if a trace of it gives its own numbers."""
    if subject.traceable is None:
        return Formula(untraced="it takes tensors inside of containers")
    function, fixed, held = subject.traceable
    shapes = {name: array.shape for name, array in subject.point.items()}
    found = traced(function, shapes, fixed, getattr(torch, subject.dtype), held)
    if isinstance(found, NotTraced):
        return Formula(untraced=f"it {found.reason}")
    outputs = subject.outputs(subject.point)
    if told := disagreement(PyTorch(), torch, found, subject.point, outputs, subject.dtype):
        return Formula(untraced=f"its trace is another function: {told}")
    return Formula(found.expressions, found.constants)


def _checked(subject: TorchSubject, request: CallableRequest) -> Checked:
    """Of the sum of the outputs."""
    leaves = subject.leaves(subject.point)

    def total(*moved: torch.Tensor) -> torch.Tensor:
        outputs = subject.run({**leaves, **dict(zip(subject.active, moved, strict=True))})
        return torch.zeros(()) + sum(output.sum() for output in outputs)

    handed = total, [leaves[name] for name in subject.active]
    return checked(subject, request, ("torch", torch.__version__), gradcheck, handed)


_ROOM = Room("torch", torch.__version__, breaches, _formula, _checked, causes)

SMALL = 1 << 16
"""Numbers in all inputs up to which one thread does the work: several wait for each other longer than they work."""


def looked_at(subject: Subject, request: CallableRequest) -> CallableEvidence:
    """``examined`` in this room."""
    threads = torch.get_num_threads()
    if sum(array.size for array in subject.point.values()) <= SMALL:
        torch.set_num_threads(1)
    try:
        return examined(subject, request, _ROOM)
    finally:
        torch.set_num_threads(threads)
