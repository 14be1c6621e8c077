"""Every planted cause of a missing gradient is told with its kind and its very line; the healthy twins give none."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from causes_program import Marks, functions_used, marks_of, twin_of
from corpus.causes_none_tensorflow import AWAY, CASES, NET, QUIET, SHARED, Case
from user_file import File

from gradtool.evidence import Cause, ModelEvidence, Training
from gradtool.verdict.flow.judgement import judge

IDS = [case.name for case in CASES]


def seen(file: File, text: str, *, script: bool) -> ModelEvidence:
    """A program is looked at with the finders on, as in its second run; a model that is run finds them by itself."""
    (file.folder / "away.py").write_text(AWAY)
    return file.evidence(SHARED + text, script=script, find=["none", "cut"] if script else [])


def found(causes: list[Cause]) -> Marks:
    return {(one.fate, one.kind, Path(one.line.source).name, tuple(one.parameters)) for one in causes}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_planted_cause_is_told(case: Case, file: File) -> None:
    evidence = seen(file, case.text, script=case.script)
    names = [parameter.name for parameter in evidence.parameters if parameter.trainable]
    away = functions_used(AWAY, case.text)
    planted = marks_of(SHARED + case.text, "model.py", names) | marks_of(away, "away.py", names)
    if case.nowhere:
        kind, prefix = case.nowhere
        planted.add(("none", kind, "", tuple(name for name in names if name.startswith(prefix))))
    assert planted
    assert found(evidence.causes) == planted
    for cause in evidence.causes:
        assert not cause.line.source or cause.line.text == line(file, cause.line.source)


def line(file: File, source: str) -> str:
    """The text of a line of one of the user's files."""
    name, _, number = source.rpartition(":")
    return (file.folder / Path(name).name).read_text().splitlines()[int(number) - 1].strip()


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_healthy_twin_gives_none(case: Case, file: File) -> None:
    evidence = seen(file, twin_of(case.text, case.twin), script=case.script)
    assert [one for one in evidence.parameters if one.trainable and one.gradient is None] == []
    assert evidence.causes == []


@pytest.mark.parametrize("name", QUIET)
def test_what_loses_no_gradient_is_not_told(name: str, file: File) -> None:
    causes = seen(file, QUIET[name], script=False).causes
    assert [one for one in causes if one.kind != "frozen"] == []  # what is frozen loses nothing


def test_the_corpus_is_large_and_varied() -> None:
    kinds = {mark for case in CASES for _, mark, *_ in marks_of(case.text, "", [])}
    assert len(CASES) >= 40
    assert kinds >= set(
        textwrap.dedent("""stop_gradient numpy float left new_tensor integer comparison argmax nondifferentiable
        outside_tape not_watched frozen recreated assigned dead_branch""").split()
    )


def test_a_loss_that_nothing_reaches_is_evidence(file: File) -> None:
    """Every gradient is None, the cause is told, and nothing beside the pass is tried."""
    text = """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="a")])


def loss_fn(y_true, y_pred):
    return tf.reduce_mean(tf.stop_gradient(y_pred) ** 2)
"""
    evidence = seen(file, text, script=False)
    assert [parameter.gradient for parameter in evidence.parameters] == [None, None]
    assert [cause.kind for cause in evidence.causes] == ["stop_gradient"]
    assert evidence.norm == 0
    assert evidence.descent is None
    assert "no parameter has a gradient" in " ".join(evidence.notes)


def test_the_cause_is_looked_for_at_the_step_that_is_asked_for(file: File) -> None:
    """A weight that is a tensor from the second step on is no longer watched there."""
    text = """
w = tf.Variable([0.7, -1.3, 0.4], name="w")
b = tf.Variable(0.37, name="b")
optimizer = keras.optimizers.SGD(0.01)
for step in range(3):
    with tf.GradientTape() as tape:
        seen = tf.stop_gradient(w) if step else w
        loss = tf.reduce_sum((sample_inputs * seen + b) ** 2)
    gradients = tape.gradient(loss, [w, b])
    optimizer.apply_gradients([(g, v) for g, v in zip(gradients, [w, b]) if g is not None])
"""
    steps = Training(2)
    first = file.evidence(SHARED + text, script=True, training=steps, find=["none"], find_step=1)
    second = file.evidence(SHARED + text, script=True, training=steps, find=["none"], find_step=2)
    assert first.causes == []
    assert [(one.kind, one.line.function, one.step) for one in second.causes] == [("stop_gradient", "", 2)]
    assert second.causes[0].line.text.startswith("seen = tf.stop_gradient(w)")


def test_a_model_that_was_fitted_is_run_again(file: File) -> None:
    text = NET.format("h = self.a(x)", "h = tf.stop_gradient(h)", "return self.b(h)")
    text += """
model.compile(keras.optimizers.SGD(0.1), "mse")
model.fit(sample_inputs, tf.ones((4, 2)), verbose=0)
"""
    (cause,) = file.evidence(SHARED + text, script=True).causes
    assert (cause.kind, cause.line.text, cause.parameters) == (
        "stop_gradient", "h = tf.stop_gradient(h)", ["a/kernel", "a/bias"]
    )  # fmt: skip


FROZEN = {
    "the whole model": "model.trainable = False  # <- line",
    "its layers one by one": "for layer in model.layers:\n    layer.trainable = False  # <- line",
    "behind the first call": "model(sample_inputs)\nmodel.trainable = False  # <- line",
    "its variables": "model(sample_inputs)\nfor weight in model.weights:\n    weight.trainable = False  # <- line",
    "the last word": "model.trainable = False\nmodel.trainable = True\nmodel.trainable = False  # <- line",
    "in a function": "def freeze(layer):\n    layer.trainable = False  # <- line\n\nfreeze(model)",
}


@pytest.mark.parametrize("name", FROZEN)
def test_a_frozen_model_is_told_with_the_line_that_froze_it(name: str, file: File) -> None:
    text = SHARED + NET.format("h = self.a(x)", "h = h * 1.5", "return self.b(h)") + FROZEN[name]
    (cause,) = file.evidence(text).causes
    assert (cause.kind, cause.line.text[-9:]) == ("frozen", "# <- line")
    assert len(cause.parameters) == 4


def test_a_frozen_layer_beside_one_that_learns_is_told_with_the_line_that_froze_it(file: File) -> None:
    text = (
        SHARED + NET.format("h = self.a(x)", "h = h * 1.5", "return self.b(h)") + "model.a.trainable = False  # <- line"
    )
    evidence = file.evidence(text)
    (cause,) = evidence.causes
    assert (cause.kind, cause.line.text[-9:], cause.parameters) == ("frozen", "# <- line", ["a/kernel", "a/bias"])
    assert [(one.code, one.severity, one.source) for one in judge(evidence)[0]] == [
        ("GT107", "note", cause.line.source)
    ]


def test_what_froze_a_layer_that_was_made_so_is_the_line_that_made_it(file: File) -> None:
    (cause,) = file.evidence("""
        import keras
        model = keras.Sequential([
            keras.Input((3,)),
            keras.layers.Dense(2, trainable=False),
        ])
    """).causes
    assert (cause.kind, cause.line.source) == ("frozen", "model.py:5")


@pytest.mark.parametrize("leaves", ["float(loss)", "loss.numpy()", "np.asarray(loss)", "0.5 * loss.numpy().item() + 1"])
def test_a_loss_that_has_left_tensorflow_is_told_with_the_line_on_which_it_left(leaves: str, file: File) -> None:
    """TensorFlow raises at the tape, which knows no such line."""
    text = f"""
        import numpy as np
        import tensorflow as tf
        w = tf.Variable([1.5, 2.5])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * w)
            loss = {leaves}
        tape.gradient(loss, w)
    """
    evidence = file.evidence(text, script=True, find=["none"])
    (cause,) = evidence.causes
    assert (cause.fate, cause.line.source, cause.parameters) == ("none", "model.py:7", ["w"])
    assert cause.kind in {"float", "numpy"}
    (incident,) = evidence.incidents
    assert (incident.what, incident.source) == ("raised", "model.py:8")
    assert "let the loss be a tensor" in incident.hint
