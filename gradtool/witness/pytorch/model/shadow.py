"""The same model in float64 beside the run in another dtype: how many digits of the gradient that dtype keeps."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import nn

from gradtool.evidence import Digits
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.pytorch.model.batch import moved
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.statistics import norms
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["compared", "shadow_of"]

MOST = 17.0
"""Digits of a float64; more can't be told."""


def shadow_of(model: nn.Module) -> nn.Module:
    """A copy of the model in float64, with the weights before anything was rounded."""
    with blamed("the model could not be copied for the float64 run that --dtype compares with"):
        return copy.deepcopy(model).double()


def compared(seed: int, dtype: str, one: Subject, shadow: nn.Module, rows: Sequence[Named]) -> Digits:
    """Digits kept: -log10 of the norm of the difference over the norm of the float64 gradient, and of the whole."""
    if one.objective is None:
        raise UserFileError("a training_step can't be run in float64 beside another dtype", "leave out --dtype")
    twin = Subject(shadow, _wide(one.batch), _wide(one.targets), lambda *_: one.objective)  # type: ignore[arg-type]
    twin.objective = one.objective
    torch.manual_seed(seed + 1)
    with blamed("the float64 run that --dtype compares with failed"):
        twin.loss().backward()
    exact = dict(shadow.named_parameters())
    apart: dict[str, float] = {}
    whole: dict[str, float] = {}
    for row in rows:
        gradient, truth = row.tensor.grad, exact[row.name].grad
        if gradient is not None and truth is not None:
            apart[row.name], whole[row.name] = norms(
                [gradient.to_dense().double() - truth.to_dense(), truth.to_dense()]
            )
    digits = {name: _digits(apart[name], whole[name]) for name in apart if whole[name]}
    return Digits(dtype, digits, _digits(math.hypot(*apart.values()), math.hypot(*whole.values())))


def _wide(value: object) -> object:
    return moved(value, torch.device("cpu"), torch.float64)


def _digits(apart: float, whole: float) -> float:
    if not math.isfinite(apart):
        return 0.0
    return min(max(-math.log10(apart / whole), 0.0), MOST) if apart and whole else MOST
