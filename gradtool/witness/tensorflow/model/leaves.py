"""The variables behind a gradient, and what the user's program calls them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from types import FrameType
from typing import Any

import keras
import tensorflow as tf

from gradtool.witness.model.frames import names_of_values, scopes
from gradtool.witness.tensorflow.model.parameters import Named, named, tensor_of

__all__ = ["is_model", "left_out", "models_of", "name_of", "names_of", "owns"]


def is_model(value: Any) -> bool:
    """Whether a value is what a model can be: of Keras, a layer of it, or TensorFlow's module."""
    return isinstance(value, keras.layers.Layer | tf.Module) and not isinstance(value, tf.Variable)


def _is_composed(value: Any) -> bool:
    """Whether a value is more than a layer by itself; such are named by their own path, wherever they are kept."""
    if not isinstance(value, keras.layers.Layer) or isinstance(value, keras.Model):
        return is_model(value)
    return bool(_inside(value))


def models_of(frame: FrameType | None, tensors: Sequence[Any], *, frozen: bool = False) -> dict[str, Any]:
    """The user's models that train one of the variables, or keep it (``frozen``); the outermost of them."""
    wanted = {id(tensor) for tensor in tensors}
    owners: dict[int, tuple[str, Any]] = {}
    for name, value in scopes(frame):
        parts = [(name, value)]
        if name == "self" and not is_model(value) and hasattr(value, "__dict__"):
            parts = list(vars(value).items())
        for inner, part in parts:
            if owners.get(id(part), ("self",))[0] != "self" or not _is_composed(part):
                continue
            if owns(part, wanted, frozen=frozen):
                owners[id(part)] = (inner, part)
    inside = {id(part) for _, model in owners.values() for part in _inside(model)}
    return {name: model for key, (name, model) in owners.items() if key not in inside}


def owns(model: Any, wanted: Container[int], *, frozen: bool = False) -> bool:
    """Whether one of the variables that the model trains, or with ``frozen`` of all, is ``wanted``, by ``id``."""
    own = model.variables if frozen else model.trainable_variables
    return any(id(tensor_of(variable)) in wanted for variable in own)


def left_out(models: Mapping[str, Any], wanted: Container[int]) -> list[Any]:
    """The models inside ``models`` of whose variables, if they train any, none is ``wanted``; the outermost of them."""
    parts = {id(part): part for model in models.values() for part in _inside(model)}.values()
    found = [part for part in parts if _is_whole(part) and part.trainable_variables and not owns(part, wanted)]
    inside = {id(part) for model in found for part in _inside(model)}
    return [model for model in found if id(model) not in inside]


def _is_whole(value: Any) -> bool:
    """Whether a part was made to be a model by itself, and not as a layer of one."""
    return isinstance(value, keras.Model) or (is_model(value) and not isinstance(value, keras.layers.Layer))


def _inside(model: Any) -> list[Any]:
    if isinstance(model, keras.layers.Layer):
        return list(model._flatten_layers(include_self=False))  # noqa: SLF001  # Keras shows only a model's own layers
    return list(model.submodules)


def name_of(model: Any, frame: FrameType | None) -> str:
    """What the program calls a model, else its own name."""
    return next((name for name, value in scopes(frame) if value is model and name != "self"), str(model.name))


def names_of(
    models: Mapping[str, Any], frame: FrameType | None, tensors: Sequence[Any], ran: Sequence[Any]
) -> list[Named]:
    """The models' variables, then those of layers that ``ran`` by themselves, then the program's own by their names."""
    rows = named(models)
    known = {id(row.tensor) for row in rows}
    missing = [tensor for tensor in tensors if id(tensor) not in known]
    if not missing:
        return rows
    alone = {
        id(tensor_of(variable)): (layer, variable)
        for layer in ran
        for variable in layer.variables
        if variable.trainable or tensor_of(variable).trainable  # frozen later, as Keras' own flag alone tells
    }
    names = names_of_values(frame, _is_tensor, _is_closed)
    wrapped = {id(tensor_of(v)): names[id(v)] for v in _wrappers(frame) if id(v) in names}
    for place, tensor in enumerate({id(one): one for one in missing}.values()):
        if id(tensor) in alone:
            layer, variable = alone[id(tensor)]
            owner = layer.path or layer.name
            rows.append(Named(variable.path, tensor, owner, type(layer).__name__, variable.trainable))
            continue
        name = names.get(id(tensor)) or wrapped.get(id(tensor)) or _own_name(tensor, place)
        rows.append(Named(name, tensor, "", "Variable" if isinstance(tensor, tf.Variable) else "Tensor"))
    return rows


def _own_name(tensor: Any, place: int) -> str:
    own = str(tensor.name).partition(":")[0] if isinstance(tensor, tf.Variable) else ""
    return own if own and own != "Variable" else f"leaf {place + 1}"


def _wrappers(frame: FrameType | None) -> list[Any]:
    """The variables of Keras among the user's names."""
    return [value for _, value in scopes(frame) if isinstance(value, keras.Variable)]


def _is_closed(value: Any) -> bool:
    return is_model(value) or isinstance(value, tf.GradientTape)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, tf.Variable | tf.Tensor | keras.Variable)
