"""What a file offers: a training of its own that can be watched, else a model by convention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gradtool.evidence import ModelRequest
from gradtool.witness.model.conventions import LOSSES
from gradtool.witness.model.discovery import CASE, Found, Kind, discover
from gradtool.witness.model.user_file import UserFileError

__all__ = ["RunFile", "looked_for"]

TRAINING = (".backward(", "GradientTape", ".fit(", "train_on_batch(")
"""What a program that trains calls."""

RunFile = Callable[[bool, bool], tuple[Mapping[str, Any], Any]]
"""``run(as_main, stops)``: the names of the file, and what was seen of its training, None for nothing."""


def looked_for(request: ModelRequest, kind: Kind, run: RunFile) -> tuple[Mapping[str, Any], Found | None, Any]:
    """The file's names, and the model in it, or what the file's own training showed.

    A model alone says nothing about its data. If the file is also a program that trains, that is run, and the model is
    taken only where it fails.
    """
    path = Path(request.path)
    text = path.read_text(encoding="utf-8", errors="replace")
    stops = request.script or not (request.name or f"def {CASE}" in text)
    names, seen = run(request.script, stops)
    if seen is not None or request.script:
        return names, None, seen
    found = discover(names, path.name, request.name, kind)
    if found is not None and found.whole:  # what the file calls a loss is no loss of its output
        names = {name: value for name, value in names.items() if name not in LOSSES}
    trains = found is None or found.route == "class" or any(part in text for part in TRAINING)
    if "__main__" not in text or request.name or not trains or (found is not None and found.route == "case"):
        return names, found, None
    try:
        again, seen = run(True, True)
    except UserFileError:
        if found is None:
            raise
        return names, found, None
    return (again, None, seen) if seen is not None or found is None else (names, found, None)
