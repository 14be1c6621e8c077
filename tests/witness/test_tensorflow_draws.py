"""What draws from TensorFlow's generators is seeded for every call, and nothing else pays for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

tf = pytest.importorskip("tensorflow")

from gradtool.witness.callable.subject import Origin  # noqa: E402  # behind the skip
from gradtool.witness.tensorflow.callable.subject import TensorFlowSubject, subject_of  # noqa: E402

X = tf.constant([0.5, -1.0, 2.0, 0.25], tf.float64)


@tf.custom_gradient
def noisy_backward(x: Any) -> Any:
    return x * x, lambda g: g * 2 * x + tf.random.normal(x.shape, seed=3, dtype=x.dtype)


@tf.function
def traced_noise(x: Any) -> Any:
    return x * tf.random.normal(x.shape, dtype=x.dtype)


DRAWING: dict[str, Callable[[Any], Any]] = {
    "dropout": lambda x: tf.nn.dropout(x, 0.5),
    "a seed of its own": lambda x: x * tf.random.uniform(x.shape, seed=3, dtype=x.dtype),
    "in the backward pass": noisy_backward,
    "in a traced function": traced_noise,
}
QUIET: dict[str, Callable[[Any], Any]] = {
    "operators": lambda x: tf.exp(x) * x,
    "a custom gradient": tf.custom_gradient(lambda x: (tf.square(x), lambda g: g * 2 * x)),
}


def made(function: Callable[[Any], Any]) -> TensorFlowSubject:
    return subject_of(function, [X], {}, ["x"], Origin("f", "function"))


@pytest.mark.parametrize("name", DRAWING)
def test_what_draws_draws_the_same_each_time(name: str) -> None:
    subject = made(DRAWING[name])
    assert subject.draws
    (first, once), (second, again) = (subject.gradient(subject.point, [np.ones(4)]) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert once["x"] is not None
    assert again["x"] is not None
    assert np.array_equal(once["x"], again["x"])


@pytest.mark.parametrize("name", QUIET)
def test_what_does_not_draw_is_not_seeded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = made(QUIET[name])
    assert not subject.draws
    monkeypatch.setattr(tf.random, "set_seed", lambda _: pytest.fail("the kernels are thrown away"))
    subject.gradient(subject.point, [np.ones(4)])
