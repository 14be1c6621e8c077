"""Registries of rogue witnesses for the host; the corpus of callables, differentiated by the frameworks alone."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cases import CORPUS, FRAMEWORKS

from gradtool.witness.host import Witness

HERE = Path(__file__).parent


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Witness]:
    """Two well-meaning names for the rogue, and two modules that can't be imported."""
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # of a clone that is not the installed one
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(tmp_path), *filter(None, known)]))
    (tmp_path / "broken_rogue.py").write_text('raise RuntimeError("no import")\n', encoding="utf-8")
    (tmp_path / "needy_rogue.py").write_text("import a_module_nobody_has\n", encoding="utf-8")
    return {
        "rogue": Witness("rogues", "The rogue"),
        "other": Witness("rogues", "The other"),
        "broken": Witness("broken_rogue", "Broken", "pip install broken"),
        "needy": Witness("needy_rogue", "Needy", "pip install needy"),
        "absent": Witness("there_is_no_such_module", "Absent", "pip install absent"),
    }


@pytest.fixture(params=FRAMEWORKS)
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The cases of a framework, and how that framework differentiates."""
    monkeypatch.setattr(sys, "path", [str(CORPUS), *sys.path])
    cases = importlib.import_module(f"callables_{request.param}").CASES
    return SimpleNamespace(name=request.param, cases=cases, **vars(importlib.import_module(f"derived_{request.param}")))
