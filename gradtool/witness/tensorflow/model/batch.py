"""What goes into the model: the file's own data, else tensors as ``--input`` or the model itself describe them."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradtool.evidence import InputSpec
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.conventions import ARRAYS, BATCH, CLASSES, INPUTS, LENGTH, LOADERS, SIDE, TARGETS
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["attempts", "cast", "described", "guesses", "split"]

DATASETS = ("train_dataset", "train_ds", "dataset", "ds", "train_data", "train_generator", *LOADERS)
SIDES = (SIDE, 96, 224)
"""Pixels to be tried where the model leaves them open."""
FIRST = 3
"""Layers among which a rescaling of the inputs is looked for."""

DTYPES = "float32, float64, float16, bfloat16, int64, int32, bool"

Batch = tuple[Any, Any, Any]
"""Inputs (a tensor, a tuple of them, or a mapping by name), targets and weights of the samples, None for none."""


def attempts(
    model: Any, names: Mapping[str, Any], specs: Sequence[InputSpec], dtype: str, assumed: Assumptions
) -> Iterator[Batch]:
    """Batches to be tried, the likeliest first. Only where nothing is known more than one."""
    targets = next((names[name] for name in TARGETS if names.get(name) is not None), None)
    if specs:
        inputs = tuple(_drawn(spec, dtype) for spec in specs)
        assumed.add("inputs", described(inputs), "--input")
        yield (inputs[0] if len(inputs) == 1 else inputs), targets, None
        return
    found = _of_the_file(model, names, targets)
    if found is not None:
        why, batch = found
        assumed.add("inputs", described(batch[0]), why, "--input")
        yield batch
        return
    for why, guess in guesses(model):
        assumed.add("inputs", described(guess), why, "--input")
        yield guess, None, None


def _of_the_file(model: Any, names: Mapping[str, Any], targets: Any) -> tuple[str, Batch] | None:
    for place, owner in (("the file", names), ("the model", model)):
        for name in INPUTS:
            value = owner.get(name) if isinstance(owner, Mapping) else getattr(owner, name, None)
            if value is not None and (found := _given(value, name)) is not None:
                return f"{name} of {place}", (found, targets, None)
    for name in DATASETS:
        data = names.get(name)
        if data is not None and (batch := _first(data, name)) is not None:
            return f"first batch of {name} of the file", batch
    for inputs, goals in ARRAYS:
        if _is_data(names.get(inputs)) and _is_data(names.get(goals)):
            return f"the first of {inputs} and {goals} of the file", _cut(names[inputs], names[goals])
    return None


def _is_data(value: Any) -> bool:
    return (isinstance(value, np.ndarray) or tf.is_tensor(value)) and len(value.shape) > 0


def _cut(inputs: Any, targets: Any) -> Batch:
    """As many samples as Keras itself takes for a batch."""
    return inputs[:32], targets[:32], None


def _given(value: Any, name: str) -> Any:
    if inspect.isfunction(value):
        with blamed(f"{name}() failed"):
            value = value()
    if isinstance(value, Mapping):
        return {key: tf.convert_to_tensor(part) for key, part in value.items()} or None
    if isinstance(value, tuple | list) and value and all(map(_is_data, value)):
        return tuple(value)
    return value if _is_data(value) else None


def _first(data: Any, name: str) -> Batch | None:
    if isinstance(data, keras.Model | str | bytes | Mapping) or _is_data(data):
        return None
    with blamed(f"the first batch of {name} could not be had"):
        if inspect.isfunction(data):
            data = data()
        if isinstance(data, keras.utils.PyDataset):
            return split(data[0])
        batch = next(iter(data), None) if isinstance(data, Iterable) else None
    return split(batch)


def split(batch: Any) -> Batch | None:
    """Inputs, targets and weights of what Keras trains on."""
    if isinstance(batch, list | tuple) and 1 <= len(batch) <= 3:
        inputs, targets, weights = (*batch, None, None)[:3]
        return inputs, targets, weights
    return None if batch is None else (batch, None, None)


def cast(value: Any, dtype: str) -> Any:
    """The same with every floating-point tensor in ``dtype``."""
    if isinstance(value, Mapping):
        return {name: cast(part, dtype) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(cast(part, dtype) for part in value)
    if not hasattr(value, "dtype") or not tf.as_dtype(value.dtype).is_floating:
        return value
    return tf.cast(value, dtype)


def _drawn(spec: InputSpec, dtype: str) -> Any:
    name = spec.dtype or dtype
    try:
        kind = tf.as_dtype(name)
    except TypeError:
        raise UserFileError(f"TensorFlow has no dtype {name}", DTYPES) from None
    return _numbers(spec.shape, kind, spec.below)


def _numbers(shape: Iterable[int], kind: Any, below: int = 0) -> Any:
    shape = tuple(shape)
    if kind.is_floating:
        return tf.cast(tf.random.normal(shape, dtype=tf.float64), kind)
    if kind == tf.string:
        return tf.fill(shape, "the quick brown fox")
    return tf.cast(tf.random.uniform(shape, 0, 2 if kind == tf.bool else below or CLASSES, tf.int64), kind)


def _as_built(model: Any) -> Iterator[tuple[str, Any]]:
    """As the model's own inputs say, or the shape with which it was built."""
    inputs = getattr(model, "inputs", None) if isinstance(model, keras.Model) else None
    if inputs:
        bounds = _vocabularies(model)
        for side in SIDES if any(None in tuple(one.shape)[1:] and len(one.shape) > 3 for one in inputs) else (SIDE,):
            drawn = [_numbers(_filled(one.shape, side), *_kind(bounds.get(id(one)), one.dtype)) for one in inputs]
            if len(drawn) == 1:
                yield "the model's inputs", _unscaled(model, drawn[0])
            else:
                yield "the model's inputs", _structured(model, drawn)
        return
    config = model.get_build_config() if isinstance(model, keras.layers.Layer) else None
    shape = (config or {}).get("input_shape")
    if isinstance(shape, tuple) and shape and all(one is None or isinstance(one, int) for one in shape):
        bound = next(iter(_embeddings(model)), None)
        yield "the shape it was built with", _numbers(_filled((None, *shape[1:]), SIDE), *_kind(bound, "float32"))


def _unscaled(model: Any, numbers: Any) -> Any:
    """The numbers that a model takes which begins by rescaling them: 0 to 255 for most images.

    Numbers of size 1 would leave such a layer so small that the epsilon of the next normalisation drowns them.
    """
    for layer in model.layers[:FIRST]:
        if isinstance(layer, keras.layers.Rescaling) and isinstance(layer.scale, float) and layer.scale:
            least = -1.0 if layer.offset else 0.0
            wanted = tf.random.uniform(tf.shape(numbers), least, 1.0, tf.float64)
            return tf.cast((wanted - tf.cast(layer.offset, tf.float64)) / layer.scale, numbers.dtype)
    return numbers


def _structured(model: Any, drawn: list[Any]) -> Any:
    """The inputs by name where the model was made with a mapping."""
    own = getattr(model, "_inputs_struct", None)
    if isinstance(own, Mapping):
        return dict(zip(sorted(own), drawn, strict=True))  # Keras flattens a mapping in the order of its keys
    return tuple(drawn)


def _kind(below: int | None, dtype: Any) -> tuple[Any, int]:
    """The dtype and the bound of an input; what goes into an embedding is integers."""
    return (tf.int32, below) if below else (tf.as_dtype(dtype), 0)


def _vocabularies(model: Any) -> dict[int, int]:
    """The number of words by the ``id`` of an input that goes into an embedding."""
    found: dict[int, int] = {}
    for layer in model._flatten_layers():  # noqa: SLF001
        if isinstance(layer, keras.layers.Embedding):
            for node in layer._inbound_nodes:  # noqa: SLF001  # where the layer stands in functional models
                found |= {id(tensor): layer.input_dim for tensor in node.input_tensors}
    if isinstance(model, keras.Sequential) and (bound := next(_embeddings(model), 0)):
        found[id(model.inputs[0])] = bound
    return found


def _embeddings(model: Any) -> Iterator[int]:
    for layer in model.layers[:1]:
        if isinstance(layer, keras.layers.Embedding):
            yield layer.input_dim


def _filled(shape: Sequence[int | None], side: int) -> tuple[int, ...]:
    """The shape with numbers where it is open: samples, pixels of an image, or tokens of a sequence."""
    room = side if len(shape) > 3 else LENGTH
    return tuple(BATCH if place == 0 else room if length is None else length for place, length in enumerate(shape))


def guesses(model: Any) -> Iterator[tuple[str, Any]]:
    """Inputs to be tried in turn: as the model's own inputs say, then what its first layers might take."""
    return itertools.chain(_as_built(model), _of_layers(model))


def _of_layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Inputs that the first layers might take, to be tried in turn."""
    if not isinstance(model, keras.layers.Layer) or getattr(model, "inputs", None):
        return
    leaves = [one for one in model._flatten_layers() if not list(one._flatten_layers(include_self=False))]  # noqa: SLF001
    for layer in leaves[:12]:
        why = f"what {layer.name}, {type(layer).__name__}, takes"
        if isinstance(layer, keras.layers.Embedding):
            yield why, _numbers((BATCH, LENGTH), tf.int32, layer.input_dim)
        elif isinstance(layer, keras.layers.Conv2D):
            for channels in (layer.kernel.shape[-2],) if layer.built else (3, 1):
                for side in (SIDE, 28, 64, 224):
                    yield why, _numbers((BATCH, side, side, channels), tf.float32)
        elif isinstance(layer, keras.layers.Dense) and layer.built:
            yield why, _numbers((BATCH, layer.kernel.shape[0]), tf.float32)
            yield why, _numbers((BATCH, LENGTH, layer.kernel.shape[0]), tf.float32)


def described(value: Any) -> str:
    """Shapes, dtypes and ranges for people: ``8x32x32x3 float32 in -4.1..4.3``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {described(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(described(part) for part in value)
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return type(value).__name__
    told = f"{'x'.join(map(str, value.shape)) or 'number'} {tf.as_dtype(value.dtype).name}"
    array = np.asarray(value) if not isinstance(value, tf.RaggedTensor | tf.SparseTensor) else np.zeros(0)
    if array.size and array.dtype.kind in "fiub":
        array = array.astype(np.float64)
        told += f" in {array.min():.3g}..{array.max():.3g}"
    return told
