"""The programs of tests/corpus/causes_*: what they say of themselves, and how one is run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

MARK = re.compile(r"# <- here: (cut )?(\w+) ([^#\n]*)")

Marks = set[tuple[str, str, str, tuple[str, ...]]]
"""Fate, kind, line, and the names of the parameters."""


def twin_of(text: str, twin: str | tuple[str, str]) -> str:
    """The healthy program: the guilty line is another, or the first text of a pair is the second."""
    if isinstance(twin, tuple):
        assert twin[0] in text
        text = text.replace(*twin)
    else:
        text = re.sub(r"^( *)\S.*# <- here.*$", lambda found: found[1] + twin, text, flags=re.MULTILINE)
    return MARK.sub("", text)


def marks_of(text: str, file: str, names: list[str]) -> Marks:
    """What the marked lines say; of the parameters that begin as they say."""
    found = set()
    for number, line in enumerate(text.splitlines(), 1):
        if mark := MARK.search(line):
            own = tuple(name for name in names if name.startswith(tuple(mark[3].split())))
            found.add(("cut" if mark[1] else "none", mark[2], f"{file}:{number}", own))
    return found


def functions_used(away: str, text: str) -> str:
    """The text of the other file with the marks of those functions alone that ``text`` calls."""
    parts = re.split(r"(?m)^(?=@|def )", away)
    return "".join(part if _is_used(part, text) else MARK.sub("", part) for part in parts)


def _is_used(part: str, text: str) -> bool:
    name = re.search(r"def (\w+)", part)
    return name is not None and f"away.{name[1]}" in text


def run_file(path: Path) -> dict[str, Any]:
    """The names of a file, as when it is imported; its neighbours can be imported by it."""
    names: dict[str, Any] = {"__name__": path.stem}
    sys.modules.pop("away", None)
    sys.path.insert(0, str(path.parent))
    try:
        exec(compile(path.read_text(), str(path), "exec"), names)  # noqa: S102  # a test's own file
    finally:
        sys.path.remove(str(path.parent))
    return names
