"""The finders of births and deaths leave TensorFlow as it was: after errors, inside each other, and in threads."""

from __future__ import annotations

import pytest
from user_file import File

START = """
import json
import threading

import tensorflow as tf
from tensorflow.python.autograph.core import ag_ctx
from tensorflow.python.eager import context, execute, imperative_grad, record

from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.causes.births import Births
from gradtool.witness.tensorflow.causes.deaths import Deaths
from gradtool.witness.tensorflow.causes import differentiation, doors, listeners
from gradtool.witness.tensorflow.model.parameters import Named


def state():
    return [
        execute.execute is execute.quick_execute,
        imperative_grad.imperative_grad.__module__,
        record.record_operation.__module__,
        len(context.context().op_callbacks),
        [len(one.lookers) for one in (differentiation._PATCHES, doors._PATCHES, listeners._RECORDING)],
        str(ag_ctx.control_status_ctx().status),
    ]


seen = []


def counted(finder):
    own = finder.differentiated

    def differentiated(*args):
        seen.append(finder)
        return own(*args)

    finder.differentiated = differentiated
    return finder


def kinds(finder, start, fate):
    w = tf.Variable(start)
    with finder:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sqrt(tf.nn.relu(w * 1.0) + 1.0) if fate == "zero" else tf.sqrt(w * 1.0))
        gradient = tape.gradient(loss, w)
        rows = [Named("w", w, "", "", gradient=gradient)]
        return [one.kind for one in finder.told([tape], [loss], rows, Wanted(**{fate: ["w"]}))]


def tell(**facts):
    with open("truth.json", "w") as out:
        json.dump(facts, out)
"""
END = """
w = tf.Variable(2.0)
with tf.GradientTape() as tape:
    loss = w * w
tape.gradient(loss, w)
"""


def told(file: File, text: str) -> dict[str, object]:
    """What the program wrote down about itself."""
    file.answer(START + text + END, script=True)
    found = file.wrote()
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("finder", ["Births", "Deaths"])
@pytest.mark.parametrize(
    "trouble",
    [
        "raise ValueError('in the forward pass')",
        "tf.matmul(tf.ones((2, 3)), tf.ones((2, 3)))",
        "tape.gradient(broken(w), w)",
    ],
)
def test_nothing_is_left_after_an_exception(finder: str, trouble: str, file: File) -> None:
    found = told(
        file,
        f"""
@tf.custom_gradient
def broken(x):
    def backward(dy):
        raise RuntimeError("in the backward pass")
    return x * 2.0, backward


before = state()
raised = ""
try:
    with {finder}(), tf.GradientTape() as tape:
        w = tf.Variable(1.0)
        with tf.GradientTape(persistent=True) as tape:
            broken(w)
            {trouble}
except Exception as error:
    raised = type(error).__name__
finder = counted({finder}())
with tf.GradientTape() as tape:
    loss = tf.square(w)
gradient = tape.gradient(loss, w)
tell(before=before, after=state(), raised=raised, seen=len(seen), gradient=float(gradient))
""",
    )
    assert found["raised"]
    assert found["before"] == found["after"]
    assert (found["seen"], found["gradient"]) == (0, 2.0)


def test_one_inside_the_other_sees_what_it_sees_alone(file: File) -> None:
    found = told(
        file,
        """
before = state()
outer = Births()
w = tf.Variable([0.0])
with outer:
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sqrt(w * 1.0))
        inner = kinds(Deaths(), [-1.0], "zero")
    gradient = tape.gradient(loss, w)
    rows = [Named("w", w, "", "", gradient=gradient)]
    outside = [one.kind for one in outer.told([tape], [loss], rows, Wanted(nonfinite=["w"]))]
tell(before=before, after=state(), inner=inner, outside=outside)
""",
    )
    assert found["inner"] == ["dead_relu"]
    assert found["outside"] == ["sqrt_of_zero"]
    assert found["before"] == found["after"]


def test_threads_do_not_see_each_other(file: File) -> None:
    found = told(
        file,
        """
before = state()
results = {}
gate = threading.Barrier(3)


def births(name):
    finder = Births()
    with finder:
        gate.wait()
        results[name] = kinds(Births(), [0.0], "nonfinite")
        gate.wait()


def nobody():
    gate.wait()
    w = tf.Variable([4.0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sqrt(w))
    results["nobody"] = float(tape.gradient(loss, w)[0])
    results["callbacks"] = len(context.context().op_callbacks)
    gate.wait()


threads = [threading.Thread(target=births, args=("one",)), threading.Thread(target=births, args=("other",))]
threads.append(threading.Thread(target=nobody))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
tell(before=before, after=state(), **results)
""",
    )
    assert found["one"] == found["other"] == ["sqrt_of_zero"]
    assert (found["nobody"], found["callbacks"]) == (0.25, 0)
    assert found["before"] == found["after"]


def test_nothing_that_the_program_frees_is_kept(file: File) -> None:
    """A tensor is kept by nobody but the program, beside small ones of a few operations while a tape records."""
    found = told(
        file,
        """
import gc
import weakref

with Births() as finder:
    x = tf.random.stateless_uniform((400, 400), (1, 2))
    freed = weakref.ref(tf.exp(x) + x)
    w = tf.Variable(x)
    with tf.GradientTape() as tape:
        y = w * 2.0
        inner = weakref.ref(y)
        y = tf.reduce_sum(tf.negative(y))
    gc.collect()
    alive = [freed() is not None, inner() is not None]
tell(alive=alive)
""",
    )
    assert found["alive"] == [False, False]
