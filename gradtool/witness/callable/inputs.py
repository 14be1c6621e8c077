"""The inputs of a target: those of ``--at``, else those that the file gives, else drawn until a call is accepted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gradtool.evidence import CallableRequest
from gradtool.values import Value, flat, shape_of
from gradtool.witness.callable.framework import Framework
from gradtool.witness.callable.ladder import RANGES, UNIT, Labels, numbers, rungs
from gradtool.witness.callable.signature import Argument, bound, missing
from gradtool.witness.callable.structure import filled, leaves
from gradtool.witness.callable.subject import Subject
from gradtool.witness.callable.targets import INPUTS, Target
from gradtool.witness.model.user_file import UserFileError, blamed

__all__ = ["NothingToDifferentiateError", "subject_for"]

SEVERAL = 3
"""Different refusals that are quoted."""


class NothingToDifferentiateError(UserFileError):
    """Every call that succeeded gave nothing with a gradient: it is no function of tensors."""


@dataclass(frozen=True, slots=True)
class Given:
    """Values by the names of the arguments, and in words what they are, or where they come from.

    ``again`` are the same in other ranges of numbers, should the callable not be defined on these.
    """

    values: dict[str, Any]
    told: str
    again: Sequence[Callable[[], dict[str, Any]]] = ()


def subject_for(
    target: Target, names: Mapping[str, Any], request: CallableRequest, framework: Framework
) -> tuple[Subject, str]:
    """The target called once with inputs that it takes, and how they were found.

    Raises UserFileError where it takes none of those that were given or tried, and for unknown names.
    """
    call = framework.settled(target.call, request.dtype)
    target = replace(target, call=call)
    dtype = request.dtype or framework.dtype_of(call)
    own = _of_file(target, names, request, framework)
    if request.at or own is not None:
        tries = list(_with_at(target, own, request, framework, [dtype] if dtype else ["float64", "float32"]))
        known = list(tries[0].values)
    else:
        arguments = target.arguments
        needed = None if arguments is None else [one for one in arguments if one.required]
        known = [one.name for one in arguments or []]
        tries = list(_drawn(target, needed, request, framework, [dtype] if dtype else ["float64", "float32"]))
    subject, told, given = _accepted(target, tries, request, framework, given=bool(request.at or own is not None))
    if request.wrt:
        chosen = _chosen(target, subject, request.wrt, known)
        subject = _called(target, given, request, framework, chosen)
    return subject, told


# ---- what was given


def _of_file(target: Target, names: Mapping[str, Any], request: CallableRequest, framework: Framework) -> Given | None:
    """``NAME_inputs``, else ``gradtool_inputs``, with tensors on the device and in the dtype asked for."""
    name, file = target.origin.name, Path(request.path).name
    own = f"{name.replace('.', '_')}_inputs"
    source = next((one for one in (own, INPUTS) if one in names), "")
    if not source:
        return None
    value = _value_of(names[source], source, file, framework)
    if source == INPUTS and isinstance(value, Mapping) and not _is_by_argument(value, target):
        if name not in value:
            return None
        source = f"{INPUTS}[{name!r}]"
        value = _value_of(value[name], source, file, framework)
    values = _spread(value, target, f"{file}'s {source}")
    if values is None:
        if source == INPUTS and not request.name:  # made for another target of the file
            return None
        taken = ", ".join(one.name for one in target.arguments or [])
        raise UserFileError(
            f"{file}'s {source} holds {len(value)} inputs, and {name} takes {len(target.arguments or [])}: {taken}",
            f"give {name} inputs of its own: {own} = (...)",
        )

    def placed(leaf: Any) -> Any:
        if framework.is_tensor(leaf):
            return framework.fitted(leaf, request.dtype)
        if isinstance(leaf, np.ndarray):
            floating = leaf.dtype.kind == "f" and request.dtype
            return framework.tensor(leaf, request.dtype if floating else leaf.dtype.name)
        return leaf

    values = {key: filled(part, (placed(leaf) for _, leaf in leaves(part))) for key, part in values.items()}
    return Given(values, f"{file}'s {source}")


def _value_of(value: Any, source: str, file: str, framework: Framework) -> Any:
    if callable(value) and not framework.is_tensor(value):
        with blamed(f"{source}() in {file} failed"):
            return value()
    return value


def _is_by_argument(value: Mapping[str, Any], target: Target) -> bool:
    return bool(value) and set(value) <= {one.name for one in target.arguments or []}


def _spread(value: Any, target: Target, source: str) -> dict[str, Any] | None:
    """The values by argument; None where there are more of them than arguments."""
    arguments = target.arguments
    if isinstance(value, Mapping):
        for key in value:
            _require_known(str(key), target, source)
        return dict(value)
    if arguments and arguments[0].kind == "list" and isinstance(value, list):
        return {arguments[0].name: value}
    parts = list(value) if isinstance(value, tuple | list) else [value]
    if arguments is None:
        return {f"argument {place}": part for place, part in enumerate(parts, 1)}
    if len(parts) > len(arguments) or any(one.required for one in arguments[len(parts) :]):
        return None
    return {one.name: part for one, part in zip(arguments, parts, strict=False)}


def _require_known(name: str, target: Target, source: str) -> None:
    known = [one.name for one in target.arguments or []]
    if name not in known:
        told = f"it takes {', '.join(known)}" if known else "its arguments have no names"
        raise UserFileError(f"{source}: {target.origin.name} has no argument {name}", told)


def _with_at(
    target: Target, own: Given | None, request: CallableRequest, framework: Framework, dtypes: Sequence[str]
) -> Iterator[Given]:
    """What the file gives, overruled by ``--at``; whole numbers once more as integers, should floats be refused."""
    by_name = {one.name: one for one in target.arguments or []}
    for name in request.at:
        _require_known(name, target, "--at")
    base = own.values if own else {}
    told = " and ".join([*(["--at"] if request.at else []), *([own.told] if own else [])])
    if left := missing({**base, **request.at}, target.arguments or []):
        raise UserFileError(
            f"{target.origin.name} needs {', '.join(left)} too",
            "--at " + ",".join(f"{name}=..." for name in [*request.at, *left]),
        )
    whole = [
        name for name, value in request.at.items()
        if by_name[name].kind == "tensor" and all(float(number).is_integer() for number in flat(value))
    ]  # fmt: skip
    some = [group for size in range(min(len(whole), 2) + 1) for group in itertools.combinations(reversed(whole), size)]
    for dtype, integers in itertools.product(dtypes if request.at else dtypes[:1], some):
        typed = {
            name: _typed(value, by_name[name], framework, "int64" if name in integers else dtype)
            for name, value in request.at.items()
        }
        kinds = [*([f"{', '.join(integers)} as int64"] if integers else []), *([dtype] if dtype != "float64" else [])]
        yield Given({**base, **typed}, told + (f" ({', '.join(kinds)})" if kinds and request.at else ""))


def _typed(value: Value, argument: Argument, framework: Framework, dtype: str) -> Any:
    """A number or an array as the argument wants it."""
    if argument.takes_tensors:
        array = np.asarray(list(flat(value)), dtype=np.float64).reshape(shape_of(value))
        tensor = framework.tensor(array, dtype)
        return [tensor] if argument.kind == "list" else tensor
    number = value if isinstance(value, float | int) else None
    match argument.kind:
        case "number" if number is not None:
            return float(number)
        case "flag" if number in (0, 1):
            return bool(number)
        case "integer" if number is not None and float(number).is_integer():
            return int(number)
    wanted = {"number": "one number", "flag": "0 or 1", "integer": "one whole number", "text": "text"}[argument.kind]
    raise UserFileError(f"--at: {argument.name} is {wanted}", "tensors and numbers can be given by --at, text can't")


# ---- what is drawn


def _drawn(
    target: Target,
    needed: Sequence[Argument] | None,
    request: CallableRequest,
    framework: Framework,
    dtypes: Sequence[str],
) -> Iterator[Given]:
    """What the layers of a module tell, then the ladder of shapes, each in every dtype."""
    if needed is None:
        for count in (1, 2, 3):
            made = [Argument(f"argument {place}") for place in range(1, count + 1)]
            yield from _drawn(target, made, request, framework, dtypes)
        return
    if texts := [one.name for one in needed if one.kind == "text"]:
        raise UserFileError(f"{target.origin.name} needs text: {', '.join(texts)}", _remedy(target, request))
    rest: dict[str, Any] = {one.name: _plain(one) for one in needed if not one.takes_tensors}
    tensors = [one for one in needed if one.takes_tensors]
    if len(tensors) == 1 and tensors[0].kind == "tensor":
        for guess in framework.guesses(target.call, dtypes[0]):
            kind = "" if "float" in str(guess.dtype) else " int64"
            yield Given({**rest, tensors[0].name: guess}, f"drawn: {tensors[0].name} {tuple(guess.shape)}{kind}")
    count = len(tensors) + sum(one.kind == "list" for one in tensors)  # a list holds two
    for within, draws, dtype in itertools.product((RANGES[0], UNIT), rungs(count), dtypes):

        def values(within: str, draws: Sequence[Any] = draws, dtype: str = dtype) -> dict[str, Any]:
            arrays = zip(draws, numbers(draws, request.seed, within), strict=True)
            made = (framework.tensor(array, "int64" if isinstance(draw, Labels) else dtype) for draw, array in arrays)
            return rest | {one.name: [next(made), next(made)] if one.kind == "list" else next(made) for one in tensors}

        told = f"drawn: {_shapes(tensors, draws)}" + ("" if dtype == "float64" else f", {dtype}")
        again = [lambda other=other, values=values: values(other) for other in RANGES[1:]]
        yield Given(values(within), told + (" in 0..1" if within == UNIT else ""), again)


def _plain(argument: Argument) -> Any:
    """A number, an integer or a flag for an argument that says that it is one."""
    return {"number": 0.7, "integer": 2, "flag": False}[argument.kind]


def _shapes(tensors: Sequence[Argument], draws: Sequence[Any]) -> str:
    """``x (3,), labels (2,) int64``."""
    names = [
        name for one in tensors for name in ([f"{one.name}[0]", f"{one.name}[1]"] if one.kind == "list" else [one.name])
    ]
    rows = zip(names, draws, strict=True)
    return ", ".join(
        f"{name} {draw.shape} int64" if isinstance(draw, Labels) else f"{name} {draw}" for name, draw in rows
    )


# ---- the first call


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
    with blamed(""):
        subject = framework.subject(target.call, positional, keywords, names, target.origin, request.seed, wrt)
    if not subject.point:
        raise NothingToDifferentiateError("there is no floating-point tensor among the inputs")
    if not any(slot.differentiated for slot in subject.results):
        kinds = ", ".join(slot.dtype for slot in subject.results)
        raise NothingToDifferentiateError(
            f"it returned {f'only {kinds}' if kinds else 'no tensor'}, nothing that has a gradient"
        )
    return subject


def _is_finite(subject: Subject) -> bool:
    with blamed(""):
        return all(bool(np.isfinite(output).all()) for output in subject.outputs(subject.point))


def _refusal(
    target: Target, request: CallableRequest, refused: Sequence[tuple[str, UserFileError]], *, given: bool
) -> UserFileError:
    """One message about all that was tried, with what each raised."""
    by_text: dict[str, list[str]] = {}
    for told, error in refused:
        by_text.setdefault(error.message.removeprefix(": "), []).append(told.removeprefix("drawn: "))
    first = refused[0][1]
    if given:
        texts = "; ".join(
            f"{text} [{' and '.join(told)}]" if len(by_text) > 1 else text for text, told in by_text.items()
        )
        return UserFileError(
            f"{target.origin.name} fails on {refused[0][0]}: {texts}", first.hint, first.detail, cause=first.cause
        )
    name, remedy = target.origin.name, _remedy(target, request)
    empty = next((error for _, error in refused if isinstance(error, NothingToDifferentiateError)), None)
    if empty is not None:
        return NothingToDifferentiateError(f"{name}: {empty.message}", remedy)
    if len(by_text) == 1:
        told = f"{name} fails on every input that was tried ({len(refused)}): {next(iter(by_text))}"
        return UserFileError(told, first.hint or remedy, first.detail, cause=first.cause, source=first.source)
    quoted = [f"{told[0]}: {text}" for text, told in itertools.islice(by_text.items(), SEVERAL)]
    more = len(by_text) - len(quoted)
    texts = "; ".join(quoted) + (f"; and {more} more" if more else "")
    detail = "\n".join(f"{told[0]}: {text}" for text, told in by_text.items())
    return UserFileError(f"no inputs were found that {name} takes: {texts}", remedy, detail)


def _remedy(target: Target, request: CallableRequest) -> str:
    names = [one.name for one in target.arguments or [] if one.required and one.kind != "text"]
    at = f"--at {','.join(f'{name}=...' for name in names)} or " if names else ""
    own = f"{target.origin.name.replace('.', '_')}_inputs"
    return f"give inputs: {at}{own} = (...) in {Path(request.path).name}"


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
