"""Where PyTorch's first NaN or infinity is born: every operation of a pass is dispatched through here.

One sum is taken of each output that may not be finite; only where the sum is not is more looked at.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gradtool.evidence import Cause
from gradtool.witness.causes.births import Births, Target
from gradtool.witness.causes.lines import NOWHERE, Spot, spot
from gradtool.witness.causes.operands import FINITE, Call, Given
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.pytorch.causes.eager import eagerly
from gradtool.witness.pytorch.causes.levels import KEEPING, Levels, level
from gradtool.witness.pytorch.causes.node_lines import NodeLines, operation_of, user_spot_in_backward
from gradtool.witness.pytorch.causes.numbers import tensors_in
from gradtool.witness.pytorch.causes.tensors import (
    dtype_of,
    given_of,
    has_level,
    is_whole,
    key_of,
    operands_of,
)
from gradtool.witness.pytorch.causes.words import ARRANGED, SILENT, word_of
from gradtool.witness.pytorch.model.parameters import Named

__all__ = ["BirthFinder"]

REFILLED = frozenset(("copy", "zero", "fill", "normal", "uniform", "bernoulli", "random", "exponential"))
"""Operations in place that do not read what they overwrite."""
NOT_AGAIN = (
    "run again to find where the first number is born that is not finite, the loss and every gradient were finite: "
    "what happens there is not the same each time"
)
ARITHMETIC = frozenset(
    (
        "add", "sub", "mul", "div", "pow", "remainder", "fmod", "clamp", "where", "xlogy", "lerp", "fill", "full",
        "full_like", "new_full", "scalar_tensor", "masked_fill", "index_fill", "constant_pad_nd",
    )
)  # fmt: skip
"""Operations whose plain numbers are operands, and no axes or options."""


class BirthFinder(TorchDispatchMode):  # type: ignore[misc]  # PyTorch is not typed here
    """A context around the forward and the backward pass; ``told`` says afterwards what was born where.

    It sees what the thread does that entered it, and the backward passes that this thread starts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.births = Births()
        self.notes: list[str] = []
        self._lines = NodeLines()
        self._losses: list[Target] = []
        self._levels = Levels()
        self._open = ExitStack()

    def __enter__(self) -> BirthFinder:
        with ExitStack() as stack:
            stack.enter_context(eagerly(self.notes))
            super().__enter__()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._open.close()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, what is computed is none of the program's."""
        with torch._C._DisableTorchDispatch():  # noqa: SLF001
            yield

    def clear(self) -> None:
        """A new iteration begins; what was born before may live on in the weights."""
        self._losses = []

    def before(self, tensors: Sequence[torch.Tensor]) -> None:
        """A backward pass from these is about to begin."""
        with torch._C._DisableTorchDispatch():  # noqa: SLF001
            self._losses += [Target("", key_of(one), level(one.detach())) for one in tensors if has_level(one)]

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every operation passes here, in the forward and in the backward pass."""
        kwargs = kwargs or {}
        node = torch._C._current_autograd_node()  # noqa: SLF001  # None while nothing goes backward
        frame = sys._getframe(1)  # noqa: SLF001  # the documented way to a caller
        place = spot(frame) if node is None else NOWHERE
        if node is None or torch.is_grad_enabled():
            if node is not None:
                place = self._place(node, frame)[0]
            self._lines.note(place)
        kind = _kind(function)
        if kind.silent:
            return function(*args, **kwargs)
        before = args
        if kind.in_place and args and isinstance(args[0], torch.Tensor):
            before = args[1:]
            if kind.reads:
                before = (args[0] if kind.word in KEEPING else args[0].clone(), *before)
        output = function(*args, **kwargs)
        outputs = [tensor for tensor in tensors_in(output) if has_level(tensor)]
        if outputs:
            self._seen(_Ran(kind, node, frame, place, before, args, kwargs), outputs)
        return output

    def _seen(self, ran: _Ran, outputs: Sequence[torch.Tensor]) -> None:
        given = [
            one for one in (*ran.args, *ran.kwargs.values()) if isinstance(one, torch.Tensor | float | list | tuple)
        ]
        tensors = [tensor for tensor in tensors_in(given) if has_level(tensor)]
        read = [tensor for tensor in tensors_in((*ran.before, *ran.kwargs.values())) if has_level(tensor)]
        levels = self._levels.made(ran.kind.word, read, outputs)
        numbers = [one for one in given if isinstance(one, float)] if ran.kind.word in ARITHMETIC else []
        if any(levels):
            self._bad(ran, outputs, levels)
        else:
            inputs = [key_of(tensor) for tensor in tensors]
            if ran.kind.in_place:
                outputs = [tensor for tensor in outputs if is_whole(tensor)]
            of = "" if ran.node is None else operation_of(ran.node)
            phase = "forward" if ran.node is None else "backward"
            first = outputs[0] if outputs else None
            self.births.good(
                ran.kind.word,
                inputs,
                [key_of(tensor) for tensor in outputs],
                phase=phase,
                of=of,
                numbers=numbers,
                dtype="" if first is None else dtype_of(first),
            )

    def _bad(self, ran: _Ran, outputs: Sequence[torch.Tensor], levels: Sequence[int]) -> None:
        phase, place, of = "forward", ran.place, ""
        if ran.node is not None:
            place, phase = self._place(ran.node, ran.frame)
            of = operation_of(ran.node) if phase == "backward" else ""
        taken = list(ran.before)
        if ran.kind.order and len(taken) >= len(ran.kind.order):
            taken[: len(ran.kind.order)] = [taken[index] for index in ran.kind.order]
        inputs = self._inputs(ran, taken, self._levels.of)
        if max(levels) > max((one.level for one in inputs), default=FINITE):  # a birth: nothing is taken for granted
            inputs = self._inputs(ran, taken, lambda tensor: level(tensor) if has_level(tensor) else FINITE)
        made = [given_of(tensor, bad) for tensor, bad in zip(outputs, levels, strict=True)]
        partial = ran.kind.in_place and not all(map(is_whole, outputs))
        self.births.bad(Call(ran.kind.word, place, inputs, made, phase, of, partial=partial))

    def _inputs(self, ran: _Ran, taken: Sequence[Any], bad: Callable[[torch.Tensor], int]) -> list[Given]:
        """The operands, in mathematical order, each as ``bad`` as that says."""
        plain = ran.kind.word in ARITHMETIC
        inputs = [given for one in (*taken, *ran.kwargs.values()) for given in operands_of(one, bad, plain=plain)]
        if ran.kind.in_place and ran.kind.reads and isinstance(ran.args[0], torch.Tensor):
            inputs[0].key = key_of(ran.args[0])  # its copy has the history of what was overwritten
        return inputs

    def _place(self, node: Any, frame: Any) -> tuple[Spot, str]:
        """The line and the phase of an operation inside of a backward pass."""
        own = user_spot_in_backward(frame)
        if own is not None:  # a checkpoint computes again with gradients on; a custom Function's backward has them off
            return own, "forward" if torch.is_grad_enabled() else "backward"
        return self._lines.at(node), "backward"

    # ---- what is told afterwards

    def told(self, rows: Sequence[Named], _loss: Any, _asked: Wanted) -> list[Cause]:
        """The births behind the losses that were gone backward from, or else behind the gradients of ``rows``."""
        targets = list(self._losses)
        with torch._C._DisableTorchDispatch():  # noqa: SLF001
            for row in rows:
                self.births.is_weight(key_of(row.tensor), row.name)
                gradient = row.tensor.grad
                if gradient is not None and (bad := level(gradient)):
                    targets.append(Target(row.name, key_of(gradient), bad))
        if not any(target.level for target in targets):
            self.notes.append(NOT_AGAIN)
        return self.births.causes(targets)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is known of an operation by its name and schema."""

    word: str
    silent: bool
    in_place: bool
    reads: bool
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Ran:
    """An operation as it ran; ``before`` are its arguments with a copy of what it overwrites."""

    kind: _Kind
    node: Any
    frame: Any
    place: Spot
    before: Sequence[Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]


@functools.cache
def _kind(function: Any) -> _Kind:
    schema = function._schema  # noqa: SLF001  # has no public name
    name = schema.name.rpartition("::")[2]
    aliases = [returned.alias_info for returned in schema.returns]
    view = any(alias is not None and not alias.is_write for alias in aliases)
    word = word_of(name)
    silent = view or word in SILENT or name.strip("_") in SILENT
    return _Kind(word, silent, schema.is_mutable, word not in REFILLED, ARRANGED.get(name.strip("_"), ()))
