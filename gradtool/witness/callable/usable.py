"""Whether there is anything to check: what a callable takes and returns, in words where it is of no use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gradtool.values import Shape, shape_text
from gradtool.witness.callable.subject import Subject

__all__ = ["misfit", "notes", "nothing_differentiable", "stranger", "unbounded"]

FRAMEWORKS: Mapping[str, tuple[str, str]] = {
    "torch": ("torch", "PyTorch"),
    "tensorflow": ("tensorflow", "TensorFlow"),
    "keras": ("tensorflow", "Keras"),
}
"""By the package of a tensor: the framework that it is checked with, and its name for people."""


_NAMED = 4
"""So many names are listed."""
_WRITTEN = 40
"""Characters of a value that is written out."""


def nothing_differentiable(subject: Subject) -> str:
    """Why no gradient can be asked for; empty where one can."""
    if not subject.point:
        return "; ".join(_empty(subject)) or "there is no floating-point tensor among the inputs"
    found = [slot for slot in subject.results if slot.differentiated]
    if not found:
        kinds = ", ".join(slot.dtype for slot in subject.results)
        return f"it returned {f'only {kinds}' if kinds else 'no tensor'}, nothing that has a gradient"
    if all(0 in slot.shape for slot in found):
        return "it returned 0 entries, nothing that has a gradient"
    return ""


def notes(subject: Subject) -> list[str]:
    """A sentence for each input without entries, one on other arguments, and one on state that is held."""
    others = [f"{name} = {_plain(value)}" for name, value in subject.fixed.items()]
    fixed = [f"{_listed(others)} {'are passed as they are' if len(others) > 1 else 'is passed as it is'}"]
    told = "is held as in the first call: the gradient takes it for a constant"
    held = [f"what the forward pass writes to {_listed(subject.held)} {told}"] if subject.held else []
    return _empty(subject) + fixed * bool(others) + held


def _plain(value: object) -> str:
    """A number or a short text as it is written; of anything else what it is."""
    written = repr(value) if isinstance(value, bool | int | float | complex | str | None) else ""
    kind = type(value).__name__
    return written if 0 < len(written) <= _WRITTEN else f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def _listed(names: Sequence[str]) -> str:
    """The first few of some names."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _empty(subject: Subject) -> list[str]:
    return [f"there is nothing to differentiate by in {slot.name} (0 entries)" for slot in subject.inputs
            if 0 in slot.shape]  # fmt: skip


def unbounded(subject: Subject) -> str:
    """Which input is NaN or infinite somewhere, where no function has a derivative; empty where none is."""
    for name, array in subject.point.items():
        for what, there in (("NaN", np.isnan(array)), ("Inf", np.isinf(array))):
            if np.any(there):
                return f"{name} holds {what} ({np.count_nonzero(there)} of {array.size} entries)"
    return ""


def misfit(upstream: Shape, subject: Subject) -> str:
    """Why an upstream gradient of this shape doesn't fit the outputs; empty where it does."""
    shapes = [slot.shape for slot in subject.results if slot.differentiated]
    if shapes == [upstream]:
        return ""
    told = " and ".join(_shape(shape) for shape in shapes)
    outputs = "output has" if len(shapes) == 1 else f"{len(shapes)} outputs have"
    return f"the upstream gradient has {_shape(upstream)}, the {outputs} {told}"


def _shape(shape: Shape) -> str:
    return f"shape {shape_text(shape)}" if shape else "no axes (one number)"


def stranger(values: Iterable[Any], framework: str) -> str:
    """The framework, for people, of the first tensor that belongs to another than ``framework``; empty for none."""
    for value in values:
        key, title = FRAMEWORKS.get(type(value).__module__.partition(".")[0], ("", ""))
        if key not in ("", framework) and hasattr(value, "shape"):
            return title
    return ""
