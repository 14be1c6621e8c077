"""The tensors that a model returns, by their keys: those of mappings, else their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["keyed"]


def keyed(output: Any, is_tensor: Callable[[Any], bool], key: str = "") -> Iterator[tuple[str, Any]]:
    """(key, tensor) of everything in nested tuples, lists, mappings and records, in its order; one alone has no key."""
    if is_tensor(output):
        yield key, output
        return
    if isinstance(output, Mapping):
        parts = list(output.items())
    elif isinstance(output, list | tuple):
        parts = list(enumerate(output))
    elif hasattr(output, "__dict__") and not isinstance(output, type) and not hasattr(output, "shape"):
        parts = list(vars(output).items())
    else:
        return
    for name, part in parts:
        yield from keyed(part, is_tensor, f"{key}.{name}" if key else str(name))
