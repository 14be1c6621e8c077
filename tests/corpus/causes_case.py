"""What a case of the corpora of causes is: a short program with one planted fault, and what heals it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MARK = "# <- here"

STEP = """
with tf.GradientTape() as tape:
    value = loss()
gradients = tape.gradient(value, variables)
"""
"""What makes a program of TensorFlow of a case."""


@dataclass(frozen=True)
class Case:
    """A program that gives ``variables`` and ``loss()``, whose gradient goes wrong on the line with the mark.

    ``cure`` is (old, new): the program with the one in the place of the other is healthy. ``files`` are those beside
    it, by name, one of which may have the mark instead.
    """

    name: str
    kind: str
    text: str
    cure: tuple[str, str]
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def healthy(self) -> Case:
        """The twin without the fault."""
        texts = [self.text, *self.files.values()]
        if sum(text.count(self.cure[0]) for text in texts) != 1:
            raise ValueError(f"{self.name}: {self.cure[0]!r} must stand in it once")
        cured = {name: text.replace(*self.cure) for name, text in self.files.items()}
        return Case(self.name, "", self.text.replace(*self.cure), self.cure, cured)

    def line(self) -> str:
        """Where the mark stands: ``model.py:3``."""
        for name, text in {"model.py": self.text, **self.files}.items():
            for number, line in enumerate(text.splitlines(), 1):
                if line.rstrip().endswith(MARK):
                    return f"{name}:{number}"
        raise ValueError(f"{self.name} has no mark")
