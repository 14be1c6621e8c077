"""Keras's side of a comparison: a model, run forward and backward with the weights and inputs that are given."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Failure, Numbers, Record, SideRequest, Written
from gradtool.witness.keras.layers import prepare
from gradtool.witness.keras.recorder import Recorder
from gradtool.witness.keras.sources import Sources, made
from gradtool.witness.model.conventions import BATCH, CLASSES, LENGTH, SIDE
from gradtool.witness.model.discovery import Kind
from gradtool.witness.model.exchange import Arrays
from gradtool.witness.model.losses import called_loss
from gradtool.witness.model.outputs import keyed
from gradtool.witness.model.pair_file import Loaded
from gradtool.witness.model.room import Call, Passed
from gradtool.witness.model.side import RandomForwardError, steps
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["Backend", "KerasRoom", "testify"]

KIND = Kind(
    "keras.Model",
    lambda value: isinstance(value, keras.Model),
    lambda value: (
        isinstance(value, type) and issubclass(value, keras.Model) and value not in (keras.Model, keras.Sequential)
    ),
    lambda value: isinstance(value, keras.layers.Layer),
)


class Backend(Protocol):
    """What Keras leaves to its backend: tensors and gradients."""

    title: str
    version: str
    places: Sequence[Any]
    """Modules whose activation functions count as layers."""
    notes: Sequence[str]
    """What was done so that float64 is float64."""

    def tensor(self, array: NDArray[Any]) -> Any:
        """A constant."""

    def array(self, tensor: Any) -> NDArray[Any]:
        """Its numbers, as a copy."""

    def is_tensor(self, value: Any) -> bool:
        """Whether it is a floating-point tensor with numbers."""

    def begin(self, seed: int) -> None:
        """Run eagerly, from this seed."""

    def gradients(
        self, run: Callable[[], tuple[Any, list[Any]]], variables: list[Any], fed: list[Any]
    ) -> tuple[float, list[Any], list[Any]]:
        """The loss that ``run`` returns, its gradients by the variables, and by the tensors that it returns beside.

        ``fed`` are inputs by which gradients are asked for too; ``run`` returns them last.
        """


class KerasRoom:
    """The model of the last ``settle``."""

    kind = KIND
    targets_first = True

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.framework = backend.title
        self.version = f"Keras {keras.__version__}, {backend.version}"
        self.model: Any = None
        self.training = True
        self._sources: Sources = {}
        self._stack = contextlib.ExitStack()

    def begin(self, request: SideRequest) -> None:
        """The seed and the dtype that the file's layers are made with; from here their lines are noted."""
        keras.utils.clear_session()
        keras.config.set_floatx(request.dtype)
        keras.config.set_dtype_policy(request.dtype)
        self.backend.begin(request.seed)
        self._stack.close()
        self._sources = self._stack.enter_context(made())

    def settle(self, loaded: Loaded, request: SideRequest) -> None:
        """The model with dropout off; inputs are drawn where its shapes are known and the file has none."""
        self._stack.close()
        self.model, self.training = loaded.model, request.mode == "train"
        loaded.notes.extend(self.backend.notes)
        prepare(list(self.model._flatten_layers()), training=self.training)  # noqa: SLF001  # Keras shows only models'
        if loaded.inputs is None:
            loaded.inputs = self._drawn(request.seed, loaded.written)
            loaded.drawn = loaded.inputs is not None

    def _drawn(self, seed: int, written: Written) -> list[NDArray[Any]] | None:
        """Standard normal numbers in the model's shapes; integers below the rows of the first embedding.

        ``written`` gets their shapes.
        """
        shapes = getattr(self.model, "inputs", None)
        if not shapes:
            return None
        drawn = np.random.default_rng(seed)
        layers = list(self.model._flatten_layers())  # noqa: SLF001
        below = min((one.input_dim for one in layers if isinstance(one, keras.layers.Embedding)), default=CLASSES)
        found = []
        for one in shapes:
            free = SIDE if len(one.shape) > 3 else LENGTH
            shape = [BATCH if one.shape[0] is None else one.shape[0], *(length or free for length in one.shape[1:])]
            whole = "int" in str(one.dtype) or self._is_embedded(one)
            found.append(drawn.integers(0, below, shape) if whole else drawn.standard_normal(shape))
            written.inputs.append(Numbers("", "numpy", tuple(shape), whole, below if whole else 0))
        return found

    def _is_embedded(self, one: Any) -> bool:
        """Whether an input goes to an embedding, which takes floating-point numbers for integers."""
        for layer in self.model._flatten_layers():  # noqa: SLF001
            nodes = getattr(layer, "_inbound_nodes", [])
            fed = isinstance(layer, keras.layers.Embedding) and nodes
            if fed and any(tensor is one for node in nodes for tensor in node.input_tensors):
                return True
        return isinstance(self.model, keras.Sequential) and isinstance(self.model.layers[0], keras.layers.Embedding)

    def channels_last(self) -> bool:
        """Channels stand last unless a layer says otherwise."""
        layers = self.model._flatten_layers()  # noqa: SLF001
        return all(getattr(layer, "data_format", None) != "channels_first" for layer in layers)

    def _variables(self) -> dict[str, Any]:
        """Variables by their path; seeds and counters are none."""
        found: dict[str, Any] = {}
        for variable in self.model.variables:
            if "seed" in variable.name or not str(variable.dtype).startswith(("float", "bfloat")):
                continue
            path = variable.path.removeprefix(f"{self.model.name}/")
            name, count = path, 1
            while name in found:
                count += 1
                name = f"{path}#{count}"
            found[name] = variable
        return found

    def weights(self) -> Arrays:
        """Every floating-point variable."""
        return {name: self.backend.array(variable.value) for name, variable in self._variables().items()}

    def trained(self) -> list[str]:
        """The variables that get a gradient."""
        wanted = {id(variable) for variable in self.model.trainable_variables}
        return [name for name, variable in self._variables().items() if id(variable) in wanted]

    def give(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Set the variables."""
        variables = self._variables()
        for name, value in weights.items():
            variables[name].assign(value)

    def arranged(self, inputs: list[NDArray[Any]], _request: SideRequest) -> list[NDArray[Any]]:
        """The inputs as they are, or with channels moved behind where only that fits the model's shapes."""
        shapes = [tuple(one.shape) for one in getattr(self.model, "inputs", None) or []]
        if len(shapes) != len(inputs):
            return inputs
        return [
            np.moveaxis(x, 1, -1)
            if x.ndim > 2 and not _fits(x.shape, s) and _fits(np.moveaxis(x, 1, -1).shape, s)
            else x
            for x, s in zip(inputs, shapes, strict=True)
        ]

    def _called(self, fed: list[Any]) -> tuple[Recorder, dict[str, Any], Any]:
        names = {id(variable): name for name, variable in self._variables().items()}
        recorder = Recorder(self.model, names, self._sources, self.backend.is_tensor, self.backend.places)
        shapes = " and ".join("x".join(map(str, x.shape)) for x in fed)
        with recorder, blamed(f"calling the model, {type(self.model).__name__}, on {shapes} failed"):
            output = self.model(fed[0] if len(fed) == 1 else fed, training=self.training)
        outputs = dict(keyed(output, self.backend.is_tensor))
        if not outputs:
            raise UserFileError("the Keras model returns no floating-point tensor", "return its output")
        return recorder, outputs, output

    def _fed(self, array: NDArray[Any]) -> Any:
        return self.backend.tensor(
            array.astype(keras.config.floatx()) if array.dtype.kind == "f" else array.astype("int32")
        )

    def forward(self, inputs: list[NDArray[Any]], seed: int = 0) -> Passed:
        """The layers and outputs. A model that is built by its first call gets its weights here."""
        keras.utils.set_random_seed(seed)
        fed = [self._fed(x) for x in inputs]
        if not self.model.built:
            self._called(fed)
            prepare(list(self.model._flatten_layers()), training=self.training)  # noqa: SLF001
        kept = self.weights()
        recorder, outputs, _ = self._called(fed)
        self.give(kept)  # moving averages have moved
        calls = [Call(layer, None if one is None else self.backend.array(one)) for layer, one in recorder.calls]
        return Passed(calls, [self.backend.array(one) for one in outputs.values()], keys=list(outputs))

    def backward(self, inputs: list[NDArray[Any]], projections: Sequence[NDArray[Any]], loaded: Loaded) -> Passed:
        """The same with the gradients of the loss."""
        seen: list[Any] = []
        fed = [self._fed(x) for x in inputs]
        graded = [] if self.trained() else [x for x in fed if self.backend.is_tensor(x)]

        def run() -> tuple[Any, list[Any]]:
            recorder, named, whole = self._called(fed)
            outputs = list(named.values())
            seen[:] = [recorder, named]
            if loaded.loss is None:
                drawn = [self.backend.tensor(p) for p in projections]
                parts = [
                    keras.ops.sum(one * keras.ops.cast(p, one.dtype)) for one, p in zip(outputs, drawn, strict=True)
                ]
                loss = sum(parts[1:], parts[0])
            else:
                goals = None if loaded.targets is None else self._fed(loaded.targets)
                loss = called_loss(loaded.loss, whole, goals, reversed_order=self.targets_first)
            if math.prod(getattr(loss, "shape", (0,))) != 1:
                raise UserFileError("the loss of the Keras side is no single number", "return a tensor of one number")
            return loss, [*(tensor for _, tensor in recorder.calls if tensor is not None), *graded]

        names = {name: variable for name, variable in self._variables().items() if variable.trainable}
        with blamed("the backward pass of the Keras model failed"):
            loss, by_variables, by_tensors = self.backend.gradients(run, list(names.values()), graded)
        recorder, named = seen
        calls, found = [], iter(by_tensors)
        for layer, tensor in recorder.calls:
            gradient = None if tensor is None else next(found)
            value = None if tensor is None else self.backend.array(tensor)
            calls.append(Call(layer, value, None if gradient is None else self.backend.array(gradient)))
        gradients = {n: self.backend.array(g) for n, g in zip(names, by_variables, strict=True) if g is not None}
        left = iter([next(found) for _ in graded])
        by_inputs = [next(left) if any(x is one for one in graded) else None for x in fed] if graded else []
        numbers = [self.backend.array(one) for one in named.values()]
        back = [None if one is None else self.backend.array(one) for one in by_inputs]
        return Passed(calls, numbers, loss, gradients, list(named), back)


_NO_KERNEL = re.compile(
    r"list of allowed values: .*?\{\{node (\w+)\}\}|Could not find device for node: \{\{node (\w+)\}\}"
)
"""What TensorFlow says where an operation is not there for a dtype."""


def _fits(shape: tuple[int, ...], wanted: tuple[Any, ...]) -> bool:
    return len(shape) == len(wanted) and all(w is None or w == s for s, w in zip(shape, wanted, strict=True))


def testify(room: KerasRoom, record: Record) -> Iterator[Record]:
    """One step of a comparison; a Failure that begins in the user's own code where it can't be done."""
    if not isinstance(record, SideRequest):
        return
    try:
        yield from steps(room, record)
    except UserFileError as error:
        if missing := _NO_KERNEL.search(error.message):
            yield Failure(
                record.key, "keras", "unsupported", f"has no {record.dtype} kernel for {missing[1] or missing[2]}"
            )
        else:
            reason = "random" if isinstance(error, RandomForwardError) else "file"
            yield Failure(record.key, "keras", reason, error.message, error.hint, error.detail)
