"""An expression as a model: its variables are the parameters, its value is the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from gradtool.evidence import ModelRequest
from gradtool.target.dtype import rounded
from gradtool.target.expression import parse
from gradtool.target.inference import label_variables
from gradtool.values import Value, flat, shape_of
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.pytorch.expression import PyTorch
from gradtool.witness.pytorch.model.objective import Objective, scalar
from gradtool.witness.pytorch.model.subject import Subject
from gradtool.witness.walk import compile_tree

__all__ = ["PREFIX", "expression_subject"]

PREFIX = "point."
"""What stands before a variable's name among the parameters, where no name can clash with a module's own."""


class Expression(nn.Module):  # type: ignore[misc]  # PyTorch is not typed here
    """The value of an expression at the point that its parameters are; class labels are constants."""

    def __init__(self, text: str, point: Mapping[str, Value], dtype: str) -> None:
        super().__init__()
        kind = getattr(torch, dtype)
        self._framework, self._dtype = PyTorch(), dtype
        shapes = {name: shape_of(value) for name, value in point.items()}
        expression = parse(text, point)
        self._steps = compile_tree(expression.tree, "torch", shapes)
        self.point, self.labels = nn.ParameterDict(), {}
        labels = label_variables(expression)
        for name, value in point.items():
            if name in labels:
                self.labels[name] = torch.tensor([int(n) for n in flat(value)]).reshape(shapes[name])
                continue
            numbers = torch.tensor([rounded(n, dtype) for n in flat(value)], dtype=kind).reshape(shapes[name])
            self.point[name] = nn.Parameter(numbers)

    def forward(self) -> torch.Tensor:
        """The value, a tensor of any shape.

        Empty sums are added, so that a value which does not move, as in ``where(x > 0, 1, 2)``, has a gradient: 0.
        """
        value = self._framework.run(self._steps, {**dict(self.point.items()), **self.labels}, self._dtype)
        return sum((leaf.reshape(-1)[:0].sum() for leaf in self.point.values()), value)


def expression_subject(request: ModelRequest, assumed: Assumptions) -> Subject:
    """The expression, ready to be run; its value must be a single number."""
    model = Expression(request.expression, request.point, request.dtype or "float64")
    assumed.add("point", ", ".join(model.point), "the variables are the parameters", "--at")
    if model.labels:
        assumed.add("labels", ", ".join(model.labels), "class labels are constants", "--at")
    assumed.add("loss", "the value of the expression", "gradient descent makes it small")

    def loss(output: Any, _targets: Any) -> torch.Tensor:
        return scalar(output, "(the value of the expression)")

    return Subject(model, (), None, lambda *_: Objective(loss, "the value of the expression"))
