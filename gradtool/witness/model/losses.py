"""A loss of the user's, called with the output and the targets in the order that it wants them."""

from __future__ import annotations

import inspect
from typing import Any

from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["called_loss", "order"]

GOALS = ("y_true", "target", "targets", "label", "labels", "y", "true")
"""What a loss calls the targets, where they come first."""


def order(loss: Any, *, reversed_order: bool) -> tuple[str, ...]:
    """What the loss is called with: ``output`` alone, or with ``targets`` in the order that it wants.

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
    if len(wanted) == 1 and len(known) == 1:
        return ("output",)
    first = bool(known) and known[0].name in GOALS
    return (
        ("targets", "output") if first or (reversed_order and not inspect.isfunction(loss)) else ("output", "targets")
    )


def called_loss(loss: Any, output: Any, targets: Any, *, reversed_order: bool) -> Any:
    """The loss of ``output``: with the targets where it takes two arguments, as ``order`` has them."""
    with blamed("the loss failed"):
        wanted = order(loss, reversed_order=reversed_order)
        if targets is None and "targets" in wanted:
            raise UserFileError("the loss takes targets, and the file has none", "define targets in the file")
        given = {"output": output, "targets": targets}
        return loss(*(given[name] for name in wanted))
