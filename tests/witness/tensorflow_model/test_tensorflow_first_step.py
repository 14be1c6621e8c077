"""The first step that is reported of an optimizer is the step that Keras takes."""

from __future__ import annotations

from typing import Any

import pytest

np = pytest.importorskip("numpy")
keras = pytest.importorskip("keras")

RATE = 1e-2

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("SGD", {}, True),
        ("SGD", {"momentum": 0.9}, True),
        ("SGD", {"momentum": 0.9, "nesterov": True}, True),
        ("Adam", {}, True),
        ("Nadam", {}, True),
        ("Lion", {}, True),
        ("RMSprop", {}, True),
        ("RMSprop", {"centered": True, "rho": 0.8}, True),
        ("Adagrad", {}, False),
        ("Adagrad", {"initial_accumulator_value": 0.0}, True),
        ("Adadelta", {}, False),
    ],
)
def test_the_first_step_has_the_size_that_is_told(kind: str, options: dict[str, Any], *, told: bool) -> None:
    from gradtool.witness.tensorflow.model.optimizers import optimizer_record  # noqa: PLC0415

    variable = keras.Variable(np.ones((4, 4), "float32"))
    optimizer = getattr(keras.optimizers, kind)(learning_rate=RATE, **options)
    record = optimizer_record(optimizer, [variable.value])
    optimizer.apply([keras.ops.full((4, 4), 2.0)], [variable])
    assert record is not None
    assert record.adaptive == (kind != "SGD")
    unit = RATE if record.adaptive else RATE * 2.0
    step = float(np.abs(1 - keras.ops.convert_to_numpy(variable)).mean()) / unit
    assert record.first == (pytest.approx(step, rel=0.1) if told else None)
