"""What TensorFlow's operations are called for people: as they stand in a program, and not as in a graph."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")

from gradtool.witness.tensorflow.causes import operations, words  # noqa: E402
from gradtool.witness.tensorflow.causes.operations import title_of  # noqa: E402
from gradtool.witness.tensorflow.causes.recorder import Recorder  # noqa: E402


def written(work: Callable[[Any], Any]) -> str:
    """What the last operation is called that the work runs."""
    x = tf.constant([[1.5, 2.5], [3.5, 4.5]])
    with Recorder() as recorder:
        work(x)
    return recorder.flow.events[-1].operation


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "tf.square": tf.square,
    "**": lambda x: x**2,
    "+": lambda x: x + 1.0,
    "-": lambda x: 1.0 - x,
    "*": lambda x: x * x,
    "/": lambda x: x / 3.0,
    "%": lambda x: x % 2.0,
    "//": lambda x: x // 2.0,
    "tf.negative": operator.neg,
    "tf.matmul": lambda x: x @ x,
    "tf.math.divide_no_nan": lambda x: tf.math.divide_no_nan(x, x),
    "tf.nn.bias_add": lambda x: tf.nn.bias_add(x, [1.0, 2.0]),
    "tf.math.squared_difference": lambda x: tf.math.squared_difference(x, 1.0),
    "tf.reduce_mean": tf.reduce_mean,
    "tf.where": lambda x: tf.where(x > 2.0, x, 0.0),
    "tf.concat": lambda x: tf.concat([x, x], 0),
    "tf.stack": lambda x: tf.stack([x, x], 1),
    "tf.gather": lambda x: tf.gather(x, [0]),
    "tf.nn.relu6": tf.nn.relu6,
    "tf.nn.log_softmax": tf.nn.log_softmax,
    "tf.math.log1p": tf.math.log1p,
    "tf.linalg.inv": tf.linalg.inv,
    "tf.math.unsorted_segment_sum": lambda x: tf.math.unsorted_segment_sum(x, [0, 0], 1),
    "[...]": lambda x: x[0],
}


@pytest.mark.parametrize("title", PROGRAMS)
def test_an_operation_is_called_as_it_is_written(title: str) -> None:
    assert written(PROGRAMS[title]) == title


def test_every_name_of_the_tables_is_one_of_tensorflows() -> None:
    told = [*operations._TITLES.values(), *words.TITLES.values()]
    names = [title for title in told if title.startswith("tf.")]
    assert len(names) > 40
    for name in names:
        assert callable(operator.attrgetter(name.removeprefix("tf."))(tf)), name


def test_every_operation_of_the_tables_is_one_of_tensorflows() -> None:
    known = [*operations._TITLES, *words._PLAIN, *words._SLOPES]
    assert [name for name in known if name[0].isupper() and not hasattr(tf.raw_ops, name)] == []


def test_a_function_of_the_users_own_keeps_its_name() -> None:
    """One of tf.custom_gradient is no operation of TensorFlow's, whatever it is called."""
    assert title_of("floor") == "floor"
    assert title_of("Floor") == "tf.floor"
