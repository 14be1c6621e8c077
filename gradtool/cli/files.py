"""Files that a report is written to; whether they can be written is looked at before the work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gradtool.problem import Problem, ProblemError

__all__ = ["look_at_file", "opened"]


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


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """The file ``output``, or stdout. Raises ProblemError where it can't be written."""
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8") as stream:
            yield stream
    except OSError as error:
        raise ProblemError(Problem("output", f"{output} can't be written: {error.strerror}")) from None
