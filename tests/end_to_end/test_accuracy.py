"""The known deviations are named by a small run of real operations; truths are closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.pipeline.accuracy import measure
from gradtool.settings import CheckSettings
from gradtool.target.operations import OPERATIONS
from gradtool.target.own_points import own_targets
from gradtool.verdict.compare.accuracy import AGREEING, FAULTS, Accuracy, accuracy, causes, offenders
from gradtool.witness.host import Host

NAMED = {
    ("gelu", "float64"): "1/sqrt(2) through float32",
    ("leaky_relu", "float64"): "slope in float32",
    ("softplus", "float64"): "straight line x above 20",
    ("selu", "float64"): "TensorFlow computes the derivative of selu",
    ("digamma", "float64"): "short series",
    ("digamma", "float32"): "wrong below -7",
    ("trigamma", "float32"): "wrong below -7",
    ("erf", "float64"): "NaN above 1.3e154",
    ("bce", "float64"): "cuts log off at -100",
    ("tanh", "float64"): "1 - y*y",
    ("clip", "float64"): "clip has a kink here",
    ("floor_divide", "float64"): "PyTorch has no // (floor_divide) of its own",
}
HEALTHY = ("add", "exp", "sin", "sqrt", "log1p", "amax", "softmax", "logaddexp", "mse", "less", "equal")


@pytest.fixture(scope="module")
def rows(host: Host) -> dict[tuple[str, str], Accuracy]:
    wanted = [OPERATIONS[name] for name in dict.fromkeys([*(name for name, _ in NAMED), *HEALTHY, "max", "relu"])]
    settings = CheckSettings()
    targets = {dtype: own_targets(CheckSettings(dtype=dtype), wanted) for dtype in ("float64", "float32")}
    return {(row.name, row.dtype): row for row in accuracy(measure(targets, settings, host))}


@pytest.mark.parametrize(
    ("place", "told"), NAMED.items(), ids=lambda part: " ".join(part) if isinstance(part, tuple) else ""
)
def test_a_known_deviation_is_named(place: Any, told: str, rows: dict[Any, Accuracy]) -> None:
    (spot,) = offenders([rows[place]])
    assert any(told in cause for cause in causes(spot)), causes(spot)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", HEALTHY)
def test_rounding_is_never_called_a_fault(name: str, dtype: str, rows: dict[Any, Accuracy]) -> None:
    """Sums, exponentials, choices at their jumps, arrays with ties and offsets: only TensorFlow's flushing is told."""
    row = rows[name, dtype]
    assert {*row.counts} <= {*AGREEING, "flushed", "out_of_range"}
    assert not {*row.counts} & {*FAULTS}
    assert all(error is not None and math.isfinite(error) for error in row.errors)


def test_conventions_are_told_apart(rows: dict[Any, Accuracy]) -> None:
    """Half to each at a tie by PyTorch, all to the first by TensorFlow (tf.maximum); 0 at the kink of relu by both."""
    tie = rows["max", "float64"].spots["convention"]
    assert [entry.autodiff for entry in tie.entries] in ([0.5, 1.0], [0.5, 0.0])
    assert "convention" not in rows["relu", "float64"].counts
    kink = rows["relu", "float64"].spots["same_convention"]
    assert [entry.autodiff for entry in kink.entries] == [0.0, 0.0]


def test_the_figures_are_those_of_the_closed_forms(rows: dict[Any, Accuracy]) -> None:
    """TensorFlow's selu at -25: scale * alpha * exp(-25), of which exp(x) - 1 + 1 leaves 5 digits."""
    spot = rows["selu", "float64"].worst
    assert spot is not None
    torch, tensorflow = spot.entries
    truth = 1.0507009873554804934 * 1.6732632423543772848 * math.exp(-25)
    assert torch.autodiff == pytest.approx(truth, rel=1e-15)
    assert tensorflow.autodiff is not None
    assert 1e-7 < abs(tensorflow.autodiff / truth - 1) < 1e-4
