"""A TensorFlow function, custom gradient or Keras layer as ``witness.callable.subject.Subject``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.evidence import Slot
from gradtool.witness.callable.randomness import set_random
from gradtool.witness.callable.structure import filled, leaves, name_of
from gradtool.witness.callable.subject import Floats, Gradients, Origin, Point, UnavailableError, coarsest
from gradtool.witness.tensorflow.callable.draws import may_draw, operations_run
from gradtool.witness.tensorflow.callable.randomness import random_kept, random_states
from gradtool.witness.tensorflow.callable.tensors import is_real, is_tensor, like, numbers, real, slot_of, weights_for
from gradtool.witness.tensorflow.callable.variables import variables_of

__all__ = ["TensorFlowSubject", "subject_of"]

Tensors = Mapping[str, Any]
Traceable = tuple[Callable[..., Any], dict[str, Any], Tensors]
"""What may be traced to an expression: the callable, its arguments that are not differentiated, its own variables."""


class TensorFlowSubject:
    """``call`` takes every tensor among the arguments by its name, and returns whatever the callable returns.

    ``given`` are these tensors as they were handed over; ``active`` the names of those that are differentiated.
    ``variables`` are those of a layer: they are set for every call, and set back after it.
    """

    def __init__(
        self,
        call: Callable[[Tensors], Any],
        given: Tensors,
        active: Sequence[str],
        origin: Origin,
        seed: int = 0,
        variables: Tensors | None = None,
        state: Sequence[Any] = (),
    ) -> None:
        self.traceable: Traceable | None = None
        self.call, self.given, self.active, self.origin, self.seed = call, given, tuple(active), origin, seed
        self.variables, self.state = dict(variables or {}), list(state)
        self.fixed: Mapping[str, object] = {}
        self.held: Sequence[str] = ()
        self.backward_seed: int | None = None
        self.drew = False
        self._before: list[tuple[Any, Any]] = []
        """The state of a layer, and its numbers when the block of ``placed`` began."""
        self.point: Point = {name: numbers(given[name]) for name in active}
        self.inputs: Sequence[Slot] = [slot_of(name, tensor, name in active) for name, tensor in given.items()]
        self.draws = True
        with operations_run() as kinds, self.placed(self.point) as leaves:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(self.watched(leaves))
                found = [leaf for leaf in self._flat(leaves) if is_tensor(leaf)]
            learns = [is_real(leaf) and self._reached(tape, leaf, leaves) for leaf in found]
        self.draws = may_draw(kinds)
        if not any(learns):  # cut off altogether: what has numbers is held against a gradient of 0
            learns = [is_real(leaf) for leaf in found]
        names = ["output"] if len(found) == 1 else [f"output {place}" for place in range(len(found))]
        self.results: Sequence[Slot] = [slot_of(*row) for row in zip(names, found, learns, strict=True)]

    @property
    def dtype(self) -> str:
        """The coarsest floating-point dtype among the differentiated inputs and outputs."""
        return coarsest([slot.dtype for slot in (*self.inputs, *self.results) if slot.differentiated])

    # ---- tensors

    @contextlib.contextmanager
    def placed(self, at: Point) -> Iterator[dict[str, Any]]:
        """Fresh tensors with the numbers of ``at``, and copies of the others; a layer's variables set meanwhile."""
        kept = [(variable, variable.numpy()) for variable in (*self.variables.values(), *self.state)]
        with random_kept(self.seed, draws=self.draws), contextlib.ExitStack() as after:
            for variable, value in kept:
                after.callback(variable.assign, value)
            leaves: dict[str, Any] = {}
            for name, given in self.given.items():
                value = like(at[name], given) if name in self.active else tf.identity(given)
                if name in self.variables:
                    self.variables[name].assign(value)
                    value = self.variables[name]
                leaves[name] = value
            self._before = kept[len(self.variables) :]
            yield leaves

    def watched(self, leaves: Tensors) -> list[Any]:
        """The leaves that are differentiated."""
        return [leaves[name] for name in self.active]

    def run(self, leaves: Tensors) -> list[Any]:
        """The differentiated outputs, complex ones as pairs of reals."""
        found = [leaf for leaf in self._flat(leaves) if is_tensor(leaf)]
        if len(found) != len(self.results):
            raise UnavailableError(f"it returned {len(found)} tensors, and {len(self.results)} before")
        return [real(leaf) for leaf, slot in zip(found, self.results, strict=True) if slot.differentiated]

    def _flat(self, tensors: Tensors) -> list[Any]:
        """What the callable returns, with the random state of every call the same, that in a layer's variables too."""
        for variable, value in self._before:
            variable.assign(value)
        if self.draws:
            tf.random.set_seed(self.seed)
        set_random(self.seed)
        return [leaf for _, leaf in leaves(self.call(tensors))]

    def _reached(self, tape: Any, output: Any, leaves: Tensors) -> bool:
        """Whether the output hangs on the leaves; a backward pass that fails is told of where it is asked for."""
        try:
            found = tape.gradient(output, self.watched(leaves), output_gradients=tf.zeros_like(output))
        except Exception:  # noqa: BLE001  # whatever a gradient written by hand raises
            return True
        return any(gradient is not None for gradient in found)

    # ---- witness.callable.subject.Subject

    def outputs(self, at: Point) -> list[Floats]:
        """Every differentiated output."""
        with self.placed(at) as leaves:
            return [numbers(output) for output in self.run(leaves)]

    def gradient(self, at: Point, upstream: Sequence[Floats]) -> tuple[list[Floats], Gradients]:
        """One forward pass under a tape, and one backward pass."""
        with self.placed(at) as leaves:
            with tf.GradientTape() as tape:
                tape.watch(self.watched(leaves))
                outputs = self.run(leaves)
            weights = weights_for(upstream, outputs)
            if self.backward_seed is not None:
                tf.random.set_seed(self.backward_seed)
                set_random(self.backward_seed)
            before = random_states()
            found = tape.gradient(outputs, self.watched(leaves), output_gradients=weights)
            self.drew = random_states() != before
            return [numbers(output) for output in outputs], self._named(found)

    def twice(self, at: Point, upstream: Sequence[Floats], along: Point) -> tuple[float, Gradients]:
        """A tape around a tape."""
        with self.placed(at) as leaves:
            slope, outer, _ = self._slope(leaves, upstream, along)
            return float(slope), self._named(outer.gradient(slope, self.watched(leaves)))

    def pushed(self, at: Point, upstream: Sequence[Floats], along: Point) -> list[Floats]:
        """The same by the weights."""
        with self.placed(at) as leaves:
            slope, outer, weights = self._slope(leaves, upstream, along)
            found = outer.gradient(slope, weights)
            rows = zip(weights, found, strict=True)
            return [np.zeros(weight.shape) if g is None else numbers(g) for weight, g in rows]

    def _slope(self, leaves: Tensors, upstream: Sequence[Floats], along: Point) -> tuple[Any, Any, list[Any]]:
        """<gradient, along>, the tape that has seen it, and the weights of the outputs."""
        with tf.GradientTape() as outer:
            outer.watch(self.watched(leaves))
            with tf.GradientTape() as tape:
                tape.watch(self.watched(leaves))
                outputs = self.run(leaves)
            weights = weights_for(upstream, outputs)
            outer.watch(weights)
            first = tape.gradient(outputs, self.watched(leaves), output_gradients=weights)
            parts = [
                tf.reduce_sum(real(tf.convert_to_tensor(g)) * tf.constant(along[name], real(g).dtype))
                for name, g in zip(self.active, first, strict=True)
                if g is not None
            ]
            slope = tf.add_n([tf.cast(part, tf.float64) for part in parts]) if parts else tf.constant(0.0)
        return slope, outer, weights

    def forward(self, at: Point, along: Point) -> list[Floats]:
        """Tangents by a ForwardAccumulator."""
        with self.placed(at) as leaves:
            tangents = [like(along[name], leaves[name]) for name in self.active]
            try:
                with tf.autodiff.ForwardAccumulator(self.watched(leaves), tangents) as accumulator:
                    outputs = self.run(leaves)
                found = [accumulator.jvp(output) for output in outputs]
            except (NotImplementedError, ValueError, LookupError, tf.errors.OpError) as error:
                raise UnavailableError(_first_line(error)) from error
            rows = zip(outputs, found, strict=True)
            return [np.zeros(output.shape) if moved is None else numbers(moved) for output, moved in rows]

    def batched(self, at: Point, upstreams: Sequence[Sequence[Floats]]) -> list[Gradients]:
        """One backward pass under ``tf.vectorized_map``."""
        with self.placed(at) as leaves:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(self.watched(leaves))
                outputs = self.run(leaves)
            stacked = [
                tf.stack(column) for column in zip(*(weights_for(row, outputs) for row in upstreams), strict=True)
            ]
            silent = tape.gradient(outputs, self.watched(leaves))
            reached = [place for place, gradient in enumerate(silent) if gradient is not None]

            def pulled(weights: Sequence[Any]) -> list[Any]:
                found = tape.gradient(outputs, self.watched(leaves), output_gradients=list(weights))
                return [tf.convert_to_tensor(found[place]) for place in reached]

            try:
                stacks = tf.vectorized_map(pulled, stacked, fallback_to_while_loop=False) if reached else []
            except (NotImplementedError, ValueError, LookupError, tf.errors.OpError) as error:
                raise UnavailableError(_first_line(error)) from error
            rows = {self.active[place]: numbers(stack) for place, stack in zip(reached, stacks, strict=True)}
            return [
                {name: rows[name][number] if name in rows else None for name in self.active}
                for number in range(len(upstreams))
            ]

    def _named(self, found: Sequence[Any]) -> Gradients:
        return {name: None if g is None else numbers(g) for name, g in zip(self.active, found, strict=True)}


def subject_of(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    names: Sequence[str],
    origin: Origin,
    seed: int = 0,
    wrt: Sequence[str] = (),
) -> TensorFlowSubject:
    """A Subject of ``function(*arguments, **keywords)``; ``names`` are those of the positional arguments.

    Tensors may stand inside lists, tuples and dicts; they are then called ``xs[0]`` and so on. Floating-point tensors
    are differentiated, or those in ``wrt``. Of a layer, so are its trainable variables.
    """
    structure = {name_of(place, names): value for place, value in enumerate(arguments)} | dict(keywords)
    paths = [(name + path, leaf) for name, part in structure.items() for path, leaf in leaves(part)]
    given: dict[str, Any] = {name: leaf for name, leaf in paths if is_tensor(leaf)}

    def call(tensors: Tensors) -> Any:
        parts = iter([tensors[name] if name in given else leaf for name, leaf in paths])
        values = list(filled(structure, parts).values())
        return function(*values[: len(arguments)], **dict(zip(keywords, values[len(arguments) :], strict=True)))

    variables, state = variables_of(function, call, given, seed)
    tensors = given | variables
    learning = [name for name, tensor in tensors.items() if is_real(tensor) and 0 not in tensor.shape]
    active = [name for name in learning if not wrt or name in wrt]
    made = TensorFlowSubject(call, tensors, active, origin, seed, variables, state)
    made.fixed = {name: leaf for name, leaf in paths if name not in given}
    if set(given) <= set(structure):
        made.traceable = function, {name: value for name, value in structure.items() if name not in active}, variables
    return made


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]
