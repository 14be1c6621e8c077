"""A TensorFlow function, custom gradient or Keras layer as ``witness.callable.subject.Subject``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from gradtool.evidence import Slot
from gradtool.witness.callable.randomness import kept_random, random_state, set_random
from gradtool.witness.callable.structure import filled, leaves, name_of
from gradtool.witness.callable.subject import Floats, Gradients, Origin, Point, UnavailableError, coarsest
from gradtool.witness.tensorflow.callable.draws import may_draw, operations_run

__all__ = ["TensorFlowSubject", "numbers", "subject_of"]

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
        self.inputs: Sequence[Slot] = [_slot(name, tensor, name in active) for name, tensor in given.items()]
        self.draws = True
        with operations_run() as kinds, self.placed(self.point) as leaves:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(self.watched(leaves))
                found = [leaf for leaf in self._flat(leaves) if _is_tensor(leaf)]
            learns = [_is_real(leaf) and self._reached(tape, leaf, leaves) for leaf in found]
        self.draws = may_draw(kinds)
        if not any(learns):  # cut off altogether: what has numbers is held against a gradient of 0
            learns = [_is_real(leaf) for leaf in found]
        names = ["output"] if len(found) == 1 else [f"output {place}" for place in range(len(found))]
        self.results: Sequence[Slot] = [_slot(*row) for row in zip(names, found, learns, strict=True)]

    @property
    def dtype(self) -> str:
        """The coarsest floating-point dtype among the differentiated inputs and outputs."""
        return coarsest([slot.dtype for slot in (*self.inputs, *self.results) if slot.differentiated])

    # ---- tensors

    @contextlib.contextmanager
    def placed(self, at: Point) -> Iterator[dict[str, Any]]:
        """Fresh tensors with the numbers of ``at``, and copies of the others; a layer's variables set meanwhile."""
        kept = [(variable, variable.numpy()) for variable in (*self.variables.values(), *self.state)]
        with _kept_random(self.seed, draws=self.draws), contextlib.ExitStack() as after:
            for variable, value in kept:
                after.callback(variable.assign, value)
            leaves: dict[str, Any] = {}
            for name, given in self.given.items():
                value = _like(at[name], given) if name in self.active else tf.identity(given)
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
        found = [leaf for leaf in self._flat(leaves) if _is_tensor(leaf)]
        if len(found) != len(self.results):
            raise UnavailableError(f"it returned {len(found)} tensors, and {len(self.results)} before")
        return [_real(leaf) for leaf, slot in zip(found, self.results, strict=True) if slot.differentiated]

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
            weights = _weights(upstream, outputs)
            if self.backward_seed is not None:
                tf.random.set_seed(self.backward_seed)
                set_random(self.backward_seed)
            before = _random_state()
            found = tape.gradient(outputs, self.watched(leaves), output_gradients=weights)
            self.drew = _random_state() != before
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
            weights = _weights(upstream, outputs)
            outer.watch(weights)
            first = tape.gradient(outputs, self.watched(leaves), output_gradients=weights)
            parts = [
                tf.reduce_sum(_real(tf.convert_to_tensor(g)) * tf.constant(along[name], _real(g).dtype))
                for name, g in zip(self.active, first, strict=True)
                if g is not None
            ]
            slope = tf.add_n([tf.cast(part, tf.float64) for part in parts]) if parts else tf.constant(0.0)
        return slope, outer, weights

    def forward(self, at: Point, along: Point) -> list[Floats]:
        """Tangents by a ForwardAccumulator."""
        with self.placed(at) as leaves:
            tangents = [_like(along[name], leaves[name]) for name in self.active]
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
            stacked = [tf.stack(column) for column in zip(*(_weights(row, outputs) for row in upstreams), strict=True)]
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
    given: dict[str, Any] = {name: leaf for name, leaf in paths if _is_tensor(leaf)}

    def call(tensors: Tensors) -> Any:
        parts = iter([tensors[name] if name in given else leaf for name, leaf in paths])
        values = list(filled(structure, parts).values())
        return function(*values[: len(arguments)], **dict(zip(keywords, values[len(arguments) :], strict=True)))

    variables, state = _held(function, call, given, seed)
    tensors = given | variables
    learning = [name for name, tensor in tensors.items() if _is_real(tensor) and 0 not in tensor.shape]
    active = [name for name in learning if not wrt or name in wrt]
    made = TensorFlowSubject(call, tensors, active, origin, seed, variables, state)
    made.fixed = {name: leaf for name, leaf in paths if name not in given}
    if set(given) <= set(structure):
        made.traceable = function, {name: value for name, value in structure.items() if name not in active}, variables
    return made


def numbers(tensor: Any) -> Floats:
    """The tensor's numbers as float64, complex ones as pairs."""
    return np.asarray(_real(tf.convert_to_tensor(tensor)).numpy(), dtype=np.float64).copy()


def _held(function: Any, call: Callable[[Tensors], Any], given: Tensors, seed: int) -> tuple[dict[str, Any], list[Any]]:
    """A layer's trainable variables by their names, and its others; nothing for a function.

    Where a variable is called like an argument, it is ``self.kernel``.
    """
    if not hasattr(function, "trainable_variables"):
        return {}, []
    if not getattr(function, "built", True):
        _build(function, call, given, seed)
    own = list(function.trainable_variables)
    rest = [variable for variable in function.variables if not any(variable is other for other in own)]
    named: dict[str, Any] = {}
    for variable in own:
        name = _name(variable, own, function)
        name = f"self.{name}" if name in given else name
        same = sum(other == name or other.startswith(f"{name} (") for other in named)
        named[f"{name} ({same + 1})" if same else name] = _of_tensorflow(variable)
    return named, [*map(_of_tensorflow, rest)]


def _build(function: Any, call: Callable[[Tensors], Any], given: Tensors, seed: int) -> None:
    """Have a layer make its variables, if possible without running it: a run would move its statistics."""
    keras = sys.modules["keras"]
    with _kept_random(seed):
        with contextlib.suppress(Exception):
            call({name: keras.KerasTensor(tuple(tensor.shape), tensor.dtype.name) for name, tensor in given.items()})
        if not function.built:
            call(given)


def _of_tensorflow(variable: Any) -> Any:
    """A variable as a tape knows it: Keras wraps it."""
    return variable if isinstance(variable, tf.Variable) else variable.value


def _name(variable: Any, own: Sequence[Any], function: Any) -> str:
    """``kernel``, or with the path of the layer where several are called that; what a tf.Module calls it."""
    attribute = next((name for name, value in vars(function).items() if value is variable), "")
    if attribute and isinstance(variable, tf.Variable):
        return attribute
    same = [other for other in own if other.name == variable.name]
    name = variable.name if len(same) == 1 else getattr(variable, "path", variable.name)
    return str(name).removesuffix(":0")


@contextlib.contextmanager
def _kept_random(seed: int, *, draws: bool = True) -> Iterator[None]:
    """A time after which every source of random numbers goes on as if it had not been.

    TensorFlow's own is left alone where nothing ``draws`` from it.
    """
    state = vars(context.context())  # TensorFlow offers no other way to look at them; before a seed there is no _rng
    before = {name: state[name] for name in ("_seed", "_rng") if name in state}
    with kept_random(seed):
        if draws:
            tf.random.set_seed(seed)
        try:
            yield
        finally:
            if draws:
                state.pop("_rng", None)
                state.update(before)


def _random_state() -> tuple[object, ...]:
    """Where the generators that ``_kept_random`` holds stand."""
    drawn = vars(context.context()).get("_rng")
    return (None if drawn is None else drawn.getstate(), *random_state())


def _slot(name: str, tensor: Any, differentiated: bool) -> Slot:
    kind = tf.as_dtype(tensor.dtype)
    shape = tuple(tensor.shape) + ((2,) if kind.is_complex else ())
    return Slot(name, shape, kind.name, differentiated)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, tf.Tensor | tf.Variable)


def _is_real(tensor: Any) -> bool:
    kind = tf.as_dtype(tensor.dtype)
    return bool(kind.is_floating or kind.is_complex)


def _real(tensor: Any) -> Any:
    kind = tf.as_dtype(tensor.dtype)
    return tf.stack([tf.math.real(tensor), tf.math.imag(tensor)], axis=-1) if kind.is_complex else tensor


def _like(array: Floats, given: Any) -> Any:
    """The numbers of ``array`` in the dtype of ``given``, complex if that is."""
    kind = tf.as_dtype(given.dtype)
    if kind.is_complex:
        return tf.cast(tf.complex(array[..., 0], array[..., 1]), kind)
    return tf.cast(tf.constant(array, tf.float64), kind)


def _weights(upstream: Sequence[Floats], outputs: Sequence[Any]) -> list[Any]:
    return [tf.constant(weights, output.dtype) for weights, output in zip(upstream, outputs, strict=True)]


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]
