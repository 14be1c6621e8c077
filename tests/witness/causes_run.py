"""A program of tests/corpus/causes_*, run in this process under a finder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from corpus.programs import marked, written

from gradtool.evidence import Cause
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.model.user_file import execute
from gradtool.witness.pytorch.model.parameters import Named, named

__all__ = ["Told", "alone", "told"]

Told = tuple[list[Cause], str, list[str]]
"""The causes, the marked line, and the finder's notes."""


def told(finder: Any, text: str, folder: Path) -> Told:
    """What the finder says of the program."""
    file = written(text, folder)
    with alone(), finder:
        names = execute(str(file), as_main=False)
        rows = leaves(names)
        finder.before([names["loss"]])
        zero = [row.name for row in rows if row.tensor.grad is not None and not row.tensor.grad.to_dense().any()]
        causes = finder.told(rows, names["loss"], Wanted(zero=zero))
    return causes, marked(folder), finder.notes


@contextmanager
def alone() -> Iterator[None]:
    """A program changes the working folder, the command line and the modules; afterwards they are as they were."""
    folder, path, argv, modules = Path.cwd(), list(sys.path), sys.argv, dict(sys.modules)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.path[:], sys.argv = path, argv
        for name in ("main", "_main", "other"):
            sys.modules.pop(name, None)
        sys.modules.update({name: module for name, module in modules.items() if name in {"main", "other"}})


def leaves(names: dict[str, Any]) -> list[Named]:
    """The parameters of the program, as the names of its file lead to them."""
    found: dict[int, Named] = {}
    for name, value in names.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, torch.nn.Module):
                for row in named({name: part}):
                    found.setdefault(id(row.tensor), row)
            elif isinstance(part, torch.Tensor) and part.is_leaf and part.requires_grad:
                found.setdefault(id(part), Named(f"{name}{len(found)}" if part is not value else name, part, "", ""))
    return list(found.values())
