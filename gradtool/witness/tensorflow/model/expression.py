"""An expression as a model: its variables are the parameters, its value is the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.evidence import ModelRequest
from gradtool.target.dtype import rounded
from gradtool.target.expression import parse
from gradtool.target.inference import label_variables
from gradtool.values import Value, flat, shape_of
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.tensorflow.expression import TensorFlow
from gradtool.witness.tensorflow.model.objective import Objective, scalar
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.subject import Subject
from gradtool.witness.walk import compile_tree

__all__ = ["DTYPE", "Expression", "expression_subject"]

DTYPE = "float64"
"""That of an expression where none is asked for."""


class Expression(tf.Module):  # type: ignore[misc]  # TensorFlow is not typed here
    """The value of an expression at the point that its variables are; class labels are constants."""

    def __init__(self, text: str, point: Mapping[str, Value], dtype: str) -> None:
        super().__init__()
        self._framework, self._dtype = TensorFlow(), dtype
        shapes = {name: shape_of(value) for name, value in point.items()}
        expression = parse(text, point)
        self._steps = compile_tree(expression.tree, "tensorflow", shapes)
        self.point, self.labels = {}, {}
        labels = label_variables(expression)
        for name, value in point.items():
            if name in labels:
                self.labels[name] = tf.constant([int(n) for n in flat(value)], tf.int64, shapes[name])
                continue
            numbers = np.array([rounded(n, dtype) for n in flat(value)]).reshape(shapes[name])
            self.point[name] = tf.Variable(numbers, dtype=getattr(tf, dtype), name=name)

    def __call__(self) -> Any:
        """The value, a tensor of any shape.

        Empty sums are added, so that a value which does not move, as ``floor(x)``, has a gradient: 0.
        """
        leaves = {name: tf.convert_to_tensor(variable) for name, variable in self.point.items()}
        value = self._framework.run(self._steps, {**leaves, **self.labels}, self._dtype)
        return sum((tf.reduce_sum(tf.reshape(leaf, [-1])[:0]) for leaf in leaves.values()), value)

    def rows(self) -> list[Named]:
        """The variables as the parameters, in the order of the point."""
        return [Named(name, variable, "", "Variable") for name, variable in self.point.items()]


def expression_subject(request: ModelRequest, assumed: Assumptions) -> Subject:
    """The expression, ready to be run; its value must be a single number."""
    model = Expression(request.expression, request.point, request.dtype or DTYPE)
    model()  # TensorFlow's functions are looked up by the first run, and must not be those that a Recorder puts there
    assumed.add("point", ", ".join(model.point), "the variables are the parameters", "--at")
    if model.labels:
        assumed.add("labels", ", ".join(model.labels), "class labels are constants", "--at")
    assumed.add("loss", "the value of the expression", "gradient descent makes it small")

    def loss(output: Any, *_: Any) -> Any:
        return scalar(output, "(the value of the expression)")

    one = Subject(model, request.seed, request.mode, lambda *_: Objective(loss, "the value of the expression"))
    one.batch = ()
    return one
