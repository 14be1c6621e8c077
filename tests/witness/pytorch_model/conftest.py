"""One warm worker for models of PyTorch, asked about files that a test writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from user_file import File

from gradtool.witness.host import Host


@pytest.fixture
def file(torch_models: Host, tmp_path: Path) -> File:
    return File("torch", torch_models, tmp_path)


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
