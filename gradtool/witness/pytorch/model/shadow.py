"""The same model in float64 beside the run in another dtype: how many digits of the gradient that dtype keeps."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from gradtool.evidence import Digits
from gradtool.witness.model.figures import digits
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.pytorch.model.batch import moved
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.statistics import numbers
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["compared", "shadow_of"]


def shadow_of(model: nn.Module) -> nn.Module:
    """A copy of the model in float64, with the weights before anything was rounded."""
    with blamed("the model could not be copied for the float64 run that --dtype compares with"):
        return copy.deepcopy(model).double()


def compared(seed: int, dtype: str, one: Subject, shadow: nn.Module, rows: Sequence[Named]) -> Digits:
    """``digits`` of the gradient in ``dtype`` beside that of the shadow, which gets the same batch."""
    if one.objective is None:
        raise UserFileError("a training_step can't be run in float64 beside another dtype", "leave out --dtype")
    twin = Subject(shadow, _wide(one.batch), _wide(one.targets), lambda *_: one.objective)  # type: ignore[arg-type]
    twin.objective = one.objective
    torch.manual_seed(seed + 1)
    with blamed("the float64 run that --dtype compares with failed"):
        twin.loss().backward()
    exact = dict(shadow.named_parameters())
    pairs = {
        row.name: (numbers(row.tensor.grad.to_dense().double()), numbers(truth.to_dense()))
        for row in rows
        if row.tensor.grad is not None and (truth := exact[row.name].grad) is not None
    }
    return digits(dtype, pairs)


def _wide(value: object) -> object:
    return moved(value, torch.device("cpu"), torch.float64)
