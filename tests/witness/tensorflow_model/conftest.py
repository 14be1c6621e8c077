"""One warm worker for models of TensorFlow, asked about files that a test writes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradtool.evidence import Failure, ModelEvidence, ModelRequest, Progress
from gradtool.witness.host import MODEL_WITNESSES, Host


@pytest.fixture(scope="session")
def models() -> Iterator[Host]:
    with Host(["tensorflow"], timeout=200, registry=MODEL_WITNESSES) as witnesses:
        yield witnesses


class File:
    """A user's file in a folder of its own, and what the worker says about it."""

    def __init__(self, models: Host, folder: Path) -> None:
        self.models, self.folder = models, folder

    def answer(self, text: str, **request: Any) -> Any:
        path = self.folder / "model.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        asked = ModelRequest(0, str(path), framework="tensorflow", **request)
        (records,) = self.models.ask("tensorflow", [asked])
        (record,) = [record for record in records if not isinstance(record, Progress)]
        return record

    def evidence(self, text: str, **request: Any) -> ModelEvidence:
        record = self.answer(text, **request)
        assert isinstance(record, ModelEvidence), f"{record.message}\n{record.hint}\n{record.detail}"
        return record

    def failure(self, text: str, **request: Any) -> Failure:
        record = self.answer(text, **request)
        assert isinstance(record, Failure), record
        return record

    def wrote(self) -> Any:
        """What the file itself wrote down while it ran: its own gradients, by a tape of its own."""
        return json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture
def file(models: Host, tmp_path: Path) -> File:
    return File(models, tmp_path)


TRUTH = """
def truth(loss_of, variables):
    import json
    import tensorflow as tf
    with tf.GradientTape() as tape:
        loss = loss_of()
    found = [None if g is None else tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]
    norms = [None if g is None else float(tf.norm(tf.cast(g, tf.float64))) for g in found]
    whole = float(tf.linalg.global_norm([g for g in found if g is not None]))
    told = {"loss": float(loss), "norms": norms, "global": whole, "clipped": float(tf.linalg.global_norm(
        tf.clip_by_global_norm(found, 0.01)[0])) if None not in found else None}
    with open("truth.json", "w") as out:
        json.dump(told, out)
"""


@pytest.fixture
def truth() -> str:
    """The text of truth(loss_of, variables): a hand-written tape, to be put before a file."""
    return TRUTH
