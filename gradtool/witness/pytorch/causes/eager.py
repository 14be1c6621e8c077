"""The finders see what Python runs: what ``torch.compile`` has compiled runs as it is written meanwhile."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

import torch

from gradtool.witness.causes.patches import Patches

__all__ = ["eagerly"]

TOLD = "torch.compile was switched off while the causes were looked for"


def eagerly(notes: list[str]) -> AbstractContextManager[None]:
    """Inside, nothing compiled runs; where there is something, ``notes`` says so.

    PyTorch's compiler is only imported where the program does so.
    """
    dynamo: Any = sys.modules.get("torch._dynamo")
    if dynamo is not None and dynamo.utils.counters["frames"]["total"]:  # something was compiled in this process
        notes.append(TOLD)
    return _PATCHES.on(notes)


def _install(patches: Patches[list[str]]) -> None:
    off = False

    def switch_off() -> None:
        nonlocal off
        if not off:
            patches.undo.enter_context(torch.compiler.set_stance("force_eager"))
        off = True

    def replaced(compile_: Any) -> Any:
        def compiled(*args: Any, **kwargs: Any) -> Any:
            made = compile_(*args, **kwargs)
            switch_off()
            _tell(patches)
            return made

        return compiled

    patches.replace(torch, "compile", replaced)
    if "torch._dynamo" in sys.modules:
        switch_off()


def _tell(patches: Patches[list[str]]) -> None:
    for notes in patches.lookers:
        if TOLD not in notes:
            notes.append(TOLD)


_PATCHES = Patches(_install)
