"""The user's file as a program: run in its own folder, with a traceback that begins in their own code.

Nothing here knows a framework. The process is a worker's: the working folder, ``sys.argv`` and ``sys.path`` are the
file's from now on.
"""

from __future__ import annotations

import contextlib
import functools
import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from traceback import StackSummary, TracebackException
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any

from gradtool.witness.model.advice import advice

__all__ = ["ROOT", "Enough", "UserFileError", "blamed", "execute", "is_users", "line_of", "user_frame", "user_line"]

ROOT = str(Path(__file__).parents[2])
"""Frames below this folder are our own."""

_LIBRARIES = (ROOT, "<", *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))


BAD_USAGE = 2
"""With what argparse ends a program whose arguments it can't use."""
USAGE = "what stands behind -- is the program's own command line: gradtool flow FILE.py -- ARGUMENTS"
GUARD = "guard the exit with if __name__ == '__main__'"


class Enough(BaseException):  # no error: what was asked for has been seen, and the user's program may end
    """Raised inside the user's program when the evidence is there; not an Exception, so that no handler keeps it."""


class UserFileError(Exception):
    """The user's file can't be used as it is: ``message``, ``hint`` and ``detail`` are as in ``evidence.Failure``.

    ``cause`` is what the user's code raised, if that is the reason, and ``source`` its line.
    """

    def __init__(
        self, message: str, hint: str = "", detail: str = "", *, cause: BaseException | None = None, source: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.hint, self.detail, self.cause, self.source = message, hint, detail, cause, source


def execute(path: str, arguments: Sequence[str] = (), *, as_main: bool) -> dict[str, Any]:
    """Run the file, with ``arguments`` as its command line, and return its names.

    What it raises becomes a UserFileError at the user's own line.
    """
    file = Path(path)
    folder = str(file.parent)
    package, root = _package(file)
    for place in (root, folder):
        if place not in sys.path:
            sys.path.insert(0, place)
    os.chdir(folder)
    sys.argv = [path, *arguments]
    name = "__main__" if as_main else f"_{file.stem}" if file.stem in sys.modules else file.stem
    module = ModuleType(name)
    module.__file__, module.__package__ = path, package
    sys.modules[name] = module
    with blamed(f"{file.name} could not be run"):
        exec(_code(file), module.__dict__)  # noqa: S102  # the user's own file, which they asked us to run
    return module.__dict__


def _package(file: Path) -> tuple[str, str]:
    """The package that the file belongs to, for its relative imports, and the folder where that is found."""
    names: list[str] = []
    folder = file.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join(names), str(folder)


def _code(file: Path) -> CodeType:
    try:
        return compile(file.read_bytes(), str(file), "exec")
    except SyntaxError as error:
        detail = "".join(traceback.format_exception_only(error))
        raise UserFileError(f"{file.name}:{error.lineno} is not valid Python: {error.msg}", detail=detail) from None
    except (OSError, ValueError) as error:
        raise UserFileError(f"{file.name} can't be read: {error}") from None


@contextlib.contextmanager
def blamed(what: str) -> Iterator[None]:
    """Turn what the user's code raises into a UserFileError that says ``what`` failed, where and why."""
    try:
        yield
    except (UserFileError, Enough):
        raise
    except MemoryError:
        raise
    except SystemExit as error:
        line, code = _last_line(error.__traceback__)
        told = f"{what}: it ended itself with sys.exit({error.code!r}){code}"
        hint = USAGE if error.code == BAD_USAGE else GUARD
        raise UserFileError(told, hint, cause=error, source=line) from None
    except BaseException as error:  # noqa: BLE001  # whatever the user's code raises is told, not passed on
        own = _own(error.__traceback__)
        detail = "".join(_users_alone(TracebackException(type(error), error, own)).format()) if own else ""
        plain = re.sub(r"\x1b\[\d*m", "", f"{type(error).__name__}: {error}")  # Keras prints in bold
        text, hint = " ".join(plain.split())[:400], advice(error)
        text = text.partition(". ")[0] if hint else text  # behind its first sentence it has other advice
        line, code = _last_line(error.__traceback__)
        raise UserFileError(f"{what}: {text}{code}", hint, detail, cause=error, source=line) from None


def _own(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first of the user's frames; None if there is none."""
    while trace is not None and not is_users(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _users_alone(told: TracebackException) -> TracebackException:
    """The same without the frames of libraries, and without ours, which stand between while we look on.

    What was raised and met inside a library alone is left out.
    """
    told.stack = StackSummary.from_list([frame for frame in told.stack if is_users(frame.filename)])
    for name in ("__cause__", "__context__"):
        inner = getattr(told, name)
        if inner is not None and not _users_alone(inner).stack:
            setattr(told, name, None)
    return told


def _last_line(trace: TracebackType | None) -> tuple[str, str]:
    """``model.py:12`` and `` (model.py:12: the line itself)`` for the innermost of the user's frames."""
    line = place = ""
    while trace is not None:
        if is_users(trace.tb_frame.f_code.co_filename):
            line = line_of(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
            code = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno).strip()
            place = f" ({line}: {code})" if code else f" ({line})"
        trace = trace.tb_next
    return line, place


@functools.cache
def is_users(filename: str) -> bool:
    """Whether code in this file is the user's: not ours, not a library's, not made up on the fly."""
    return not filename.startswith(_LIBRARIES) and "site-packages" not in filename


def line_of(filename: str, number: int) -> str:
    """``model.py:12``: relative to the folder of the user's file if it lies there."""
    return f"{_relative(filename, Path.cwd())}:{number}"


@functools.cache
def _relative(filename: str, folder: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(Path(filename).relative_to(folder))
    return filename


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost of the user's frames on the stack that ends in ``frame``."""
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def user_line(frame: FrameType | None) -> str:
    """Its line, as ``model.py:12``; empty if there is none."""
    own = user_frame(frame)
    return "" if own is None else line_of(own.f_code.co_filename, own.f_lineno)
