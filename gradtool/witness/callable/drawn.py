"""Inputs where nobody gave any: as the layers of a module tell, else along a ladder of shapes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from gradtool.evidence import CallableRequest
from gradtool.witness.callable.framework import Framework
from gradtool.witness.callable.given import Given, remedy
from gradtool.witness.callable.ladder import RANGES, UNIT, Labels, numbers, rungs
from gradtool.witness.callable.signature import Argument
from gradtool.witness.callable.targets import Target
from gradtool.witness.model.user_file import UserFileError

__all__ = ["drawn"]


def drawn(
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
            yield from drawn(target, made, request, framework, dtypes)
        return
    if texts := [one.name for one in needed if one.kind == "text"]:
        raise UserFileError(f"{target.origin.name} needs text: {', '.join(texts)}", remedy(target, request))
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
