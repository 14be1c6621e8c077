"""A user's model file, written by a test and shown to a warm worker."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradtool.evidence import Failure, ModelEvidence, ModelRequest, Progress
from gradtool.witness.host import Host

__all__ = ["File"]


@dataclass(frozen=True)
class File:
    """A user's file in a folder of its own, and what the framework's worker says about it."""

    framework: str
    models: Host
    folder: Path

    def answer(self, text: str, **request: Any) -> Any:
        path = self.folder / "model.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        asked = ModelRequest(0, str(path), framework=self.framework, **request)
        (records,) = self.models.ask(self.framework, [asked])
        *_, record = [record for record in records if not isinstance(record, Progress)]
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
        """What the file itself wrote down while it ran: its own gradients, asked of the framework by hand."""
        return json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))
