"""Who switched the recording of the graph off: a with block, a statement, or a custom function's forward."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch

from gradtool.witness.causes.lines import Spot, code_line, spot
from gradtool.witness.model.user_file import is_users

__all__ = ["APPLY", "Off", "Switches"]

APPLY = torch.autograd.Function.apply.__func__.__code__
"""By which a frame of a custom function is known."""

_BLOCKS = ("torch/autograd/grad_mode.py", "torch/utils/_contextlib.py", "causes/unseen.py")
LIBRARIES = {"torch/distributions/": ("draw", "sample"), "torch/utils/checkpoint.py": ("reentrant", "checkpoint")}
"""Blocks that PyTorch opens itself: the kind of what is cut there, and what the program has called."""


@dataclass(frozen=True, slots=True)
class Off:
    """Why no graph is recorded: the kind of that, its ``region``, and a clause for people.

    Inside a custom function ``operation`` is its name and ``spot`` where it was applied.
    """

    kind: str
    told: str = ""
    region: int = 0
    operation: str = ""
    spot: Spot | None = None
    own: bool = True
    """Whether the program did it, and not a library."""


class Switches:
    """The blocks that are open, innermost last; None stands for one that switches the recording on."""

    def __init__(self) -> None:
        self._open: list[Off | None] = []
        self._regions = itertools.count(1)
        self._applied: dict[tuple[Any, Spot], int] = {}

    def set(self, frame: FrameType, *, on: bool) -> None:
        """``torch._C._set_grad_enabled`` was called from ``frame``."""
        names = [frame.f_code.co_qualname, frame.f_back.f_code.co_qualname if frame.f_back else ""]
        who = next((name for name in reversed(names) if name.startswith(("no_grad.", "enable_grad."))), names[0])
        if who.endswith(".__exit__"):
            self.closed()
        elif who != "set_grad_enabled.__enter__":  # its __init__ has switched already
            kind = "no_grad" if who.startswith("no_grad") else "grad_disabled"
            self.opened(kind, frame) if not on else self._open.append(None)

    def opened(self, kind: str, frame: FrameType | None) -> None:
        """A block begins in which nothing is recorded."""
        for folder, (reason, operation) in LIBRARIES.items():
            if folder in _opener(frame):
                self._open.append(Off(reason, "", next(self._regions), operation, spot(frame), own=False))
                return
        words = {"no_grad": "torch.no_grad()", "inference_mode": "torch.inference_mode()"}
        what, line = words.get(kind, "torch.set_grad_enabled(False)"), code_line(spot(frame)).source
        told = f"{what} of {line}" if line else what
        self._open.append(Off(kind, told, next(self._regions), own=_is_own(frame)))

    def closed(self) -> None:
        """It ends."""
        if self._open:
            self._open.pop()

    def why(self, frame: FrameType | None) -> Off:
        """Why nothing is recorded in ``frame``, now that nothing is."""
        off = next((one for one in reversed(self._open) if one is not None), None)
        if off is not None:
            return off
        seen = frame
        while seen is not None and seen.f_code is not APPLY:
            seen = seen.f_back
        if seen is None:
            return Off("inference_mode" if torch.is_inference_mode_enabled() else "grad_disabled", region=-1)
        return self._applying(seen.f_locals["cls"], spot(seen.f_back))

    def _applying(self, function: Any, where: Spot) -> Off:
        region = self._applied.get((function, where)) or next(self._regions)
        self._applied[function, where] = region
        if function.__module__ == "torch.utils.checkpoint":
            return Off("reentrant", "", region, "checkpoint", where)
        name = function.__name__
        return Off("nondifferentiable", f"{name} gives its output no gradient", region, name, where)


def _opener(frame: FrameType | None) -> str:
    """The file of the block."""
    while frame is not None and frame.f_code.co_filename.endswith(_BLOCKS):
        frame = frame.f_back
    return "" if frame is None else frame.f_code.co_filename


def _is_own(frame: FrameType | None) -> bool:
    """Whether the block, or the function that is decorated with it, is the program's."""
    while frame is not None and frame.f_code.co_filename.endswith(_BLOCKS):
        if code := getattr(frame.f_locals.get("func"), "__code__", None):
            return is_users(code.co_filename)
        frame = frame.f_back
    return frame is not None and is_users(frame.f_code.co_filename)
