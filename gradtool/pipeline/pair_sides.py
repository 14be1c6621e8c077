"""Which file has which side of a comparison of two models, and who runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradtool.problem import Problem, ProblemError
from gradtool.target.model_file import ModelFile

__all__ = ["Sided", "sides_of"]


@dataclass(frozen=True, slots=True)
class Sided:
    """Who runs a side, as ``PAIR_WITNESSES`` calls it, its file, and the function that both share one for."""

    witness: str
    path: Path
    name: str = ""
    role: str = ""


def sides_of(files: Sequence[ModelFile]) -> tuple[Sided, Sided]:
    """Two files: one for each framework. One: a pair where it defines ``torch_model``, else a Keras model.

    The file is read as text only; nothing is run. Raises ProblemError where there is one framework for both sides.
    """
    if len(files) == 2:
        return _one_each(*files)
    (file,) = files
    text = file.path.read_text(encoding="utf-8", errors="replace")
    if not file.name and ("torch_model" in text or "keras_model" in text):
        return Sided("torch", file.path, role="torch_model"), Sided("keras", file.path, role="keras_model")
    if file.frameworks == ("torch",):
        told = f"{file.path.name} imports PyTorch alone, and a second model is needed"
        hint = f"give Keras's in a file of its own, gradtool compare {file.path.name} keras_model.py, or define "
        raise ProblemError(Problem("file", told, hint=f"{hint}torch_model() and keras_model() in one"))
    return Sided("keras_torch", file.path, file.name), Sided("keras", file.path, file.name)


def _one_each(first: ModelFile, second: ModelFile) -> tuple[Sided, Sided]:
    """PyTorch's file on the left, in whatever order they stand."""
    both = first.frameworks, second.frameworks
    if both[0] == both[1] and len(both[0]) == 1:
        title = {"torch": "PyTorch", "tensorflow": "Keras or TensorFlow"}[both[0][0]]
        told = f"{first.path.name} and {second.path.name} both import {title} alone"
        raise ProblemError(Problem("file", told, hint="one file has PyTorch's model, the other Keras's"))
    if ("torch" in both[1] and "torch" not in both[0]) or (both[0] == ("tensorflow",) and not both[1]):
        first, second = second, first
    return Sided("torch", first.path, first.name), Sided("keras", second.path, second.name)
