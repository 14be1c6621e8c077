"""Files that are written after the work: whether they can be is looked at before it."""

from __future__ import annotations

import os
from pathlib import Path

from gradtool.problem import Problem, ProblemError

__all__ = ["look_at_file"]


def look_at_file(path: Path, option: str) -> None:
    """Raise ProblemError where ``path``, the value of ``option``, can't be written. The file stays as it is."""
    folder = path.parent
    if path.is_dir():
        why, hint = "it is a folder", "name a file in it"
    elif not folder.is_dir():
        why, hint = f"there is no folder {folder}", "make the folder, or name a file in one that is there"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        why, hint = "it is write-protected", "name a file in a folder that may be written to"
    else:
        return
    text = f"{option} {path}"
    span = (len(option) + 1, len(text))
    raise ProblemError(Problem("output", f"{path} can't be written: {why}", text, span, hint=hint))
