"""What only TensorFlow's own tensors show of a callable's contract: variables written to, and what a tape returns."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import tensorflow as tf

from gradtool.evidence import Breach, CallableRequest
from gradtool.witness.callable.contract import checks
from gradtool.witness.callable.contract.observed import Observed, apart, largest
from gradtool.witness.callable.subject import Floats, Gradients, Point
from gradtool.witness.tensorflow.callable.subject import TensorFlowSubject
from gradtool.witness.tensorflow.callable.tensors import numbers

__all__ = ["breaches"]


def breaches(subject: TensorFlowSubject, request: CallableRequest, label: str, at: Point | None = None) -> list[Breach]:
    """Every check of the contract at the point ``at``, called ``label``; about 35 gradients."""
    return checks.breaches(subject, request, label, at, [partial(check, subject) for check in CHECKS])


def written(subject: TensorFlowSubject, observed: Observed) -> Iterator[Breach]:
    """Trainable variables, and buffers behind tensors, that a forward and a backward pass write to. One gradient.

    Tensors themselves cannot be written to; the statistics of a layer may be.
    """
    with subject.placed(observed.at) as leaves, tf.GradientTape() as tape:
        before = {name: numbers(leaf) for name, leaf in leaves.items() if _is_number(leaf)}
        tape.watch(subject.watched(leaves))
        outputs = subject.run(leaves)
        ahead = {name: numbers(leaves[name]) for name in before}
        with tape.stop_recording():
            weights = [tf.constant(part, output.dtype) for part, output in zip(observed.upstream, outputs, strict=True)]
            tape.gradient(outputs, subject.watched(leaves), output_gradients=weights)
            after = {name: numbers(leaves[name]) for name in before}
            upstream = [numbers(part) for part in weights]
    rows = [("modifies_input", name, "the forward pass", old, ahead[name]) for name, old in before.items()]
    rows += [("modifies_input", name, "the backward pass", old, after[name]) for name, old in ahead.items()]
    slots = zip(observed.learning, observed.upstream, upstream, strict=True)
    rows += [("modifies_upstream", slot.name, "the backward pass", old, now) for slot, old, now in slots]
    for kind, name, who, old, now in rows:
        gap = apart(old, now)
        if gap > 0:
            yield observed.breach(kind, name, f"{who} changes it by up to {gap:.3g}", gap / (largest(old) or 1.0))


def returned(subject: TensorFlowSubject, observed: Observed) -> Iterator[Breach]:
    """Gradients of another dtype than their input, which a tape lets through. One gradient."""
    with subject.placed(observed.at) as leaves:
        with tf.GradientTape() as tape:
            tape.watch(subject.watched(leaves))
            outputs = subject.run(leaves)
        for name, found in zip(subject.active, tape.gradient(outputs, subject.watched(leaves)), strict=True):
            if found is not None and found.dtype != leaves[name].dtype:
                told = f"the gradient is {found.dtype.name}, and the input {leaves[name].dtype.name}"
                yield observed.breach("dtype", name, told)


def interleaved(subject: TensorFlowSubject, observed: Observed) -> Iterator[Breach]:
    """Two tapes open at once, forward here and there, then backward here and there: each must give what it gave alone.

    Variables stay as they are: a backward pass may read them.
    """
    there = observed.elsewhere
    if there is None or observed.stateful:
        return
    there = {name: observed.at[name] if name in subject.variables else array for name, array in there.items()}
    with subject.placed(observed.at) as leaves, subject.placed(there) as others:
        tapes = []
        for inputs in (leaves, others):
            with tf.GradientTape() as tape:
                tape.watch(subject.watched(inputs))
                outputs = subject.run(inputs)
            tapes.append((tape, outputs, inputs))
        found = [_pulled(subject, observed, *row) for row in tapes]
    alone = [observed.base, observed.gradient(observed.upstream, there)]
    for name, base in observed.base.items():
        for now, then, which in zip(found, alone, ("the first", "the second"), strict=True):
            gap = apart(now[name], then[name])
            if gap > observed.bar(name) * max(1.0, largest(then[name]) / (largest(base) or 1.0)):
                size = gap / (largest(then[name]) or gap)
                told = f"with two calls before either backward, {which} call's gradient is {size:.2g} of its largest"
                yield observed.breach("stale", name, f"{told} entry off", size)
                break


def _pulled(
    subject: TensorFlowSubject,
    observed: Observed,
    tape: tf.GradientTape,
    outputs: list[tf.Tensor],
    leaves: dict[str, tf.Tensor],
) -> Gradients:
    weights = [tf.constant(part, output.dtype) for part, output in zip(observed.upstream, outputs, strict=True)]
    found = tape.gradient(outputs, subject.watched(leaves), output_gradients=weights)
    arrays: list[Floats | None] = [None if gradient is None else numbers(gradient) for gradient in found]
    return dict(zip(subject.active, arrays, strict=True))


def _is_number(leaf: tf.Tensor) -> bool:
    return bool(leaf.dtype.is_floating or leaf.dtype.is_complex or leaf.dtype.is_integer)


CHECKS = (written, returned, interleaved)
