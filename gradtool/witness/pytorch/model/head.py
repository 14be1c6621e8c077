"""The model's output beside the targets: what it can reach, and what the loss takes it for."""

from __future__ import annotations

from typing import Any

import torch

from gradtool.evidence import Head, Layer
from gradtool.witness.pytorch.model.recorder import tensors_in
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["batch_of", "head_of"]

EXPECTS = {
    "cross_entropy": "logits", "CrossEntropyLoss": "logits", "binary_cross_entropy_with_logits": "logits",
    "bce_with_logits": "logits", "BCEWithLogitsLoss": "logits", "bce": "probabilities", "BCELoss": "probabilities",
    "binary_cross_entropy": "probabilities", "nll": "log-probabilities", "NLLLoss": "log-probabilities",
    "nll_loss": "log-probabilities",
}  # fmt: skip
"""What each loss takes its input for."""


def batch_of(batch: Any) -> int:
    """The number of samples: the length of the first tensor of a batch; 0 if there is none."""
    if isinstance(batch, torch.Tensor):
        return batch.shape[0] if batch.ndim else 0
    parts = batch.values() if isinstance(batch, dict) else batch if isinstance(batch, list | tuple) else ()
    return next((found for part in parts if (found := batch_of(part))), 0)


def head_of(output: Any, one: Subject, layers: list[Layer]) -> Head | None:
    """The head of the model; None where the output is not seen (a training_step) or holds no numbers."""
    tensor = next(tensors_in(output), None)
    if tensor is None or not tensor.numel() or one.objective is None:
        return None
    least, largest = (float(v) for v in torch.aminmax(tensor.detach()))
    head = Head(tuple(tensor.shape), least, largest, _activation(layers), expects=EXPECTS.get(one.objective.how, ""))
    targets = one.targets
    if not isinstance(targets, torch.Tensor) or not targets.numel():
        return head
    low, high = (float(v) for v in torch.aminmax(targets.detach()))
    integer = not targets.is_floating_point() and not targets.dtype.is_complex
    classes = int(high) + 1 if integer else 0
    return Head(head.shape, least, largest, head.activation, tuple(targets.shape), low, high, classes, head.expects)


def _activation(layers: list[Layer]) -> str:
    """The activation of the last leaf that ran, if it is one."""
    leaves = [layer for layer in layers if not layer.inner]
    return leaves[-1].activation if leaves else ""
