"""What any request may also be answered with: that there is no evidence, or how far the work has come."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Failure", "Progress"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A witness that gave no evidence: ``reason`` is a code, ``message`` and ``hint`` are for people.

    ``target`` names the one of several targets that it is about; empty where it is about all.
    """

    key: int
    witness: str
    reason: str
    message: str
    hint: str = ""
    detail: str = field(default="", compare=False)
    target: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long answer has come: ``doing`` is for people, ``total`` 0 where the end is not known.

    ``target`` names the one of several targets that is at work.
    """

    key: int
    doing: str
    done: int = 0
    total: int = 0
    target: str = ""
