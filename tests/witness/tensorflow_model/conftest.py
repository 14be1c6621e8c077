"""One warm worker for models of TensorFlow, asked about files that a test writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from user_file import File

from gradtool.witness.host import Host


@pytest.fixture
def file(tensorflow_models: Host, tmp_path: Path) -> File:
    return File("tensorflow", tensorflow_models, tmp_path)


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
