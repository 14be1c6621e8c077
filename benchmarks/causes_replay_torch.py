"""Seconds of a training step in PyTorch, and of its replay under each finder: causes_replay_torch.py MODULE.

Each finder sees a fault that is planted behind the model, so that all of the backward pass is touched by it.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable

import torch

from gradtool.witness.causes.replay import Wanted
from gradtool.witness.pytorch.causes.finders import Replay
from gradtool.witness.pytorch.causes.state import State
from gradtool.witness.pytorch.model.parameters import named

ROUNDS = 5

model, inputs, targets, objective = importlib.import_module(sys.argv[1]).gradtool_case()
rows = named({"": model})
names = [row.name for row in rows]


def cut() -> torch.Tensor:
    """A path of two that is cut off."""
    output = model(inputs)
    return objective(output, targets) + output.mean().detach() * output.mean()


def dead() -> torch.Tensor:
    """A factor of 0."""
    return objective(model(inputs), targets) * 0.0


def spoilt() -> torch.Tensor:
    """The logarithm of 0."""
    loss = objective(model(inputs), targets)
    return loss + torch.log(loss * 0)


def seconds(work: Callable[[], object]) -> float:
    """Of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def pairs(run: Callable[[], torch.Tensor], find: str, asked: Wanted) -> list[tuple[float, float]]:
    """A bare step and a replay, in turn, after one of each."""

    def step() -> None:
        model.zero_grad(set_to_none=True)
        run().backward()

    def replay() -> None:
        finders = Replay(model, run, rows, State.taken(model))
        if not getattr(finders, find)(asked):
            raise RuntimeError(f"{find}: nothing was found")

    step()
    replay()
    return [(seconds(step), seconds(replay)) for _ in range(ROUNDS)]


print(
    json.dumps(
        {
            "None": pairs(cut, "none", Wanted(cut=True)),
            "zero": pairs(dead, "zero", Wanted(zero=names)),
            "NaN": pairs(spoilt, "nonfinite", Wanted(nonfinite=names, loss=True)),
        }
    )
)
