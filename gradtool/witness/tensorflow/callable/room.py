"""TensorFlow as ``witness.callable.examine.Room``."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gradtool.evidence import CallableEvidence, CallableRequest, Checked
from gradtool.witness.callable.checker import checked
from gradtool.witness.callable.examine import Room, examined
from gradtool.witness.callable.formula import Formula
from gradtool.witness.callable.subject import Subject
from gradtool.witness.callable.traced import NotTraced, disagreement
from gradtool.witness.tensorflow.callable.causes import causes
from gradtool.witness.tensorflow.callable.contract import breaches
from gradtool.witness.tensorflow.callable.subject import TensorFlowSubject
from gradtool.witness.tensorflow.callable.traced import traced
from gradtool.witness.tensorflow.expression import TensorFlow
from gradtool.witness.tensorflow.gradcheck import gradcheck

__all__ = ["looked_at"]


def _formula(subject: TensorFlowSubject) -> Formula:
    """The callable as expressions, if a trace of it gives its own numbers."""
    if subject.traceable is None:
        return Formula(untraced="it takes tensors inside of containers")
    function, fixed, held = subject.traceable
    if held:
        return Formula(untraced="it has variables of its own")
    shapes = {name: array.shape for name, array in subject.point.items()}
    found = traced(function, shapes, fixed, getattr(tf, subject.dtype))
    if isinstance(found, NotTraced):
        return Formula(untraced=f"it {found.reason}")
    outputs = subject.outputs(subject.point)
    if told := disagreement(TensorFlow(), tf, found, subject.point, outputs, subject.dtype):
        return Formula(untraced=f"its trace is another function: {told}")
    return Formula(found.expressions, found.constants)


def _checked(subject: TensorFlowSubject, request: CallableRequest) -> Checked:
    """Of the sum of the outputs; a layer's variables are moved by nobody but the layer."""
    with subject.placed(subject.point) as leaves:
        active = [name for name in subject.active if name not in subject.variables]

        def total(*moved: Any) -> Any:
            outputs = subject.run({**leaves, **dict(zip(active, moved, strict=True))})
            return tf.add_n([tf.cast(tf.reduce_sum(output), tf.float64) for output in outputs])

        handed = total, [leaves[name] for name in active]
        return checked(subject, request, ("tensorflow", tf.__version__), gradcheck, handed)


_ROOM = Room("tensorflow", tf.__version__, breaches, _formula, _checked, causes)


def looked_at(subject: Subject, request: CallableRequest) -> CallableEvidence:
    """``examined`` in this room."""
    return examined(subject, request, _ROOM)
