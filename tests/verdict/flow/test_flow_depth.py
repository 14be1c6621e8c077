"""The depth profile: which layers are its points, how far it falls, and which step is the steepest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from handmade_models import chain, found, layer, model, relu, told, weight, with_layers, with_parameters

from gradtool.evidence import ModelEvidence, Parameter, Weights
from gradtool.verdict.flow.depth import depth_profile, learning
from gradtool.verdict.record import Finding


def of(*gradients: float | None) -> list:
    return [layer(str(place), place, gradient) for place, gradient in enumerate(gradients)]


def test_the_fall_is_that_of_the_strongest_of_either_end() -> None:
    profile = depth_profile(of(1e-5, 1e-4, 1e-2, 1e-1, 1.0, 0.1))
    assert profile.fall == pytest.approx(4.0)
    assert profile.points[0].gain == pytest.approx(0.1)
    assert profile.points[-1].gain is None


def test_the_window_is_a_sixth_of_the_points_and_two_at_least() -> None:
    assert depth_profile(of(1e-6, 1e-6, *[1.0] * 10)).fall == pytest.approx(6.0)
    assert depth_profile(of(1e-6, 1e-6, *[1.0] * 16)).fall == pytest.approx(0.0)
    assert depth_profile(of(1.0, 2.0)).fall is None


def test_layers_without_a_size_are_no_points() -> None:
    profile = depth_profile(of(0.0, None, math.nan, math.inf, 1.0, 1.0, 1.0))
    assert (profile.silent, profile.nonfinite) == (("0", "1"), ("2", "3"))
    assert [point.name for point in profile.points] == ["4", "5", "6"]


def test_points_stand_in_the_order_of_execution_and_the_model_itself_is_none() -> None:
    layers = [layer("b", 1), layer("a", 0), layer("", 2, 1e9)]
    assert [point.name for point in depth_profile(layers).points] == ["a", "b"]


def test_the_steepest_step_is_named_by_the_layer_behind_it() -> None:
    """Between the outputs 2 and 3 the gradient shrinks a hundredfold: layer 3 does it."""
    profile = depth_profile(of(1e-3, 2e-3, 5e-3, 0.5, 0.7, 1.0))
    assert profile.steepest is not None
    assert profile.points[profile.steepest].name == "3"
    assert profile.step == pytest.approx(0.01)


def test_the_dip_of_a_weak_branch_is_no_step_of_the_strongest_path() -> None:
    vanishing = depth_profile(of(1e-4, 1e-4, 1e-9, 1e-3, 1e-1, 1.0))
    assert vanishing.steepest == 4
    exploding = depth_profile(of(1e4, 1e4, 1e-9, 1e1, 1.0, 1.0))
    assert exploding.steepest == 3


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (1.0, []),
        (0.62, []),
        (0.55, [("GT103", "warning")]),
        (0.4, [("GT103", "error")]),
        (1.6, []),
        (2.5, [("GT104", "error")]),
    ],
)
def test_two_decades_warn_and_three_are_an_error(gain: float, expected: list) -> None:
    """Of eleven points the windows of two leave nine steps between them."""
    assert [(row.code, row.severity) for row in found(chain(6, gain))] == expected


def test_a_branch_scaled_down_on_purpose_is_quiet() -> None:
    """LayerScale: within each block the gradient is a millionth, along the skip it is whole."""
    layers = [layer("stem", 0)]
    for block in range(6):
        layers += [
            layer(f"{block}.a", 3 * block + 1, 1e-6),
            layer(f"{block}.b", 3 * block + 2, 1e-6),
            layer(str(block), 3 * block + 3, 1.0, inner=True),
        ]
    assert found(model(layers, [weight("stem"), weight("0.a", 1e-7)])) == []


def frozen(evidence: ModelEvidence, before: int) -> ModelEvidence:
    """The same with the layers before a place frozen."""

    def change(row: Parameter) -> dict[str, Any]:
        return {"trainable": False, "gradient": None} if int(row.layer) < before else {}

    return with_parameters(evidence, change)


@pytest.mark.parametrize("gain", [0.1, 10.0])
def test_what_lies_before_the_first_layer_that_learns_is_not_judged(gain: float) -> None:
    """A frozen trunk under a trainable head: what the gradient does in the trunk changes nothing."""
    assert [row.code for row in found(frozen(chain(10, gain), 16))] == ["GT107"]
    assert found(frozen(chain(10, gain), 4))[0].severity == "error"


def test_a_frozen_layer_behind_the_first_that_learns_counts() -> None:
    """An adapter, or a prompt, in front of a frozen trunk: the gradient has to get through it."""
    ill = with_parameters(chain(10, 0.1), lambda row: {"trainable": row.layer == "0"})
    assert [row.code for row in found(ill)] == ["GT103", "GT107"]
    prompt = replace(weight("0"), name="prompt", layer="")
    behind = frozen(chain(10, 0.1), 16)
    assert "GT103" in [row.code for row in found(replace(behind, parameters=[prompt, *behind.parameters]))]


def test_a_parameter_that_a_container_owns_is_used_inside_it() -> None:
    """The container's own place is behind all of its layers, and a functional layer stands behind its owner's name."""
    layers = [layer("stem", 0), layer("block.tanh", 1), layer("block.b", 2), layer("block", 3), layer("out", 4)]
    names = [row.name for row in learning(layers, [weight("stem", None), weight("block"), weight("out")])]
    assert names == ["block.tanh", "block.b", "block", "out"]
    assert [row.name for row in learning(layers, [weight("block.b.part")])] == ["block.b", "block", "out"]
    assert learning(layers, [weight("stem", None)]) == layers


def test_a_frozen_loop_over_time_may_explode() -> None:
    cell = layer("cell", 0, calls=40, last_gradient=1e-5)
    ill = model([cell, layer("out", 40)], [weight("cell", None, trainable=False), weight("out")])
    assert [row.code for row in found(ill)] == ["GT107"]


def test_a_sigmoid_stack_is_named_with_its_remedy() -> None:
    (finding,) = found(chain(8, 0.3, "sigmoid", 1.0))
    assert told(finding)[:2] == ("GT103", "error")
    assert "falls by 6." in finding.message
    assert "most layers apply sigmoid" in finding.message
    assert "replace sigmoid by ReLU or GELU" in finding.remedy.lower().replace("relu or gelu", "ReLU or GELU")
    assert "initialise" not in finding.remedy.lower()


def test_a_small_initialisation_is_named_with_its_remedy() -> None:
    (finding,) = found(chain(8, 0.4, "relu", 0.577))
    assert "the weights are small for relu: their gain is 0.58, the ideal 1.4" in finding.message
    assert "by He's rule (a gain of 1.4 instead of 0.58)" in finding.remedy
    assert "sigmoid" not in finding.remedy
    (finding,) = found(chain(8, 0.4, "tanh", 0.2))
    assert "by Xavier's rule" in finding.remedy


def test_a_doubled_gain_explodes_and_one_finding_tells_it() -> None:
    ill = chain(8, 2.8, "relu", 2.8)
    ill = with_layers(ill, {row.name: {"rms": 10.0 ** (row.place / 3)} for row in ill.layers})
    (finding,) = found(ill)
    assert finding.code == "GT104"
    assert "the weights are large for relu" in finding.message
    assert "activations grow by" in finding.message
    assert "normalise between the layers" in finding.remedy


def test_small_weights_are_no_reason_to_explode_nor_large_ones_to_vanish() -> None:
    (exploding,) = found(chain(8, 2.8, "relu", 0.577))
    (vanishing,) = found(chain(8, 0.4, "relu", 2.8))
    assert [exploding.code, vanishing.code] == ["GT104", "GT103"]
    assert "gain is" not in exploding.message + vanishing.message
    (saturated,) = found(chain(8, 0.3, "tanh", 4.0))
    assert "the weights are large for tanh" in saturated.message


def test_one_steep_layer_is_judged_by_its_own_matrix() -> None:
    ill = chain(8, 1.0)
    ill = with_layers(ill, {row.name: {"gradient": 1e4} for row in ill.layers if row.place < 6})
    ill = with_parameters(ill, lambda row: {"weights": Weights(64 * 64, 8e4)} if row.name == "6.weight" else {})
    (finding,) = found(ill)
    assert told(finding) == ("GT104", "error", "6")
    assert "the weights of 6.weight are large for relu: their gain is 1e+04, the ideal 1.4" in finding.message


@pytest.mark.parametrize(
    ("owner", "name", "row"),
    [
        ("", "Wh", {"fan_in": 0, "kind": "R"}),
        ("cell", "cell.weight_hh", {"shape": (192, 64), "kind": "GRUCell"}),
        ("cell", "cell/recurrent_kernel", {"shape": (64, 192), "kind": "GRUCell"}),
    ],
)
def test_the_recurrent_matrix_of_a_loop_is_named_and_to_be_scaled_down(owner: str, name: str, row: dict) -> None:
    def loop(gain: float) -> list[Finding]:
        shape = row.get("shape", (64, 64))
        count = shape[0] * shape[1]
        own = {"weights": Weights(count, gain * (count / 64) ** 0.5), "shape": shape, **row}
        matrix = replace(weight(owner, **own), name=name)
        cell = layer(owner or "relu", 0, calls=40, kind="GRUCell", activation="relu", last_gradient=1e-5, first_rms=1.0)
        return found(model([cell, layer("out", 40)], [matrix, weight("out", gain=0.62)]))

    (finding,) = loop(2.3)
    assert f"{name} multiplies the state at every call: its gain is 2.3" in finding.message
    assert finding.remedy.startswith(f"Scale {name} down to a gain of 1, ")
    (finding,) = loop(0.9)
    assert name not in finding.message + finding.remedy


def test_normalised_models_are_not_told_to_normalise() -> None:
    ill = chain(8, 0.3)
    ill = model([*ill.layers, layer("norm", 99, 1.0, kind="LayerNorm")], ill.parameters)
    (finding,) = found(ill)
    assert "normalis" not in finding.message + finding.remedy


def test_a_loop_over_time_explodes_over_its_calls_but_may_forget() -> None:
    def loop(**cells: object) -> model:
        return model([layer("cell", 0, calls=40, kind="RNNCell", **cells), layer("out", 40)], [weight("cell")])

    (finding,) = found(loop(last_gradient=1e-5, first_rms=1.0))
    assert told(finding) == ("GT104", "error", "cell")
    assert found(loop(last_gradient=1.0, first_rms=1.0)) == []
    (finding,) = found(loop(last_gradient=1.0, first_rms=1e-5, rms=10.0))
    assert told(finding) == ("GT113", "warning", "cell")


def test_a_loop_is_told_once_whatever_it_calls() -> None:
    """The cell, the layer inside it and the rise over depth that follows have one cause."""
    calls = {"calls": 40, "last_gradient": 1e-5, "first_rms": 1.0}
    cells = [layer("cell.linear", 0, 2.0, **calls), layer("cell.tanh", 1, **calls), layer("cell", 2, **calls)]
    after = [layer("norm", 41, 1e-6), layer("out", 42, 1e-6)]
    (finding,) = found(model([*cells, *after], [weight("cell.linear")]))
    assert told(finding) == ("GT104", "error", "cell")
    (finding,) = found(model([*cells[:2], layer("out", 42)], [weight("cell.linear")]))
    assert told(finding) == ("GT104", "error", "cell.linear")
    assert "; likewise cell.tanh" in finding.message


def test_activations_that_grow_ten_thousandfold_are_a_warning() -> None:
    for last, expected in ((9e3, []), (2e4, [("GT113", "warning", "10")])):
        ill = with_layers(chain(), {"10": {"rms": last}})
        assert [told(row) for row in found(ill)] == expected


def test_a_gradient_that_fades_to_nothing_is_vanishing_not_zero() -> None:
    """In float32 the first layers underflow, and with a larger loss they would not: the verdict is the same."""
    ill = chain(10, 0.1)
    gone = {str(place): {"gradient": 0.0} for place in range(5)}
    ill = with_layers(ill, gone)
    parameters = [weight(row.layer, 0.0) if int(row.layer) < 5 else row for row in ill.parameters]
    findings = found(model(ill.layers, parameters))
    assert [row.code for row in findings] == ["GT103"]
    assert "is exactly 0 before layer 5 (Relu)" in findings[0].message


def test_the_line_of_the_guilty_layer_is_told() -> None:
    ill = with_layers(chain(6, 0.3), {str(place): {"source": f"model.py:{place}"} for place in range(11)})
    (finding,) = found(ill)
    assert finding.source == f"model.py:{finding.where}"


def test_the_thresholds_of_tutorials_are_asked_for() -> None:
    small = model([layer("0", 0), relu("1", 1)], [weight("0", 1e-7), weight("2", 20.0)])
    assert found(small) == []
    assert [told(row) for row in found(small, absolute=True)] == [
        ("GT140", "warning", "0.weight"),
        ("GT141", "warning", "2.weight"),
    ]
