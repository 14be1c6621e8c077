"""The command line that repeats a run, for the record."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol

__all__ = ["repeating"]


class Settings(Protocol):
    """A dataclass whose fields have defaults, and the names of options."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


_FLAGS = {"rate": "--lr", "inputs": "--input", "timeout": ""}
"""Settings whose option has another name, or none that changes the result."""


def repeating(words: Sequence[str], settings: Settings) -> str:
    """``gradtool``, the words, and an option for each setting that is not as usual; a file's own command line last."""
    told, own = ["gradtool", *words], list[str]()
    for field in fields(settings):
        value, flag = getattr(settings, field.name), _FLAGS.get(field.name, f"--{field.name}")
        if value == field.default or not flag:
            continue
        if field.name == "arguments":
            own = ["--", *value]
        elif value is True:
            told.append(flag)
        else:
            told += [part for one in (value if isinstance(value, tuple) else (value,)) for part in (flag, str(one))]
    return shlex.join([*told, *own])
