"""What a case of the corpus of callables is. The cases stand in callables_torch.py and callables_tensorflow.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DUTIES = (
    "upstream_ignored", "none", "cut_off", "shape", "dtype", "nondeterministic", "modifies_input", "modifies_upstream",
    "state", "second_order", "second_order_cut", "forward_mode", "batched",
)  # fmt: skip
"""What a backward pass owes beside right numbers."""


@dataclass(frozen=True)
class Case:
    """A function of tensors with its inputs, right or with one planted fault.

    ``build`` makes the function and its inputs, by name or in order. ``plain`` makes a right one, whose gradient the
    framework's own rules give; None where the self-test knows the gradient otherwise, or where only a duty is broken.
    ``where`` is what should be named: an input (``x``), an entry (``x[17]``, ``A[0,2]``) or the duty that is broken.
    ``factor`` is set where the whole gradient by that input is that many times the true one. ``elsewhere`` are inputs
    at which the fault shows, where those of ``build`` hide it. ``note`` says why no test could see the fault.
    """

    name: str
    build: Callable[[], tuple[Callable[..., Any], Mapping[str, Any] | tuple[Any, ...]]]
    plain: Callable[[], Callable[..., Any]] | None = None
    dtype: str = "float64"
    fault: str = ""
    where: str = ""
    factor: float | None = None
    order: int = 1
    elsewhere: Callable[[], Mapping[str, Any]] | None = None
    note: str = ""


def registry(cases: dict[str, Case]) -> Callable[..., Callable[..., Any]]:
    """A decorator that makes a case of a function without arguments, under its name, and puts it into ``cases``."""

    def case(**told: Any) -> Callable[..., Any]:
        def register(build: Callable[..., Any]) -> Callable[..., Any]:
            cases[build.__name__] = Case(build.__name__, build, **told)
            return build

        return register

    return case
