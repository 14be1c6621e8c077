"""The same model in float64 beside the run in another dtype: how many digits of the gradient that dtype keeps.

The weights are those of the file's own dtype, before anything was rounded;
here they are copied by position from one version of the model to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import Digits, ModelRequest
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.figures import Numbers, digits
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.tensorflow.model.backward import backward, rows_of
from gradtool.witness.tensorflow.model.batch import cast
from gradtool.witness.tensorflow.model.observed import Observed
from gradtool.witness.tensorflow.model.parameters import Named, tensor_of
from gradtool.witness.tensorflow.model.sources import Sources
from gradtool.witness.tensorflow.model.statistics import numbers
from gradtool.witness.tensorflow.model.subject import Run, Subject, subject
from gradtool.witness.tensorflow.model.versions import Version, holding, version

__all__ = ["WIDE", "cast_model", "digits_of", "weights_of"]

WIDE = "float64"
SAME = 1e-9
"""How near two losses in float64 are that differ by the order of their sums alone."""


def weights_of(one: Subject, run: Run) -> list[Any]:
    """The numbers of everything that a model keeps but the seeds, as they were before its first run."""
    one.rewind()
    return [variable.read_value() for variable in _variables(one, rows_of(one, run))]


def cast_model(
    request: ModelRequest, weights: Sequence[Any], assumed: Assumptions
) -> tuple[Version, Subject, Run, list[str]]:
    """The file run again in the dtype asked for, its model with these weights, rounded; a note where they don't fit."""
    found = version(request, request.dtype)
    if isinstance(found, Observed):
        raise UserFileError(f"in {request.dtype} the file trains by itself", "leave out --dtype")
    one, run = subject(request, found, assumed)
    if told := _give(weights, one, run):
        return found, one, run, [f"the weights are those with which the file begins in {request.dtype}: {told}"]
    one.rewind()
    return found, one, one.run(found.sources), []


def digits_of(
    request: ModelRequest, one: Subject, rows: Sequence[Named], weights: Sequence[Any]
) -> tuple[list[Digits], list[str]]:
    """What the dtype asked for keeps of the gradient, or a note why that is not known."""
    if told := _unlike(one, rows, request.dtype):
        return [], [f"--dtype {request.dtype} does not reach the whole model, since the file says otherwise: {told}"]
    if request.dtype == WIDE:
        return [], []
    try:
        return [_compared(request, one, rows, weights)], []
    except UserFileError as error:
        return [], [f"how many digits {request.dtype} keeps is not known: in float64, {error.message}"]


def _give(weights: Sequence[Any], one: Subject, run: Run) -> str:
    """Copy the weights of another version of the model. Says what is unlike where they do not fit."""
    mine = _variables(one, rows_of(one, run))
    if len(mine) != len(weights):
        return f"it has {len(mine)} variables in one dtype and {len(weights)} in the other"
    for variable, value in zip(mine, weights, strict=True):
        if variable.shape != value.shape:
            name = str(variable.name).partition(":")[0]
            return f"{name} is {tuple(variable.shape)} in one dtype and {tuple(value.shape)} in the other"
    one.rewind()
    for variable, value in zip(mine, weights, strict=True):
        variable.assign(tf.cast(value, variable.dtype))
    one.remember()
    return ""


def _unlike(one: Subject, rows: Sequence[Named], dtype: str) -> str:
    """The first variable or layer that does not work in ``dtype``, and its own; empty where all do."""
    for row in rows:
        if row.tensor.dtype.is_floating and row.tensor.dtype.name != dtype:
            return f"{row.name} is {row.tensor.dtype.name}"
    for layer in one.model._flatten_layers() if isinstance(one.model, keras.layers.Layer) else ():  # noqa: SLF001
        kind = "" if isinstance(layer, keras.layers.InputLayer) else str(layer.compute_dtype)
        if "float" in kind and kind != dtype:
            return f"{layer.name} works in {kind}"
    return ""


def _compared(request: ModelRequest, one: Subject, rows: Sequence[Named], weights: Sequence[Any]) -> Digits:
    """``digits`` of the gradient in the dtype asked for beside that of the file's model in float64.

    Raises UserFileError where the file gives no model in float64 that these weights fit.
    """
    with holding(WIDE):
        truths = _wide_rows(request, one, weights)
    if [tuple(row.tensor.shape) for row in truths] != [tuple(row.tensor.shape) for row in rows]:
        raise UserFileError("its variables come in another order")
    pairs = {
        row.name: (_wide(row.gradient), _wide(truth.gradient))
        for row, truth in zip(rows, truths, strict=True)
        if row.gradient is not None and truth.gradient is not None
    }
    return digits(request.dtype, pairs)


def _wide(gradient: Any) -> Numbers:
    return numbers(tf.cast(tf.convert_to_tensor(gradient), WIDE))


def _wide_rows(request: ModelRequest, one: Subject, weights: Sequence[Any]) -> list[Named]:
    """The gradients of the file's model in float64, with these weights and the data of ``one``, rounded as there."""
    asked = replace(request, dtype=WIDE)
    found = version(asked, WIDE)
    if isinstance(found, Observed):
        raise UserFileError("it trains by itself")
    twin, run = subject(asked, found, Assumptions())
    told = _unlike(twin, rows_of(twin, run), WIDE) or _give(weights, twin, run)
    if told:
        raise UserFileError(told)
    twin.batch, twin.targets, twin.weights = (
        cast(cast(part, request.dtype), WIDE) for part in (one.batch, one.targets, one.weights)
    )
    twin.rewind()
    run = twin.run(Sources())
    rows = rows_of(twin, run)
    with blamed("the float64 run failed"):
        again = float(twin.loss_of(twin.batch, twin.targets, twin.weights))
    if abs(again - float(run.loss)) > SAME * abs(again):
        raise UserFileError("it draws random numbers, and others in each dtype; --mode eval leaves out dropout")
    backward(run, rows)
    return rows


def _variables(one: Subject, rows: Sequence[Named]) -> list[Any]:
    """TensorFlow's variables in their order: those of the rows, then what is not trained, but for seeds and metrics."""
    kept = one.model.weights if isinstance(one.model, keras.layers.Layer) else one.model.variables
    found = {id(row.tensor): row.tensor for row in rows}
    for variable in kept:
        found.setdefault(id(tensor_of(variable)), tensor_of(variable))
    return list(found.values())
