"""Where TensorFlow's gradients become exactly zero: the gradient of every operation is looked at as it is made."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np

from gradtool.evidence import Cause
from gradtool.witness.causes.deaths import Death
from gradtool.witness.causes.deaths import Deaths as Record
from gradtool.witness.causes.operands import FINITE, Given
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.causes.births import array
from gradtool.witness.tensorflow.causes.history import Operation
from gradtool.witness.tensorflow.causes.passing import Passing
from gradtool.witness.tensorflow.causes.variables import Variables
from gradtool.witness.tensorflow.causes.words import TITLES, VIEWS, slope_word
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["Deaths"]

ALONG: Mapping[str, Callable[[Any], int]] = {
    "softmax": lambda x: x.shape[-1],
    "log_softmax": lambda x: x.shape[-1],
    "batch_norm": lambda x: int(np.prod(x.shape)) // max(x.shape[-1], 1),
}
"""How many numbers an operation runs over, given its input."""
PRODUCTS = ("mul", "matmul", "conv")
SUMS = ("add", "sum", "concat")
CUTS = frozenset({"StopGradient", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "ArgMax"})
"""Operations behind which nothing learns."""


class Deaths(Passing):
    """A context around a forward and a backward pass; ``told`` says afterwards where gradients died.

    The gradients are the nodes of a graph, by TensorFlow's numbers, and so are the operations between them.
    """

    def __init__(self, sources: Sources | None = None, rows: Sequence[Named] = ()) -> None:
        super().__init__(sources)
        self._record = Record()
        self._variables = Variables(rows)
        self._zero: dict[int, bool] = {}
        """Whether each gradient is all zero."""

    def __enter__(self) -> Self:
        self._variables.__enter__()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._variables.__exit__(kind, error, trace)

    # ---- what is seen

    def passed(
        self, operation: Operation, known: Sequence[Any], upstream: Sequence[Any], results: Sequence[Any]
    ) -> None:
        """The gradient of one operation: it dies where one comes in that is not zero, and one leaves that is."""
        coming = [one for one in upstream if one is not None]
        here, name = ("operation", id(operation)), slope_word(operation, self.history)
        self._record.seen(here, name, operation.place)
        self._arrive(here, coming)
        numbers = {_number(one) for one in coming}
        alive = [one for one in coming if not self._is_zero(one)]
        for position, one in enumerate(results):
            if one is None or _number(one) in numbers or _number(one) in self._zero:
                continue  # handed on as it came, or made in a gradient function that was looked at itself
            dead = self._is_zero(one)
            death = self._death(name, operation, (alive[0], one), known, position) if dead and alive else None
            self._made_here(one, name, operation)
            self._record.passed(here, ("gradient", _number(one)), death, zero=dead)

    def ran(
        self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Any], of: Operation | None = None
    ) -> None:
        """Look at what the user's own gradient functions do with a gradient."""
        if operation.backward and (of is None or operation.name == "Identity"):
            self._joined(operation, inputs, outputs)

    def mixed(self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Look at the sum of several contributions to one gradient."""
        self._joined(operation, inputs, outputs)

    def _arrive(self, here: Hashable, coming: Sequence[Any]) -> None:
        for one in coming:
            self._record.passed(("gradient", _number(one)), here, None, zero=self._is_zero(one))

    def _made_here(self, one: Any, name: str, operation: Operation) -> None:
        self._record.seen(("gradient", _number(one)), name, operation.place)

    def _joined(self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """What it makes of gradients is one. A sum that is zero is no death: its summands cancel out."""
        coming = [one for one in inputs if _number(one) in self._zero]
        name = slope_word(operation, self.history)
        alive = [one for one in coming if not self._is_zero(one)]
        for one in outputs if coming else ():
            if not _floats(one):
                continue
            dead = self._is_zero(one)
            self._made_here(one, name, operation)
            if dead and alive and name not in SUMS:
                position = next(place for place, other in enumerate(inputs) if other is alive[0])
                death = self._death(name, operation, (alive[0], one), inputs, position)
                self._record.passed(("gradient", _number(alive[0])), ("gradient", _number(one)), death, zero=True)
            else:
                self._arrive(("gradient", _number(one)), coming)

    def _is_zero(self, one: Any) -> bool:
        number = _number(one)
        if number not in self._zero:
            self._zero[number] = not array(one).any()
        return self._zero[number]

    # ---- what a death is told by

    def _death(
        self, name: str, operation: Operation, passing: tuple[Any, Any], known: Sequence[Any], position: int
    ) -> Death:
        """The operation with what its slope is taken at, and what the gradient of one input is multiplied by.

        ``passing`` are the gradient that arrives and the one that leaves.
        """
        gradient, left = passing
        given = operation.given() or list(known)
        at = next((one for one in [*given[:1], *known] if one is not None), None)
        partner = None
        if name in PRODUCTS and len(given) == 2:
            partner, at = given[1 - position], None
        elif name == "div" and position:
            partner, at = given[0], None
        made = None if partner is None else self.history.made(partner)
        if made is not None and made.name in VIEWS:
            made = self.history.maker(made, VIEWS)
        if made is not None and made.name == "Relu" and self._is_zero(partner):
            at = made.given()[0]
            return Death("relu", made.place, _told(gradient), None if at is None else _told(at))
        along = ALONG[name](at) if name in ALONG and at is not None else None
        factor, constant = None, False
        if partner is not None:
            owner = self._owner(partner)
            constant = owner is None and not self._learns(partner)
            factor = _told(partner, owner)
        return Death(
            name, operation.place, _told(gradient), None if at is None else _told(at), factor, constant, along,
            left.dtype.name,
        )  # fmt: skip

    def _owner(self, tensor: Any) -> int | None:
        """The variable that the tensor was read from."""
        made = self.history.made(tensor)
        if made is None:
            return self._variables.behind(tensor) if tensor.shape.rank else None
        return made.inputs[0] if made.name == "ReadVariableOp" else None

    def _learns(self, tensor: Any) -> bool:
        """Whether a variable that is trained is behind the tensor, on a way on which gradients go."""
        pending, seen, names = [self.history.made(tensor)], set[int](), self._variables.names()
        while pending:
            made = pending.pop()
            if made is None or id(made) in seen or made.name in CUTS:
                continue
            seen.add(id(made))
            if made.name in {"ReadVariableOp", "ResourceGather"} and made.inputs[0] in names:
                return True
            for one, number in zip(made.given(), made.inputs, strict=True):
                inner = self.history.numbered(number)
                if inner is None and one is not None and _floats(one) and self._variables.behind(one) is not None:
                    return True
                pending.append(inner)
        return False

    # ---- what is told

    def told(self, tapes: Sequence[Any], losses: Sequence[Any], rows: Sequence[Named], asked: Wanted) -> list[Cause]:
        """Where the gradients died of those of ``rows`` that are ``asked`` for, since they are all zero."""
        del tapes, losses
        wanted = set(asked.zero)
        own = {row.name: row.tensor for row in rows if row.name in wanted}
        leaves = {name: ("variable", name) for name in own}
        for name, tensor in own.items():
            self._arrive(leaves[name], self.history.gradients(tensor))
        return [_in_users_words(one) for one in self._record.causes(leaves, self._variables.names())]


def _in_users_words(cause: Cause) -> Cause:
    way = [replace(stop, operation=TITLES.get(stop.operation, stop.operation)) for stop in cause.way]
    return replace(cause, operation=TITLES.get(cause.operation, cause.operation), way=way)


def _number(one: Any) -> int:
    return int(one._id)  # noqa: SLF001  # TensorFlow's own number


def _floats(one: Any) -> bool:
    return bool(one.dtype.is_floating or one.dtype.is_complex)


def _told(one: Any, owner: int | None = None) -> Given:
    key = _number(one) if owner is None else owner
    return Given(key, FINITE, functools.partial(array, one), one.dtype.name, tuple(one.shape))
