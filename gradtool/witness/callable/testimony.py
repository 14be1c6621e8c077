"""What a framework's worker answers about the callables of a file: first the inputs of each, then the evidence."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

from gradtool.evidence import CallableEvidence, CallableRequest, Failure, Progress, Record
from gradtool.witness.callable.framework import Framework
from gradtool.witness.callable.inputs import NothingToDifferentiateError, subject_for
from gradtool.witness.callable.subject import Subject
from gradtool.witness.callable.targets import Target, candidates, made
from gradtool.witness.model.user_file import UserFileError, blamed, execute

__all__ = ["Examined", "answers"]

Examined = Callable[[Subject, CallableRequest], CallableEvidence]
Ready = tuple[Target, Subject, str]
"""A target, called once, and how its inputs were found."""


def answers(request: CallableRequest, framework: Framework, examined: Examined) -> Iterator[Record]:
    """The evidence on each target, in the order of the file; a Failure that names it where it can't be used.

    What only other targets use, and no inputs were found for, is left out, and said in a note of the first evidence.
    """
    try:
        yield Progress(request.key, f"running {Path(request.path).name}")
        found, notes = yield from _prepared(request, framework)
    except UserFileError as error:
        yield Failure(request.key, framework.key, "file", error.message, error.hint, error.detail)
        return
    many = len(found)
    for place, one in enumerate(found, 1):
        if isinstance(one, Failure):
            yield one
            continue
        target, subject, told = one
        name = target.origin.name
        yield Progress(request.key, f"checking {name}", *((place, many) if many > 1 else (0, 0)), target=name)
        asked = replace(request, surrogate=request.surrogate or target.surrogate)
        try:
            with blamed(f"{name} failed while it was checked"):
                evidence = examined(subject, asked)
        except UserFileError as error:
            yield _failure(request, framework, error, name)
        except MemoryError:
            told = f"{name} ran out of memory"
            yield Failure(request.key, framework.key, "memory", told, "give it smaller inputs", target=name)
        else:
            yield replace(evidence, assumed=told, notes=[*evidence.notes, *notes])
            notes = []


def _prepared(
    request: CallableRequest, framework: Framework
) -> Generator[Record, None, tuple[list[Ready | Failure], list[str]]]:
    """Every target that can be called, a Failure for each that can't, and notes on what was left out."""
    names = execute(request.path, as_main=False)
    file = Path(request.path).name
    found: list[Ready | Failure] = []
    notes: list[str] = []
    for one in candidates(names, request.path, request.name, framework.kinds):
        yield Progress(request.key, f"looking for inputs of {one.name}", target=one.name)
        try:
            target = made(one, names, file)
            found.append((target, *subject_for(target, names, request, framework)))
        except UserFileError as error:
            reason = error.message.removeprefix(f"{one.name}: ")
            if one.kind.plain and not request.name and isinstance(error, NothingToDifferentiateError):
                notes.append(f"{one.name} was left out: {reason}")
            elif one.used:
                notes.append(f"{one.name} was left out, since others of the file use it: {reason}")
            else:
                found.append(_failure(request, framework, _named(error, one.name), one.name))
    if not found:
        raise UserFileError(f"{file} defines nothing that can be checked by itself", "; ".join(notes))
    return found, notes


def _named(error: UserFileError, name: str) -> UserFileError:
    """The same with the target's name in its message."""
    told = error.message if name in error.message else f"{name}: {error.message}"
    return UserFileError(told, error.hint, error.detail, cause=error.cause, source=error.source)


def _failure(request: CallableRequest, framework: Framework, error: UserFileError, name: str) -> Failure:
    """What went wrong at a line of the user's, or was refused; an exception from no line of theirs is our own."""
    if error.cause is None or error.source or error.detail:
        return Failure(request.key, framework.key, "file", error.message, error.hint, error.detail, name)
    detail = "".join(traceback.format_exception(error.cause))
    hint = "run with --debug for the traceback"
    return Failure(request.key, framework.key, "raised", error.message, hint, detail, name)
