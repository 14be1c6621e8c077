"""The parameters and their gradients as evidence, whoever ran the backward pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradtool.evidence import Halves, Parameter, Statistics
from gradtool.witness.model import figures
from gradtool.witness.tensorflow.model.optimizers import holds, rate_of
from gradtool.witness.tensorflow.model.statistics import numbers, size_of

__all__ = ["Named", "layer_names", "named", "nonfinite", "norm_of_rows", "parameters", "tensor_of"]


@dataclass(slots=True)
class Named:
    """A variable by its name, the layer that owns it, further names of the same variable, and its gradient.

    ``tensor`` is TensorFlow's own variable, also where Keras wraps it.
    """

    name: str
    tensor: Any
    layer: str
    kind: str
    trainable: bool = True
    others: tuple[str, ...] = ()
    gradient: Any = None


def tensor_of(variable: Any) -> Any:
    """TensorFlow's variable inside a variable of Keras; anything else as it is."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def named(models: Mapping[str, Any]) -> list[Named]:
    """Every variable of ``models`` that was made to be trained, in their own order, by its path inside the model."""
    found: dict[int, Named] = {}
    taken: set[str] = set()
    names = layer_names(models)
    for title, model in models.items():
        start = f"{title}/" if len(models) > 1 else ""
        trained = {id(tensor_of(variable)) for variable in model.trainable_variables}
        for layer, inside, variable, path in _variables(model):
            tensor, full = tensor_of(variable), start + path
            if known := found.get(id(tensor)):
                known.others = (*known.others, full)
                continue
            owner = names.get(id(layer), start + inside)
            kind = type(layer).__name__
            found[id(tensor)] = Named(_new(full, taken), tensor, owner, kind, id(tensor) in trained)
    return list(found.values())


def _variables(model: Any) -> Iterator[tuple[Any, str, Any, str]]:
    """(layer, its path, variable, the variable's path) of everything that was made to be trained."""
    if not isinstance(model, keras.layers.Layer):
        yield from _module_variables(model)
        return
    paths = _paths(model)
    first: set[int] = set()
    for layer in _ordered(model):
        path = paths[id(layer)]
        for variable in layer._trainable_variables:  # noqa: SLF001  # keeps what is frozen now, leaves out moving averages
            again = id(variable) in first
            first.add(id(variable))
            yield layer, path, variable, f"{path}/{variable.name}" if again else _inside(model, variable.path)


def _module_variables(module: Any) -> Iterator[tuple[Any, str, Any, str]]:
    for path, variable in module._flatten(predicate=_is_variable, with_path=True):  # noqa: SLF001  # as tf.Module does itself
        words = [str(part) for part in path]
        yield module, "/".join(words[:-1]), variable, "/".join(words)


def _is_variable(value: Any) -> bool:
    return isinstance(value, tf.Variable | keras.Variable)


def _ordered(layer: Any) -> Iterator[Any]:
    """The layer and those inside it, each once, in the order in which they were added."""
    pending, known = [layer], set()
    while pending:
        one = pending.pop()
        if id(one) in known:
            continue
        known.add(id(one))
        yield one
        pending += list(one._flatten_layers(recursive=False, include_self=False))[::-1]  # noqa: SLF001  # its own children


def layer_names(models: Mapping[str, Any]) -> dict[int, str]:
    """The name of every layer by its ``id``: its path inside the model, behind the model's name if there are several.

    A model alone has the empty name, unless it is a layer and nothing more.
    """
    found: dict[int, str] = {}
    taken: set[str] = set()
    several = len(models) > 1
    for title, model in models.items():
        if isinstance(model, keras.layers.Layer):
            paths = _paths(model)
            for layer in _ordered(model):
                path = f"{title}/{paths[id(layer)]}" if several else paths[id(layer)]
                found[id(layer)] = _new(path, taken)
            if len(paths) > 1:
                found[id(model)] = title if several else ""
    return found


def _paths(model: Any) -> dict[int, str]:
    """The path of every layer by its ``id``: that of Keras, or its name in its parent's; without the model's own."""
    found: dict[int, str] = {}
    parents = {id(child): one for one in _ordered(model) for child in _children(one)}
    for layer in _ordered(model):
        parent = parents.get(id(layer))
        above = "" if parent is None or _is_functional(parent) else found[id(parent)]
        own = getattr(layer, "path", None) or (f"{above}/{layer.name}" if above else layer.name)
        found[id(layer)] = own
    return {key: _inside(model, path) for key, path in found.items()}


def _inside(model: Any, path: str) -> str:
    """A path of Keras without the name of the whole model."""
    own = getattr(model, "path", None) or model.name
    return path.removeprefix(f"{own}/")


def _is_functional(layer: Any) -> bool:
    """Whether the layers inside were called before the model was made, so that its name is not in their paths."""
    return bool(getattr(layer, "inputs", None)) and not isinstance(layer, keras.Sequential)


def _children(layer: Any) -> list[Any]:
    return list(layer._flatten_layers(recursive=False, include_self=False))  # noqa: SLF001


def _new(name: str, taken: set[str]) -> str:
    """The name, with a number where two have the same."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}#{count}"
    taken.add(found)
    return found


def parameters(
    rows: Sequence[Named], optimizer: Any = None, *, moments: bool = False, half: bool = False
) -> list[Parameter]:
    """What each variable and its gradient look like now."""
    return [
        Parameter(
            name=row.name,
            shape=tuple(row.tensor.shape),
            dtype=row.tensor.dtype.name,
            layer=row.layer,
            kind=row.kind,
            trainable=row.trainable,
            weights=figures.weights(numbers(row.tensor), len(row.tensor.shape)),
            gradient=None if row.gradient is None else _statistics(row.gradient, moments=moments),
            fan_in=_fan_in(row),
            others=list(row.others),
            rows=int(row.gradient.indices.shape[0]) if isinstance(row.gradient, tf.IndexedSlices) else 0,
            all_rows=int(row.gradient.dense_shape[0]) if isinstance(row.gradient, tf.IndexedSlices) else 0,
            group=0 if (held := optimizer is not None and row.trainable and holds(optimizer, row.tensor)) else None,
            rate=rate_of(optimizer) if held else None,
            halves=figures.halves(size_of(row.gradient), numbers(row.gradient))
            if half and row.gradient is not None
            else None,
        )
        for row in rows
    ]


def _halves(gradient: Any) -> Halves | None:
    return None if gradient is None else figures.halves(size_of(gradient), numbers(gradient))


def _statistics(gradient: Any, *, moments: bool) -> Statistics:
    return figures.statistics(size_of(gradient), numbers(gradient), moments=moments)


def norm_of_rows(rows: Sequence[Named]) -> float:
    """The l2 norm over all gradients as they are now."""
    return math.hypot(*(figures.norm(numbers(row.gradient)) for row in rows if row.gradient is not None))


def nonfinite(rows: Sequence[Named], norm: float) -> str:
    """The first parameter whose gradient holds a NaN or an infinity."""
    if math.isfinite(norm):
        return ""
    bad = (row.name for row in rows if row.gradient is not None and not np.isfinite(numbers(row.gradient)).all())
    return next(bad, "loss")


def _fan_in(row: Named) -> int:
    """The numbers that one output sums over, of a kernel whose last axis is the outputs'."""
    shape, part = tuple(map(int, row.tensor.shape)), row.name.rpartition("/")[2]
    if len(shape) < 2 or "kernel" not in part or row.kind == "EinsumDense":
        return 0
    if "Depthwise" in row.kind or part == "depthwise_kernel":
        return math.prod(shape[:-2])
    if "Transpose" in row.kind:
        return math.prod(shape[:-2]) * shape[-1]
    return math.prod(shape[:-1])
