"""A model's file as it stands on the command line: ``model.py``, ``model.py:Net``; nothing is imported or run here."""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from gradtool.evidence import InputSpec
from gradtool.problem import Problem, ProblemError

__all__ = ["ModelFile", "is_model_file", "names_python_file", "read_inputs", "read_model_file"]

IMPORTS = {
    "torch": "torch", "torchvision": "torch", "lightning": "torch", "pytorch_lightning": "torch",
    "transformers": "torch", "timm": "torch", "tensorflow": "tensorflow", "keras": "tensorflow",
}  # fmt: skip
"""The framework that an import speaks for."""

MAX_NUMBERS = 1 << 28
"""Numbers in one input: 2 GiB in float64."""

_INPUT = re.compile(r"(?P<shape>\d+(,\d+)*)?(:(?P<dtype>[a-z]+\d*))?(<(?P<below>\d+))?$")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The file, the name behind the colon (or nothing), and the frameworks that it imports, in their order."""

    path: Path
    name: str
    frameworks: tuple[str, ...]


def is_model_file(text: str) -> bool:
    """Whether ``text`` names a Python file, there or not, rather than an expression."""
    place, _ = _split(text)
    return place.endswith(".py") or Path(place).exists()


def names_python_file(text: str) -> bool:
    """Whether ``text`` is FILE.py or FILE.py:NAME, there or not; whatever else there is called so is an expression."""
    try:
        return _split(text)[0].endswith(".py")
    except OSError:  # no file has so long a name
        return False


def read_model_file(text: str) -> ModelFile:
    """Raises ProblemError where the file is not there, can't be read, or is not valid Python."""
    place, name = _split(text)
    path = Path(place)
    if not path.is_file():
        raise ProblemError(_missing(text, path))
    try:
        tree = ast.parse(path.read_bytes(), place)
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        start = max((error.offset or 1) - 1, 0)
        raise ProblemError(
            Problem(
                "file",
                f"it is not valid Python: {error.msg}",
                line,
                (start, start + 1),
                origin=f"{place}:{error.lineno or 1}",
            )
        ) from None
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise ProblemError(Problem("file", f"{place} can't be read: {error}", text, (0, len(text)))) from None
    if name and not all(part.isidentifier() for part in name.split(".")):
        span = (len(text) - len(name), len(text))
        raise ProblemError(
            Problem("file", f"{name} is no name", text, span, hint="FILE.py:NAME names a model, a class or a function")
        )
    return ModelFile(path.resolve(), name, _frameworks(tree))


def _split(text: str) -> tuple[str, str]:
    """The file and the name; of ``package.module:name`` the file of that module below the working folder."""
    head, colon, name = text.rpartition(":")
    if colon and head.endswith(".py"):
        return head, name
    parts = head.split(".") if colon else []
    if parts and all(part.isidentifier() for part in parts):
        module = Path(*parts)
        for path in (module.with_suffix(".py"), module / "__init__.py"):
            if path.is_file():
                return str(path), name
    return text, ""


def _missing(text: str, path: Path) -> Problem:
    span = (0, len(str(path)))
    if path.is_dir():
        return Problem("file", f"{path} is a folder", text, span, hint=f"name a file in it, as {path}/model.py")
    folder = path.parent
    if not folder.is_dir():
        return Problem("file", f"there is no folder {folder}", text, span)
    there = sorted(entry.name for entry in folder.glob("*.py"))
    stems = {name.removesuffix(".py"): name for name in there}  # the ending is alike everywhere
    close = [stems[stem] for stem in difflib.get_close_matches(path.stem, stems, n=1)]
    known = f"Python files there: {', '.join(there[:6])}" if there else f"there is no Python file in {folder.resolve()}"
    return Problem("file", f"there is no file {path}", text, span, hint=f"did you mean {close[0]}?" if close else known)


def _frameworks(tree: ast.Module) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    found = (IMPORTS[root] for name in names if (root := name.partition(".")[0]) in IMPORTS)
    return tuple(dict.fromkeys(found))


def read_inputs(texts: list[str]) -> list[InputSpec]:
    """``8,16`` or ``8,16:int64<500``, one for each ``--input``. Raises ProblemError at what is neither."""
    return [_input(text) for text in texts]


def _input(text: str) -> InputSpec:
    found = _INPUT.match(text.replace(" ", "").replace("x", ",") if re.match(r"[\dx, ]+(:|<|$)", text) else text)
    hint = "a shape, as 32,1,28,28; integers as 8,16:int64<500"
    if not found or not found["shape"]:
        raise ProblemError(Problem("input", "an input is described by its shape", text, (0, len(text)), hint=hint))
    shape = tuple(int(part) for part in found["shape"].split(","))
    count = 1
    for length in shape:
        count *= length
    if not 0 < count <= MAX_NUMBERS:
        told = "an input of no numbers" if not count else f"an input of {count:,} numbers is too large"
        raise ProblemError(Problem("input", told, text, (0, len(text)), hint=f"at most {MAX_NUMBERS:,}"))
    return InputSpec(shape, found["dtype"] or ("int64" if found["below"] else ""), int(found["below"] or 0))
