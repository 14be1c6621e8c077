"""Where a gradient is lost at several lines each is told, so that nobody mends one and is surprised by the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from causes_program import run_file
from corpus.causes_none_torch import SHARED
from corpus.several_cuts_torch import SEVERAL
from several_cuts import healed, lines_of, marked

torch = pytest.importorskip("torch")

from gradtool.evidence import Cause  # noqa: E402
from gradtool.witness.causes.replay import Wanted  # noqa: E402
from gradtool.witness.pytorch.causes.missing import MissingFinder  # noqa: E402
from gradtool.witness.pytorch.model.parameters import named  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True")


def causes_of(folder: Path, text: str) -> list[Cause]:
    file = folder / "case.py"
    file.write_text(SHARED + text)
    names = run_file(file)
    with MissingFinder() as finder:
        loss = names["run"]()
        finder.before([loss])
        loss.backward()
    rows = named({"": names["model"]})
    none = [row.name for row in rows if row.tensor.requires_grad and row.tensor.grad is None]
    return finder.told(rows, loss, Wanted(none, cut=True))


@pytest.mark.parametrize("name", SEVERAL)
def test_each_line_is_told_with_its_class(name: str, tmp_path: Path) -> None:
    (cause,) = causes_of(tmp_path, SEVERAL[name])
    assert lines_of(cause) == set(marked(SHARED + SEVERAL[name], "case.py"))
    assert all(cut.line.text for cut in cause.further)


@pytest.mark.parametrize("name", SEVERAL)
def test_who_mends_the_first_meets_the_others_and_nothing_new(name: str, tmp_path: Path) -> None:
    text = healed(SEVERAL[name], 1)
    told = {line[1:] for cause in causes_of(tmp_path, text) for line in lines_of(cause)}
    assert told == {line[1:] for line in marked(SHARED + text, "case.py")}


@pytest.mark.parametrize("name", SEVERAL)
def test_with_all_of_them_mended_it_is_quiet(name: str, tmp_path: Path) -> None:
    assert causes_of(tmp_path, healed(SEVERAL[name])) == []
