"""The loss: what the file or the compiled model says, else what the head and the targets suggest.

The sum of the output is never taken: behind a softmax its gradient is exactly zero.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.conventions import LOSSES as NAMES
from gradtool.witness.model.user_file import UserFileError, blamed, line_of
from gradtool.witness.tensorflow.model.outputs import tensors_in
from gradtool.witness.tensorflow.model.targets import drawn_for_all, drawn_targets

__all__ = ["LOSSES", "Asked", "Objective", "objective", "scalar"]

LOSSES: Mapping[str, Callable[[], Callable[..., Any]]] = {
    "cross_entropy": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "nll_of_probabilities": keras.losses.SparseCategoricalCrossentropy,
    "bce_with_logits": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    "bce": keras.losses.BinaryCrossentropy,
    "mse": keras.losses.MeanSquaredError,
    "l1": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
}
OUTPUT_WORDS = ("pred", "out", "logit", "hat", "prob")
"""A first argument with such a name is the output; else, as in Keras, the targets come first."""

MOST_NEEDED = 2
"""A function that needs more than the output and the targets is no loss that can be called here."""


@dataclass(slots=True)
class Objective:
    """``loss(output, targets, batch, weights)``, what it is called, and the targets (None where it needs none)."""

    loss: Callable[[Any, Any, Any, Any], Any]
    how: str
    targets: Any = None
    terms: dict[str, Any] = field(default_factory=dict)
    """Where the loss is a sum of named terms, those of its last call."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of the loss: the case's, ``--loss``, ``--labels``, and the activation that the model ends with."""

    case: Any
    loss: str
    labels: str
    final: str


def objective(
    model: Any, output: Any, targets: Any, names: Mapping[str, Any], asked: Asked, assumed: Assumptions
) -> Objective:
    """The loss: asked for, given by the case, compiled, found in ``names``, or inferred from ``output``."""
    found = _given(names, asked, assumed)
    if found is None and getattr(model, "compiled", False) and not _forgotten(model):
        return _compiled(model, output, targets, asked, assumed)
    found = found or _named(names, assumed)
    if targets is None and found is None and (own := _own(output)) is not None and tf.is_tensor(own):
        assumed.add("loss", "the model's own", "its output has a loss")
        return Objective(lambda out, *_: scalar(_own(out), "of the model"), "the loss in the model's output")
    if targets is None and found is None and len(several := _several(output)) > 1:
        return _of_each(several, assumed)
    head = _head(output)
    if targets is None and found is None and head.shape.rank == 0:
        assumed.add("loss", "the output itself", "it is a single number", "--loss")
        return Objective(lambda out, *_: scalar(_head(out), "of the model"), "the model's output")
    if targets is None and (found is None or _takes_targets(found[0])):
        targets = drawn_targets(head, found[0] if found else None, asked.labels, asked.final, assumed)
    loss, how = found or _inferred(head, targets, asked.final, assumed)
    made = Objective(lambda out, goals, *_: _summed(made, _applied(loss, out, goals, how)), how, targets)
    return made


def _summed(made: Objective, value: Any) -> Any:
    """The loss as one number; named terms are remembered."""
    if isinstance(value, Mapping):
        made.terms = {str(name): term for name, term in value.items() if tf.is_tensor(term)}
        value = tf.add_n([tf.convert_to_tensor(term) for term in value.values()])
    return scalar(value, made.how)


def _forgotten(model: Any) -> bool:
    """Compiled without any loss, as models that are only run are."""
    own = type(model).compute_loss is not keras.Model.compute_loss
    return getattr(model, "loss", None) is None and not own and not model.losses


def _compiled(model: Any, output: Any, targets: Any, asked: Asked, assumed: Assumptions) -> Objective:
    own = getattr(model, "loss", None)
    how = _names_of(own) or "the model's compute_loss"
    assumed.add("loss", how, "as the model was compiled", "--loss")
    if targets is None and own is not None:
        outputs = list(getattr(model, "output_names", None) or [])
        targets = drawn_for_all(output, own, outputs, asked.labels, asked.final, assumed)

    def loss(out: Any, goals: Any, batch: Any, weights: Any) -> Any:
        with blamed(f"the loss {how} failed"):
            return scalar(model.compute_loss(batch, goals, out, weights), how)

    return Objective(loss, how, targets)


def _names_of(loss: Any) -> str:
    if isinstance(loss, Mapping):
        return ", ".join(f"{name}: {_names_of(part)}" for name, part in loss.items())
    if isinstance(loss, list | tuple):
        return ", ".join(map(_names_of, loss))
    return "" if loss is None else loss if isinstance(loss, str) else _name(loss)


def _given(names: Mapping[str, Any], wanted: Asked, assumed: Assumptions) -> tuple[Callable[..., Any], str] | None:
    asked, case = wanted.loss, wanted.case
    if asked:
        assumed.add("loss", asked, "--loss")
        if callable(names.get(asked)):
            return names[asked], asked
        return _known(asked), asked
    if case is None:
        return None
    found = _known(case) if isinstance(case, str) else case
    if not callable(found):
        raise UserFileError("the loss of gradtool_case() can't be called", f"a function, or one of {', '.join(LOSSES)}")
    assumed.add("loss", _name(found), "the file's gradtool_case")
    return found, _name(found)


def _known(name: str) -> Callable[..., Any]:
    """A loss by the name that it has here or in Keras."""
    if name in LOSSES:
        return LOSSES[name]()
    try:
        found: Callable[..., Any] = keras.losses.get(name)
    except ValueError:
        hint = f"known: {', '.join(LOSSES)}, Keras' own names, or a function of the file"
        raise UserFileError(f"there is no loss called {name}", hint) from None
    return found


def _named(names: Mapping[str, Any], assumed: Assumptions) -> tuple[Callable[..., Any], str] | None:
    for name in NAMES:
        value = names.get(name)
        if callable(value) and not inspect.isclass(value) and len(_arguments(value)) <= MOST_NEEDED:
            told = name if _name(value) == name else f"{name} ({_name(value)})"
            assumed.add("loss", told, "a name of the file", "--loss")
            return value, _name(value)
    return None


def _several(output: Any) -> list[Any]:
    """The tensors of an output that is more than one, none of which is called its logits."""
    if tf.is_tensor(output) or (isinstance(output, Mapping) and "logits" in output):
        return []
    return list(tensors_in(output))


def _of_each(tensors: list[Any], assumed: Assumptions) -> Objective:
    """Squared errors of all outputs: a loss of the first alone would leave the way to the others without a gradient."""
    goals = [tf.cast(tf.random.uniform(tuple(one.shape), dtype=tf.float64), one.dtype) for one in tensors]
    assumed.add("targets", f"numbers in 0..1 for each of {len(goals)} outputs, drawn", "no data was found", "--labels")
    assumed.add("loss", "mse, summed over the outputs", "several outputs", "--loss")

    def loss(output: Any, targets: Any, *_: Any) -> Any:
        mse = keras.losses.MeanSquaredError()
        return tf.add_n([mse(goal, one) for goal, one in zip(targets, _several(output), strict=True)])

    return Objective(loss, "mse of each output", goals)


def _name(loss: Any) -> str:
    """What the loss is called; a lambda by its line."""
    name = str(getattr(loss, "__name__", type(loss).__name__))
    code = getattr(loss, "__code__", None)
    return f"of {line_of(code.co_filename, code.co_firstlineno)}" if name == "<lambda>" and code else name


def _own(output: Any) -> Any:
    return output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)


def _head(output: Any) -> Any:
    """The output that a loss is taken of: logits if they are named, else the first floating tensor."""
    if isinstance(output, Mapping) and tf.is_tensor(output.get("logits")):
        return output["logits"]
    tensor = next(tensors_in(output), None)
    if tensor is None:
        raise UserFileError(
            f"the model returned {type(output).__name__}, with no floating-point tensor in it",
            "return a tensor, or give the loss with gradtool_case()",
        )
    return tensor


def _arguments(loss: Callable[..., Any]) -> list[str]:
    """The names of the arguments that a call can't do without."""
    try:
        parameters = inspect.signature(loss).parameters.values()
    except (TypeError, ValueError):
        return ["y_true", "y_pred"]
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in plain and p.default is inspect.Parameter.empty]


def _takes_targets(loss: Callable[..., Any]) -> bool:
    return isinstance(loss, keras.losses.Loss) or len(_arguments(loss)) > 1


def _inferred(head: Any, targets: Any, final: str, assumed: Assumptions) -> tuple[Callable[..., Any], str]:
    goals = tf.convert_to_tensor(targets)
    integer = goals.dtype.is_integer
    if integer and final == "softmax":
        name, why = "nll_of_probabilities", "the model ends with softmax"
    elif integer and head.shape.rank > 1 and head.shape[-1] > 1:
        name, why = "cross_entropy", "integer targets and several outputs"
    elif final == "sigmoid":
        name, why = "bce", "the model ends with sigmoid"
    elif integer and bool(tf.reduce_all((goals == 0) | (goals == 1))):
        name, why = "bce_with_logits", "binary targets and one output"
    else:
        name, why = "mse", "numbers as targets"
    assumed.add("loss", name, why, "--loss")
    return LOSSES[name](), name


def _applied(loss: Callable[..., Any], output: Any, targets: Any, how: str) -> Any:
    with blamed(f"the loss {how} failed"):
        if isinstance(loss, keras.losses.Loss):
            return loss(targets, _head(output))
        arguments = _arguments(loss)
        if len(arguments) < 2:
            return loss(output)
        first = any(word in arguments[0].lower() for word in OUTPUT_WORDS)
        value = loss(output, targets) if first else loss(targets, output)
        if getattr(loss, "__module__", "").startswith("keras.") and value.shape.rank:
            value = tf.reduce_mean(value)  # as Keras does with its own functions, which give one loss for each sample
        return value


def scalar(value: Any, how: str) -> Any:
    """The loss as a single number."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    if not tf.is_tensor(value):
        raise UserFileError(
            f"the loss {how} is {type(value).__name__}, not a tensor", "return the tensor, not .numpy()"
        )
    if not value.dtype.is_floating:
        raise UserFileError(f"the loss {how} is {value.dtype.name}", "integers have no gradient; use tf.cast")
    if tf.size(value) != 1:
        shape = "x".join(map(str, value.shape))
        raise UserFileError(f"the loss {how} has shape {shape}, not a single number", "take its mean or sum")
    return tf.reshape(value, ())
