"""One warm worker for models of PyTorch, asked about files that a test writes."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from gradtool.evidence import Failure, ModelEvidence, ModelRequest, Progress
from gradtool.witness.host import Host


class File:
    """A user's file in a folder of its own, and what the worker says about it."""

    def __init__(self, models: Host, folder: Path) -> None:
        self.models, self.folder = models, folder

    def answer(self, text: str, **request: Any) -> Any:
        path = self.folder / "model.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        asked = ModelRequest(0, str(path), framework="torch", **request)
        (records,) = self.models.ask("torch", [asked])
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
        """What the file itself wrote down while it ran: its own gradients, by an autograd call of its own."""
        return json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture
def file(torch_models: Host, tmp_path: Path) -> File:
    return File(torch_models, tmp_path)


TRUTH = """
def truth(loss_of, parameters):
    import json
    import torch
    parameters = list(parameters)
    loss = loss_of()
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    dense = [None if g is None else g.to_dense().double() for g in found]
    norms = [None if g is None else float(g.norm()) for g in dense]
    there = [g for g in dense if g is not None]
    stand_ins = [torch.nn.Parameter(torch.zeros_like(g)) for g in there]
    for one, g in zip(stand_ins, there):
        one.grad = g.clone()
    whole = float(torch.nn.utils.clip_grad_norm_(stand_ins, 0.01))
    told = {"loss": float(loss), "norms": norms, "global": whole,
            "clipped": float(torch.cat([one.grad.reshape(-1) for one in stand_ins]).norm()),
            "largest": [None if g is None else float(g.abs().max()) for g in dense]}
    with open("truth.json", "w") as out:
        json.dump(told, out)
"""


@pytest.fixture
def truth() -> str:
    """The text of truth(loss_of, parameters): autograd called by hand, to be put before a file."""
    return TRUTH
