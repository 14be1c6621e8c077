"""What is remembered of tensors whose numbers are finite, because it explains what goes wrong with them later."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

from gradtool.target.dtype import FORMATS
from gradtool.witness.causes.operands import Call, Given

__all__ = ["Marks"]

SELECTING = frozenset(
    (
        "where", "masked_fill", "masked_select", "masked_scatter", "index", "index_select", "gather", "select", "slice",
        "maximum", "minimum", "max", "min", "amax", "amin", "topk", "sort", "median", "kthvalue",
    )
)  # fmt: skip
"""Operations whose slope is exactly 0 for what they did not take."""

MARKING: Mapping[str, str] = {"std": "std", "var": "std", "var_mean": "std", "std_mean": "std", "norm": "norm"}
"""Operations whose output is remembered, since a division by it is a kind of its own."""

PASSING = frozenset(("sqrt", "neg", "abs", "copy", "view", "add", "sub", "clamp"))
"""Operations through which a mark goes on; and so does the product with a plain number."""


class Marks:
    """By the memory that holds a tensor: words, each with a clause for people, which may be empty.

    ``epsilon`` is on what a number was added to that is lost beside 1, ``std`` and ``norm`` on deviations and norms,
    and ``selected`` on gradients that are 0 for what was not selected.
    """

    def __init__(self) -> None:
        self._of: dict[Hashable, dict[str, str]] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._of

    def of(self, given: Given) -> Mapping[str, str]:
        """Those of an operand."""
        return self._of.get(given.key, {})

    def good(
        self,
        operation: str,
        inputs: Collection[Hashable],
        outputs: Iterable[Hashable],
        phase: str,
        of: str,
        numbers: Sequence[float],
        dtype: str,
    ) -> None:
        """Mark the outputs of an operation, which are finite; ``numbers`` are the plain ones among its operands."""
        marks = self._passed(operation, inputs, phase, of, numbers=bool(numbers))
        if phase != "backward":
            if operation in MARKING:
                marks[MARKING[operation]] = ""
            if numbers and (lost := _epsilon_lost(operation, numbers, dtype)):
                marks["epsilon"] = lost
        for key in outputs:
            if marks:
                self._of[key] = marks
            elif key not in inputs:
                self._of.pop(key, None)

    def bad(self, call: Call) -> None:
        """Mark the outputs of an operation that are not all finite."""
        keys = [given.key for given in call.inputs]
        if marks := self._passed(call.operation, keys, call.phase, call.of, numbers=None in keys):
            self._of.update({given.key: marks for given in call.outputs})

    def _passed(
        self, operation: str, inputs: Iterable[Hashable], phase: str, of: str, *, numbers: bool
    ) -> dict[str, str]:
        """The marks of the outputs that those of the inputs leave, and that of the slope of a selection."""
        found: dict[str, str] = {}
        if self._of:
            passing = operation in PASSING or (operation == "mul" and numbers)
            found = {
                mark: told
                for key in inputs
                for mark, told in self._of.get(key, {}).items()
                if passing or (mark == "selected" and phase == "backward")
            }
        if phase == "backward" and of in SELECTING:
            found["selected"] = ""
        return found


def _epsilon_lost(operation: str, numbers: Iterable[float], dtype: str) -> str:
    """What to tell of a number that is too small to change 1, where it is added or bounds; empty if none is."""
    if operation not in {"add", "sub", "clamp"} or dtype not in FORMATS:
        return ""
    form = FORMATS[dtype]
    for value in numbers:
        if 0 < abs(value) <= form.smallest / 2:
            return f"{value:.1g} is 0 in {dtype}"
        sizes = (abs(value - 1),) if operation == "clamp" else (abs(value), abs(value - 1))
        for size in sizes:
            if 0 < size <= form.unit:
                return f"{size:.1g} is lost beside 1 in {dtype}, whose next number is {1 + 2 * form.unit:.8g}"
    return ""
