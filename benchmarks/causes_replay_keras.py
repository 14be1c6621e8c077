"""Seconds of a training step in TensorFlow, and of its replay under each finder: causes_replay_keras.py MODULE.

Each finder sees a fault that is planted behind the model, so that all of the backward pass is touched by it.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.causes.finders import SubjectFinders
from gradtool.witness.tensorflow.model.parameters import named
from gradtool.witness.tensorflow.model.sources import Sources

ROUNDS = 5

tf.config.run_functions_eagerly(True)  # as gradtool runs models
model, inputs, targets, objective = importlib.import_module(sys.argv[1]).gradtool_case()
rows = named({"": model})
names = [row.name for row in rows if row.trainable]
trained = [row.tensor for row in rows if row.trainable]
states = [(variable, None) for variable in model.non_trainable_variables]


def cut() -> Any:
    """A path of two that is cut off."""
    output = model(inputs, training=True)
    return objective(targets, output) + tf.stop_gradient(tf.reduce_mean(output)) * tf.reduce_mean(output)


def dead() -> Any:
    """A factor of 0."""
    return objective(targets, model(inputs, training=True)) * 0.0


def spoilt() -> Any:
    """The logarithm of 0."""
    loss = objective(targets, model(inputs, training=True))
    return loss + tf.math.log(loss * 0.0)


def seconds(work: Callable[[], object]) -> float:
    """Of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def pairs(run: Callable[[], Any], find: str, asked: Wanted) -> list[tuple[float, float]]:
    """A bare step and a replay, in turn, after one of each."""

    def step() -> None:
        with tf.GradientTape() as tape:
            loss = run()
        tape.gradient(loss, trained)

    def replay() -> None:
        finders = SubjectFinders(SimpleNamespace(loss=run, states=states, seed=0), rows, Sources())
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
