"""The inputs of a target: those of ``--at``, else those that the file gives, else drawn until a call is accepted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradtool.evidence import CallableRequest
from gradtool.values import shape_of
from gradtool.witness.callable.drawn import drawn
from gradtool.witness.callable.framework import Framework
from gradtool.witness.callable.given import Given, of_file, remedy, with_at
from gradtool.witness.callable.signature import Argument, bound
from gradtool.witness.callable.structure import leaves
from gradtool.witness.callable.subject import Subject
from gradtool.witness.callable.targets import Target
from gradtool.witness.callable.usable import misfit, nothing_differentiable, stranger, unbounded
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["NothingToDifferentiateError", "subject_for"]

SEVERAL = 3
"""Different refusals that are quoted."""


class NothingToDifferentiateError(UserFileError):
    """Every call that succeeded gave nothing with a gradient: it is no function of tensors."""


def subject_for(
    target: Target, names: Mapping[str, Any], request: CallableRequest, framework: Framework
) -> tuple[Subject, str]:
    """The target called once with inputs that it takes, and how they were found.

    Raises UserFileError where it takes none of those that were given or tried, and for unknown names.
    """
    call = framework.settled(target.call, request.dtype)
    target = replace(target, call=call)
    dtype = request.dtype or framework.dtype_of(call)
    own = of_file(target, names, request, framework)
    given = bool(request.at or own is not None)
    dtypes = [dtype] if dtype else ["float64", "float32"]
    tries: Iterable[Given]
    if given:
        tries = with_at(target, own, request, framework, dtypes)
    else:
        needed = None if target.arguments is None else [one for one in target.arguments if one.required]
        tries = drawn(target, needed, request, framework, dtypes)
    subject, told, taken = _accepted(target, tries, request, framework, given=given)
    if request.wrt:
        chosen = _chosen(target, subject, request.wrt, list(taken.values))
        subject = _called(target, taken, request, framework, chosen)
    _look_at(subject, request)
    return subject, told


def _look_at(subject: Subject, request: CallableRequest) -> None:
    """Raises UserFileError for inputs, or an upstream gradient, with which nothing can be checked."""
    name = subject.origin.name
    if told := unbounded(subject):
        raise UserFileError(f"{name}: {told}", "give finite inputs, or leave this one out by --wrt")
    if request.upstream is not None and (told := misfit(shape_of(request.upstream), subject)):
        raise UserFileError(f"{name}: {told}", "--upstream weighs every entry of a single output")


def _accepted(
    target: Target, tries: Iterable[Given], request: CallableRequest, framework: Framework, *, given: bool
) -> tuple[Subject, str, Given]:
    """The first that the target takes, in the first range of numbers where what it returns is finite."""
    refused: list[tuple[str, UserFileError]] = []
    for one in tries:
        try:
            subject = _called(target, one, request, framework)
        except UserFileError as error:
            refused.append((one.told, error))
            continue
        for again in [] if _is_finite(subject) else one.again:
            other = replace(one, values=again())
            try:
                moved = _called(target, other, request, framework)
            except UserFileError:
                continue
            if _is_finite(moved):
                return moved, one.told, other
        return subject, one.told, one
    raise _refusal(target, request, refused, given=given)


def _called(
    target: Target, one: Given, request: CallableRequest, framework: Framework, wrt: Sequence[str] = ()
) -> Subject:
    """The target called once. Raises UserFileError where that fails, or nothing can be differentiated."""
    arguments = target.arguments
    if arguments is None:
        arguments = [Argument(name) for name in one.values]
    positional, keywords = bound(one.values, arguments)
    names = [argument.name for argument in arguments if not argument.keyword]
    if other := stranger((leaf for _, leaf in leaves([positional, keywords])), framework.key):
        raise UserFileError(f"its inputs are tensors of {other}", f"leave out --framework {framework.key}")
    with blamed(""):
        subject = framework.subject(target.call, positional, keywords, names, target.origin, request.seed, wrt)
    if told := nothing_differentiable(subject):
        raise NothingToDifferentiateError(told)
    return subject


def _is_finite(subject: Subject) -> bool:
    """Whether its outputs are; one that fails when it is called again is no matter of its numbers."""
    try:
        with blamed(""):
            return all(bool(np.isfinite(output).all()) for output in subject.outputs(subject.point))
    except UserFileError:
        return True


def _refusal(
    target: Target, request: CallableRequest, refused: Sequence[tuple[str, UserFileError]], *, given: bool
) -> UserFileError:
    """One message about all that was tried, with what each raised."""
    name, (found_how, first) = target.origin.name, refused[0]
    by_text: dict[str, str] = {}
    for told, error in refused:
        by_text.setdefault(error.message.removeprefix(": "), told.removeprefix("drawn: "))
    texts = list(by_text)
    if given:
        verb = "can't be differentiated on" if isinstance(first, NothingToDifferentiateError) else "fails on"
        return UserFileError(
            f"{name} {verb} {found_how}: {texts[0]}", first.hint, first.detail, cause=first.cause, source=first.source
        )
    remedied = remedy(target, request)
    empty = next((error for _, error in refused if isinstance(error, NothingToDifferentiateError)), None)
    if empty is not None:
        return NothingToDifferentiateError(f"{name}: {empty.message}", remedied)
    if len(texts) == 1:
        told = f"{name} fails on every input that was tried ({len(refused)}): {texts[0]}"
        return UserFileError(told, first.hint or remedied, first.detail, cause=first.cause, source=first.source)
    lines = [f"{told}: {text}" for text, told in by_text.items()]
    more = f"; and {len(lines) - SEVERAL} more" if len(lines) > SEVERAL else ""
    told = f"no inputs were found that {name} takes: {'; '.join(lines[:SEVERAL])}{more}"
    return UserFileError(told, remedied, "\n".join(lines))


def _chosen(target: Target, subject: Subject, wrt: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names of ``wrt`` as the subject knows them: of a list all its tensors."""
    found: list[str] = []
    for name in wrt:
        slots = [slot for slot in subject.inputs if slot.name == name or slot.name.startswith(f"{name}[")]
        if not slots:
            there = [slot.name for slot in subject.inputs]
            why = "is no tensor here" if name in known else "is no input of it"
            raise UserFileError(f"{target.origin.name}: {name} {why}", f"its tensors are {', '.join(there)}")
        if not any(slot.differentiated for slot in slots):
            raise UserFileError(
                f"{target.origin.name}: {name} is {slots[0].dtype}, and has no gradient",
                f"its gradient is by {', '.join(subject.point)}",
            )
        found += [slot.name for slot in slots if slot.differentiated]
    return found
