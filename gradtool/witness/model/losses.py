"""A loss of the user's, called with the output and the targets in the order that it wants them."""

from __future__ import annotations

import inspect
from typing import Any

from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["called_loss"]

GOALS = ("y_true", "target", "targets", "label", "labels", "y", "true")
"""What a loss calls the targets, where they come first."""


def called_loss(loss: Any, output: Any, targets: Any, *, reversed_order: bool) -> Any:
    """The loss of ``output``: with the targets where it takes two arguments.

    ``reversed_order`` says that objects of the framework, whose arguments tell nothing, want the targets first.
    """
    try:
        known = [
            p
            for p in inspect.signature(loss).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        known = []
    wanted = [p for p in known if p.default is p.empty]
    with blamed("the loss failed"):
        if len(wanted) == 1 and len(known) == 1:
            return loss(output)
        if targets is None:
            raise UserFileError("the loss takes targets, and the file has none", "define targets in the file")
        first = bool(known) and known[0].name in GOALS
        return (
            loss(targets, output)
            if first or (reversed_order and not inspect.isfunction(loss))
            else loss(output, targets)
        )
