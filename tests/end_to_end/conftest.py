"""Two models in one file, compared by the workers that are kept for the whole session."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradtool.pipeline.compare_models import compare_models
from gradtool.pipeline.pair_sides import Sided
from gradtool.settings import PairSettings
from gradtool.verdict.pairing.record import ModelComparison
from gradtool.witness.host import Host


@pytest.fixture
def compare_pair(workers: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModelComparison]:
    """compare_pair(text, dtype="float32"): what is found on a file that holds both models; nothing is left behind."""
    room = tmp_path / "temporary"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))

    def run(text: str, **settings: Any) -> ModelComparison:
        path = tmp_path / "pair.py"
        path.write_text(text, encoding="utf-8")
        sides = Sided("torch", path, role="torch_model"), Sided("keras", path, role="keras_model")
        record = compare_models("pair.py", sides, PairSettings(**settings), workers)
        assert not list(room.iterdir())
        return record

    return run
