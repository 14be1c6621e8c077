"""Every planted cause of a missing gradient is told with its kind and its very line; the healthy twins give none."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from causes_program import Marks, functions_used, marks_of, twin_of
from corpus.causes_none_tensorflow import AWAY, CASES, QUIET, SHARED, Case
from user_file import File

from gradtool.evidence import Cause, ModelEvidence

IDS = [case.name for case in CASES]


def seen(file: File, text: str, *, script: bool) -> ModelEvidence:
    """A program is looked at with the finders on, as in its second run; a model that is run finds them by itself."""
    (file.folder / "away.py").write_text(AWAY)
    return file.evidence(SHARED + text, script=script, find=["none", "cut"] if script else [])


def found(causes: list[Cause]) -> Marks:
    return {(one.fate, one.kind, Path(one.line.source).name, tuple(one.parameters)) for one in causes}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_planted_cause_is_told(case: Case, file: File) -> None:
    evidence = seen(file, case.text, script=case.script)
    names = [parameter.name for parameter in evidence.parameters if parameter.trainable]
    away = functions_used(AWAY, case.text)
    planted = marks_of(SHARED + case.text, "model.py", names) | marks_of(away, "away.py", names)
    if case.nowhere:
        kind, prefix = case.nowhere
        planted.add(("none", kind, "", tuple(name for name in names if name.startswith(prefix))))
    assert planted
    assert found(evidence.causes) == planted
    for cause in evidence.causes:
        assert not cause.line.source or cause.line.text == line(file, cause.line.source)


def line(file: File, source: str) -> str:
    """The text of a line of one of the user's files."""
    name, _, number = source.rpartition(":")
    return (file.folder / Path(name).name).read_text().splitlines()[int(number) - 1].strip()


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_healthy_twin_gives_none(case: Case, file: File) -> None:
    evidence = seen(file, twin_of(case.text, case.twin), script=case.script)
    assert [one for one in evidence.parameters if one.trainable and one.gradient is None] == []
    assert evidence.causes == []


@pytest.mark.parametrize("name", QUIET)
def test_what_loses_no_gradient_is_not_told(name: str, file: File) -> None:
    assert seen(file, QUIET[name], script=False).causes == []


def test_the_corpus_is_large_and_varied() -> None:
    kinds = {mark for case in CASES for _, mark, *_ in marks_of(case.text, "", [])}
    assert len(CASES) >= 40
    assert kinds >= set(
        textwrap.dedent("""stop_gradient numpy float left new_tensor integer comparison argmax nondifferentiable
        outside_tape not_watched frozen recreated assigned dead_branch""").split()
    )
