"""Programs of a corpus of causes: their text, their files on the disk, and the line that each marks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["HEAD", "Case", "marked", "written"]

HERE = "# <- here"
HEAD = """\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
"""
END = "loss.backward()\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A program that runs one backward pass, and the ``kind`` of its fault.

    The guilty line is marked; ``healthy`` takes its place in the twin. Further files begin with ``# file NAME``.
    """

    name: str
    kind: str
    text: str
    healthy: str
    phase: str = "forward"
    fate: str = "nan"

    def program(self) -> str:
        """The faulty program."""
        return HEAD + self.text.lstrip("\n") + END

    def twin(self) -> str:
        """The healthy one."""
        lines = self.program().splitlines()
        at = next(index for index, line in enumerate(lines) if line.endswith(HERE))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines[at] = indent + self.healthy
        return "\n".join(lines) + "\n"


def written(text: str, folder: Path) -> Path:
    """The files of the program; a line ``# file NAME`` begins another, and ``# end`` goes back to the first."""
    files: dict[str, list[str]] = {"main.py": []}
    name = "main.py"
    for line in text.splitlines():
        if line.startswith("# file "):
            name = line.removeprefix("# file ")
            files[name] = []
        elif line == "# end":
            name = "main.py"
        else:
            files[name].append(line)
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder / "main.py"


def marked(folder: Path) -> str:
    """The line that is to be found, as ``main.py:12``."""
    for file in sorted(folder.glob("*.py")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if line.endswith(HERE):
                return f"{file.name}:{number}"
    raise ValueError("no line is marked")
