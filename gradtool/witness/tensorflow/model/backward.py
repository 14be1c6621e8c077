"""One backward pass: the variables it is asked about, and the gradients that it leaves in their rows."""

from __future__ import annotations

from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.tensorflow.model.parameters import Named, named, tensor_of
from gradtool.witness.tensorflow.model.statistics import merged
from gradtool.witness.tensorflow.model.subject import Run, Subject

__all__ = ["backward", "rows_of"]


def rows_of(one: Subject, run: Run) -> list[Named]:
    """The model's variables, and those that the tape has seen and the model does not know of."""
    rows = named({"": one.model})
    known = {id(row.tensor) for row in rows}
    for variable in run.tape.watched_variables():
        tensor = tensor_of(variable)
        if id(tensor) not in known:
            rows.append(Named(str(tensor.name).partition(":")[0], tensor, "", "Variable"))
    if not rows:
        raise UserFileError(f"the model, {type(one.model).__name__}, can't learn: it has no parameters", "add a layer")
    return rows


def backward(run: Run, rows: list[Named]) -> None:
    """The gradients of the variables and of the layers' outputs, in one pass."""
    wanted = [row for row in rows if row.trainable]
    outputs = run.recorder.outputs.tensors()
    with blamed("the backward pass failed"):
        gradients, flows = run.tape.gradient(run.loss, ([row.tensor for row in wanted], outputs))
    run.recorder.outputs.take(flows)
    run.recorder.outputs.release()
    for row, gradient in zip(wanted, gradients, strict=True):
        row.gradient = merged(gradient)
