"""Programs of a corpus on the disk, and the line that each marks."""

from __future__ import annotations

from pathlib import Path

__all__ = ["marked", "written"]

HERE = "# <- here"


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
