"""What discovery has to know of a framework: what its callables are, and how its tensors are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gradtool.witness.callable.signature import Argument
from gradtool.witness.callable.subject import Origin, Subject

__all__ = ["Framework", "Kind", "never"]


def never(_: Any) -> bool:
    """For a kind that has no classes."""
    return False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of callables: what it is called, what belongs to it, what of it is called, and what that takes.

    Of a class in ``is_class`` an object is made first. ``plain`` functions are looked at only where they take a tensor.
    """

    title: str
    fits: Callable[[Any], bool]
    call: Callable[[Any], Any]
    arguments: Callable[[Any], list[Argument] | None]
    is_class: Callable[[Any], bool] = never
    plain: bool = False


class Framework(Protocol):
    """A framework's room, for one request: its device is that of the request."""

    key: str
    """``torch`` or ``tensorflow``."""
    kinds: Sequence[Kind]
    """The first that fits is taken; the last is that of plain functions."""

    def is_tensor(self, value: Any) -> bool:
        """Whether it is a tensor of the framework."""

    def tensor(self, array: Any, dtype: str) -> Any:
        """A tensor of numbers. Raises UserFileError where there is no such dtype."""

    def fitted(self, tensor: Any, dtype: str) -> Any:
        """A tensor of the file on the device; a floating-point one in ``dtype`` if that is given."""

    def settled(self, call: Any, dtype: str) -> Any:
        """What is called, its parameters on the device and in ``dtype`` if that is given."""

    def dtype_of(self, call: Any) -> str:
        """The dtype of its parameters; empty where it has none."""

    def guesses(self, call: Any, dtype: str) -> Iterator[Any]:
        """Tensors that a module might take, as its layers tell."""

    def subject(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        keywords: Mapping[str, Any],
        names: Sequence[str],
        origin: Origin,
        seed: int = 0,
        wrt: Sequence[str] = (),
    ) -> Subject:
        """The callable as a function of its tensors, once called."""
