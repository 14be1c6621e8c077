"""torch.autograd.gradcheck: its verdict, and the differences that it compares with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.autograd.gradcheck import GradcheckError

from gradtool.witness.checked import Said

__all__ = ["gradcheck"]

_SETTINGS = ("eps", "atol", "rtol")


def gradcheck(function: Callable[..., Any], tensors: Sequence[torch.Tensor], step: float | None) -> Said:
    """PyTorch's gradcheck as it comes, or with another ``step``; the message is the first line of its error."""
    defaults = inspect.signature(torch.autograd.gradcheck).parameters
    settings = {name: float(defaults[name].default) for name in _SETTINGS}
    if step is not None:
        settings["eps"] = step
    inputs = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    outcome, message = "passed", ""
    try:
        torch.autograd.gradcheck(function, inputs, **settings)
    except GradcheckError as error:
        outcome, message = "failed", str(error).strip().splitlines()[0].rstrip(",")
    return Said(settings, outcome, message, _differences(function, inputs, settings["eps"]))


def _differences(
    function: Callable[..., Any], inputs: Sequence[torch.Tensor], eps: float
) -> Sequence[NDArray[np.float64]]:
    """By the function that gradcheck itself uses, under the name by which it can still be reached; else none."""
    module = sys.modules["torch.autograd.gradcheck"]  # the package's attribute of that name is the function
    found = getattr(module, "get_numerical_jacobian", None)
    if found is None:
        return []
    return [jacobian.T.detach().to(torch.float64).numpy() for jacobian in found(
        lambda packed: function(*packed), tuple(inputs), eps=eps)]  # fmt: skip
