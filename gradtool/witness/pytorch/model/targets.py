"""Targets where the file has none: drawn from the seed, of the kind that the loss takes and the model can reach."""

from __future__ import annotations

import torch

from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.user_file import UserFileError

__all__ = ["drawn_targets"]

KINDS = ("classes", "binary", "normal")


def drawn_targets(head: torch.Tensor, how: str, labels: str, final: str, assumed: Assumptions) -> torch.Tensor:
    """Targets for the output ``head``: as ``--labels`` says, else as the loss ``how`` or the ``final`` activation."""
    kind, _, count = labels.partition(":")
    if (kind and kind not in KINDS) or (count and not (count.isdigit() and int(count))):
        raise UserFileError(f"--labels {labels} is not known", "classes, classes:10, binary or normal")
    kind, why = (kind, "--labels") if kind else _kind(how.lower().replace("_", ""), final)
    if kind == "classes":
        axis = 1 if head.ndim > 1 else 0
        classes = int(count) if count else head.shape[axis]
        shape = [length for place, length in enumerate(head.shape) if place != axis]
        assumed.add("targets", f"{classes} classes, drawn", why, "--labels")
        return torch.randint(0, classes, shape, device=head.device)
    if kind == "binary":
        assumed.add("targets", "0 or 1, drawn", why, "--labels")
        return torch.randint(0, 2, head.shape, device=head.device).to(head.dtype)
    numbers = torch.randn(head.shape, device=head.device, dtype=torch.float64).to(head.dtype)
    if final in ("tanh", "hardtanh"):
        assumed.add("targets", "numbers in -1..1, drawn", why, "--labels")
        return numbers.tanh()
    if final in ("relu", "relu6", "softplus"):
        assumed.add("targets", "positive numbers, drawn", why, "--labels")
        return numbers.abs()
    assumed.add("targets", "normal numbers, drawn", why, "--labels")
    return numbers


def _kind(loss: str, final: str) -> tuple[str, str]:
    """The kind of targets, and why."""
    if ("crossentropy" in loss or "nll" in loss) and "binary" not in loss:
        return "classes", "the loss takes integers"
    if "bce" in loss or "binarycrossentropy" in loss:
        return "binary", "the loss takes 0 or 1"
    if not loss and final in ("softmax", "log_softmax"):
        return "classes", f"the model ends with {final}"
    if not loss and final == "sigmoid":
        return "binary", "the model ends with sigmoid"
    return "normal", "no data was found"
