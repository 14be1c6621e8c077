"""The finder of missing gradients leaves nothing behind in TensorFlow and NumPy, also after an exception."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tensorflow.python.eager import context, execute, record, tape  # noqa: E402
from tensorflow.python.framework import constant_op, op_callbacks, ops  # noqa: E402
from tensorflow.python.ops import resource_variable_ops  # noqa: E402

from gradtool.witness.causes.replay import Wanted  # noqa: E402
from gradtool.witness.tensorflow.causes.births import Births  # noqa: E402
from gradtool.witness.tensorflow.causes.recorder import Recorder  # noqa: E402

PLACES: list[tuple[Any, tuple[str, ...]]] = [
    (
        ops.EagerTensor,
        ("numpy", "__array__", "__float__", "__int__", "__bool__", "__array_ufunc__", "__array_function__"),
    ),
    (np, ("array", "asarray", "asanyarray", "ascontiguousarray")),
    (resource_variable_ops.BaseResourceVariable, ("_handle",)),
    (record, ("record_operation",)),
    (execute, ("record_gradient", "execute")),
    (constant_op, ("convert_to_eager_tensor",)),
    (tape, ("push_new_tape", "push_tape", "pop_tape")),
]


def state() -> list[Any]:
    """Everything that is patched while somebody listens, and this thread's callbacks."""
    there = [(name, vars(place).get(name)) for place, names in PLACES for name in names]
    return [*there, list(context.context().op_callbacks)]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    before = state()
    yield
    assert state() == before


def loss_of(w: Any) -> Any:
    return tf.reduce_sum(tf.stop_gradient(w * 2.0) * w)


def kinds(recorder: Recorder) -> list[str]:
    return [event.kind for event in recorder.flow.events if event.kind]


def test_after_a_pass() -> None:
    w = tf.Variable([1.5, 2.5])
    with Recorder() as recorder, tf.GradientTape():
        loss_of(w)
        assert state()[-1]
    assert kinds(recorder) == ["stop_gradient"]
    assert float(loss_of(w)) == pytest.approx(17.0)
    assert kinds(recorder) == ["stop_gradient"]


def test_after_an_exception() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError), Recorder(), tf.GradientTape():
        tf.matmul(tf.ones((2, 3)), tf.ones((2, 3)))


def test_after_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), Recorder():
        raise KeyboardInterrupt


def test_nested() -> None:
    w = tf.Variable([1.5, 2.5])
    with Recorder() as outer:
        with Recorder() as inner, tf.GradientTape():
            loss_of(w)
        with tf.GradientTape():
            loss_of(w)
    assert kinds(inner) == ["stop_gradient"]
    assert kinds(outer) == ["stop_gradient"] * 2


def test_left_in_another_order() -> None:
    w = tf.Variable([1.5, 2.5])
    first, second = Recorder(), Recorder()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with tf.GradientTape():
        loss_of(w)
    second.__exit__(None, None, None)
    assert kinds(first) == []
    assert kinds(second) == ["stop_gradient"]


def in_threads(*works: Callable[[], None]) -> None:
    raised: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised again below
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def test_threads_hear_themselves_alone() -> None:
    """The first to leave does not make the other deaf, nor to what TensorFlow runs by its slower way."""
    both, one_left = threading.Barrier(2, timeout=20), threading.Event()
    w = tf.Variable([1.5, 2.5])
    found: dict[str, list[str]] = {}

    def short() -> None:
        with Recorder() as recorder:
            both.wait()
            tf.cast(w > 1.0, tf.int32)
        found["short"] = [event.operation for event in recorder.flow.events]
        one_left.set()

    def long() -> None:
        with Recorder() as recorder, tf.GradientTape():
            both.wait()
            assert one_left.wait(20)
            tf.concat([w * 2.0, [1.0]], 0)
            (w * 3.0).numpy()
        found["long"] = [event.operation for event in recorder.flow.events]

    in_threads(short, long)
    assert {">", "tf.cast"} <= set(found["short"])
    assert "tf.concat" not in found["short"]
    assert {"tf.concat", ".numpy()"} <= set(found["long"])
    assert not {">", "tf.cast"} & set(found["long"])


def test_one_finder_that_leaves_does_not_make_another_kind_deaf() -> None:
    """TensorFlow has one switch for the callbacks of all threads, and the last of one thread turns it off."""
    both, one_left = threading.Barrier(2, timeout=20), threading.Event()
    found: list[Any] = []

    def none() -> None:
        with Recorder():
            both.wait()
        one_left.set()

    def births() -> None:
        w = tf.Variable([0.0, 2.0])
        with Births() as finder:
            both.wait()
            assert one_left.wait(20)
            with tf.GradientTape() as opened:
                loss = tf.reduce_sum(tf.concat([w, [1.0]], 0) / tf.concat([w, [1.0]], 0))
            opened.gradient(loss, w)
            found.extend(finder.told([opened], [loss], [], Wanted(loss=True)))

    in_threads(none, births)
    assert [cause.kind for cause in found] == ["zero_over_zero"]


def test_a_compiled_function_is_differentiated_forwards_while_both_kinds_look_on() -> None:
    """TensorFlow records what it derives itself by keyword."""
    square = tf.function(lambda x: x**2)
    x = tf.constant([1.5, 2.5])
    with Births(), Recorder(), tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as tangents:
        with tf.GradientTape() as opened:
            opened.watch(x)
            y = square(x)
        assert tangents.jvp(y).numpy().tolist() == [3.0, 5.0]
    assert opened.gradient(y, x).numpy().tolist() == [3.0, 5.0]


def test_a_thread_in_which_nobody_listens_is_left_alone() -> None:
    with Recorder() as recorder:
        in_threads(lambda: np.exp(tf.constant([1.0, 2.0])).sum())
    assert recorder.flow.events == []


def test_callbacks_of_the_users_own_stay() -> None:
    heard: list[str] = []

    def callback(kind: str, *args: Any, **_: Any) -> Any:
        heard.append(kind)
        return args[2]

    op_callbacks.add_op_callback(callback)
    try:
        with Recorder():
            tf.exp(1.0)
        tf.exp(tf.constant(1.0) * 2.0)
    finally:
        op_callbacks.remove_op_callback(callback)
    assert heard.count("Mul") == 1


def test_numpy_computes_what_it_computed_before() -> None:
    """An operator leaves the word to the tensor; a function takes the tensor's numbers."""
    tensor, array = tf.constant([1.5, -2.5]), np.array([2.0, 4.0], "float32")
    works: list[Callable[[], Any]] = [
        lambda: array + tensor, lambda: array - tensor, lambda: array / tensor, lambda: np.float32(3) * tensor,
        lambda: array < tensor, lambda: sum([array, tensor]), lambda: np.exp(tensor), lambda: np.add(array, tensor),
        lambda: np.mean(tensor), lambda: np.where(array > 2, tensor, 0), lambda: np.stack([tensor, tensor]),
        lambda: np.maximum(tensor, array), lambda: np.add.reduce(tensor), lambda: np.array([tensor[0], tensor[1]]),
        lambda: np.dot(array, tensor), lambda: np.clip(tensor, -1, 1), lambda: np.asarray(tensor, "float64"),
    ]  # fmt: skip
    before = [work() for work in works]
    with Recorder():
        during = [work() for work in works]
    for one, other in zip(before, during, strict=True):
        assert type(one) is type(other)
        np.testing.assert_array_equal(np.array(one), np.array(other))


def test_nothing_of_the_program_is_kept() -> None:
    with Recorder() as recorder:
        tensor = tf.constant([1.0, 2.0]) * 3.0
        held = sys.getrefcount(tensor)
        recorder.restart()
        assert sys.getrefcount(tensor) == held
