"""Where a gradient is lost at several lines of TensorFlow each is told: none is a surprise behind the first."""

from __future__ import annotations

import pytest
from corpus.causes_none_tensorflow import SHARED
from corpus.several_cuts_tensorflow import SCRIPTS, SEVERAL
from several_cuts import healed, lines_of, marked
from user_file import File

from gradtool.evidence import Cause


def causes_of(file: File, name: str, most: int | None = None) -> list[Cause]:
    """Of the program with its first ``most`` lines mended, if that is given; 0 stands for all."""
    text = SHARED + (SEVERAL[name] if most is None else healed(SEVERAL[name], most))
    script = name in SCRIPTS
    return file.evidence(text, script=script, find=["none", "cut"] if script else []).causes


@pytest.mark.parametrize("name", SEVERAL)
def test_each_line_is_told_with_its_class(name: str, file: File) -> None:
    (cause,) = causes_of(file, name)
    assert lines_of(cause) == set(marked(SHARED + SEVERAL[name], "model.py"))
    assert all(cut.line.text for cut in cause.further)


@pytest.mark.parametrize("name", SEVERAL)
def test_who_mends_the_first_meets_the_others_and_nothing_new(name: str, file: File) -> None:
    told = {line[1:] for cause in causes_of(file, name, 1) for line in lines_of(cause)}
    assert told == {line[1:] for line in marked(SHARED + healed(SEVERAL[name], 1), "model.py")}


@pytest.mark.parametrize("name", SEVERAL)
def test_with_all_of_them_mended_it_is_quiet(name: str, file: File) -> None:
    assert causes_of(file, name, 0) == []
