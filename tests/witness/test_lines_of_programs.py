"""The line of a cause: the user's own, and what is left of it where the code lies in no file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gradtool.evidence import CodeLine
from gradtool.report.causes import excerpt
from gradtool.witness.causes.lines import code_line, spot

PROGRAM = """
def inner(seen):
    return seen()

def outer(seen):
    return inner(seen)
"""


def seen_in(filename: str) -> CodeLine:
    """The line of a call that is made by code of this name."""
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, filename, "exec"), names)  # noqa: S102  # our own text
    found: CodeLine = names["outer"](lambda: code_line(spot(sys._getframe(1))))
    return found


def test_code_of_a_file_has_its_line_and_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.py").write_text(PROGRAM)
    line = seen_in(str(tmp_path / "program.py"))
    assert line == CodeLine("program.py:3", "return seen()", "inner")
    assert excerpt(line) == "program.py:3, inner:  return seen()"


def test_code_made_up_on_the_fly_is_passed_over_for_the_file_that_calls_it() -> None:
    line = seen_in("<made up>")
    assert line.source.partition(":")[0].endswith("test_lines_of_programs.py")
    assert line.function == "seen_in"


def test_typed_code_has_its_function_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtool.witness.causes.lines.user_frame", lambda _: None)  # as where nothing lies in a file
    for name in ("<stdin>", "<string>", "<ipython-input-3-4f5e>"):
        line = seen_in(name)
        assert line == CodeLine(function="inner")
        assert excerpt(line) == "in inner"
