"""The user's line of every node of autograd's graph, by the numbers that autograd gives them in their order."""

from __future__ import annotations

import re
from types import FrameType
from typing import Any

import torch

from gradtool.witness.causes.lines import NOWHERE, Spot, spot
from gradtool.witness.model.user_file import is_users
from gradtool.witness.pytorch.causes.words import word_of

__all__ = ["NodeLines", "operation_of", "user_spot_in_backward"]

LEAF = 2**62
"""The numbers of nodes that collect the gradient of a leaf lie above."""
ENGINE = "_engine_run_backward"
"""The function of PyTorch's below which autograd runs."""


class NodeLines:
    """``note`` every forward operation as it is dispatched; ``at`` gives a node's line.

    The numbers are those of the thread that runs the pass. A node is numbered just before its operation is dispatched,
    or, as where a slice is written to, just after it.
    """

    def __init__(self) -> None:
        self._lines: dict[int, Spot] = {}
        self._next = torch._C._autograd._get_sequence_nr()  # noqa: SLF001  # the only way to a node's number
        self._last = NOWHERE

    def note(self, place: Spot) -> None:
        """An operation is run on this line."""
        now = torch._C._autograd._get_sequence_nr()  # noqa: SLF001
        if now > self._next:
            for number in range(self._next, now - 1):
                self._lines[number] = self._last
            self._lines[now - 1] = place
            self._next = now
        self._last = place

    def note_call(self, frame: FrameType) -> None:
        """The same for an operation that was called in ``frame``, in a forward pass or as a checkpoint repeats it."""
        if torch._C._current_autograd_node() is None:  # noqa: SLF001
            self.note(spot(frame))
        elif (own := user_spot_in_backward(frame)) is not None:
            self.note(own)

    def at(self, node: Any) -> Spot:
        """The line of the forward operation that the node belongs to."""
        number: int = node._sequence_nr()  # noqa: SLF001
        late = self._next <= number < LEAF
        return self._last if late else self._lines.get(number, NOWHERE)


def operation_of(node: Any) -> str:
    """What the forward operation of a node is called: a word of the patterns, or a custom Function's own name."""
    name = node.name().rpartition("::")[2]
    if isinstance(node, torch.autograd.function.BackwardCFunction):
        return str(name.removesuffix("Backward"))
    name = re.sub(r"Backward\d*$", "", name)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return word_of(snake)


def user_spot_in_backward(frame: FrameType | None) -> Spot | None:
    """The user's line if their own code runs inside of the backward pass: a custom Function, a hook, a checkpoint."""
    inner = frame
    while inner is not None and inner.f_code.co_name != ENGINE:
        if is_users(inner.f_code.co_filename):
            return spot(inner)
        inner = inner.f_back
    return None
