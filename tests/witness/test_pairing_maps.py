"""The maps of arrays between frameworks: against maps written by hand, and each against its adjoint."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradtool.evidence import Mapped, Reach, Side, SideLayer
from gradtool.witness.pairing.choices import ways
from gradtool.witness.pairing.comparison import distance
from gradtool.witness.pairing.kinds import ROWS
from gradtool.witness.pairing.maps import ArrayMap, PairingError, carried, layer_maps, pulled_back
from gradtool.witness.pairing.pairs import paired

DRAWN = np.random.default_rng(7)


def layer(
    kind: str, title: str = "", name: str = "", takes: Any = (), shape: Any = (), **shapes: list[int]
) -> SideLayer:
    weights = {part: f"{name or kind}.{part}" for part in shapes}
    return SideLayer(name or kind, kind, title or kind, {}, weights, shapes, tuple(shape), list(takes))


PAIRS = {
    "dense": (layer("dense", weight=[3, 4], bias=[3]), layer("dense", "D", kernel=[4, 3], bias=[3])),
    "conv2d": (layer("conv2d", weight=[6, 2, 3, 5], bias=[6]), layer("conv2d", "C", kernel=[3, 5, 2, 6], bias=[6])),
    "depthwise": (layer("conv1d", weight=[6, 1, 4], bias=[6]), layer("depthwise1d", kernel=[4, 3, 2], bias=[6])),
    "transposed": (
        layer("conv_transpose2d", weight=[2, 6, 3, 5], bias=[6]),
        layer("conv_transpose2d", "T", kernel=[3, 5, 6, 2], bias=[6]),
    ),
    "batch norm": (
        layer("batch_norm", weight=[3], bias=[3], running_mean=[3], running_var=[3]),
        layer("batch_norm", "B", gamma=[3], beta=[3], moving_mean=[3], moving_variance=[3]),
    ),
    "lstm": (
        layer("lstm", weight_ih=[8, 3], weight_hh=[8, 2], bias_ih=[8], bias_hh=[8]),
        layer("lstm", "L", kernel=[3, 8], recurrent_kernel=[2, 8], bias=[8]),
    ),
    "gru": (
        layer("gru", weight_ih=[6, 3], weight_hh=[6, 2], bias_ih=[6], bias_hh=[6]),
        layer("gru", "G", kernel=[3, 6], recurrent_kernel=[2, 6], bias=[2, 6]),
    ),
    "gru, one bias": (
        layer("gru", weight_ih=[6, 3], weight_hh=[6, 2], bias_ih=[6], bias_hh=[6]),
        layer("gru", "G", kernel=[3, 6], recurrent_kernel=[2, 6], bias=[6]),
    ),
    "attention": (
        layer("attention", in_proj_weight=[12, 4], in_proj_bias=[12], out_weight=[4, 4], out_bias=[4]),
        layer(
            "attention", "A", query_kernel=[4, 2, 2], query_bias=[2, 2], key_kernel=[4, 2, 2], key_bias=[2, 2],
            value_kernel=[4, 2, 2], value_bias=[2, 2], output_kernel=[2, 2, 4], output_bias=[4],
        ),
    ),
    "prelu": (layer("prelu", weight=[3]), layer("prelu", "P", alpha=[4, 5, 3])),
}  # fmt: skip


def maps_of(name: str, flattened: tuple[int, ...] = ()) -> list[ArrayMap]:
    found = layer_maps(*PAIRS[name], flattened)
    assert not isinstance(found, str), found
    return found


def drawn_for(name: str) -> dict[str, Any]:
    left = PAIRS[name][0]
    return {left.weights[part]: DRAWN.standard_normal(shape) for part, shape in left.shapes.items()}


def right_of(name: str, flattened: tuple[int, ...] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """The left arrays by part, and what the maps make of them, by part."""
    left = drawn_for(name)
    made = {one.right.partition(".")[2]: carried(one, left) for one in maps_of(name, flattened)}
    return {key.partition(".")[2]: value for key, value in left.items()}, made


@pytest.mark.parametrize("name", PAIRS)
def test_every_right_array_gets_its_shape(name: str) -> None:
    right = PAIRS[name][1]
    assert {one.right: list(one.shape) for one in maps_of(name)} == {
        right.weights[part]: shape for part, shape in right.shapes.items()
    }


@pytest.mark.parametrize("name", PAIRS)
def test_the_way_back_is_the_adjoint(name: str) -> None:
    """<A x, y> = <x, A* y> for every x and y."""
    left = drawn_for(name)
    for one in maps_of(name):
        back = DRAWN.standard_normal(one.shape)
        shares = dict(pulled_back(one, back))
        assert {key: share.shape for key, share in shares.items()} == {key: left[key].shape for key in shares}
        forward = float(np.sum(carried(one, left) * back))
        assert forward == pytest.approx(sum(float(np.sum(left[key] * shares[key])) for key in shares), rel=1e-12)


def test_an_lstm_has_its_two_biases_summed_and_each_gets_the_whole_gradient_back() -> None:
    left, right = right_of("lstm")
    np.testing.assert_array_equal(right["bias"], left["bias_ih"] + left["bias_hh"])
    np.testing.assert_array_equal(right["kernel"], left["weight_ih"].T)
    (bias,) = [one for one in maps_of("lstm") if one.right == "lstm.bias"]
    gradient = DRAWN.standard_normal(8)
    assert [share.tolist() for _, share in pulled_back(bias, gradient)] == [gradient.tolist(), gradient.tolist()]


def test_a_gru_has_its_gates_in_another_order() -> None:
    left, right = right_of("gru")

    def zrh(array: Any) -> Any:
        r, z, n = np.split(array, 3)
        return np.concatenate([z, r, n])

    np.testing.assert_array_equal(right["kernel"], zrh(left["weight_ih"]).T)
    np.testing.assert_array_equal(right["bias"], np.stack([zrh(left["bias_ih"]), zrh(left["bias_hh"])]))
    left, right = right_of("gru, one bias")
    np.testing.assert_array_equal(right["bias"], zrh(left["bias_ih"]) + zrh(left["bias_hh"]))


def test_attention_has_its_joined_projection_split_into_heads() -> None:
    left, right = right_of("attention")
    q, k, v = np.split(left["in_proj_weight"], 3)
    for part, one in (("query", q), ("key", k), ("value", v)):
        np.testing.assert_array_equal(right[f"{part}_kernel"], one.T.reshape(4, 2, 2))
    np.testing.assert_array_equal(right["output_kernel"], left["out_weight"].T.reshape(2, 2, 4))


def test_convolutions() -> None:
    left, right = right_of("conv2d")
    np.testing.assert_array_equal(right["kernel"], left["weight"].transpose(2, 3, 1, 0))
    left, right = right_of("transposed")
    np.testing.assert_array_equal(right["kernel"], left["weight"].transpose(2, 3, 1, 0))
    left, right = right_of("depthwise")
    assert right["kernel"][3, 2, 1] == left["weight"][2 * 2 + 1, 0, 3]


def test_a_dense_layer_behind_flattened_images_takes_them_in_its_own_order() -> None:
    """W x is the same where x is one image in either order."""
    image = DRAWN.standard_normal((2, 1, 2))  # channels, height, width
    left, right = right_of("dense", (2, 1, 2))
    there = np.moveaxis(image, 0, -1).reshape(-1)
    np.testing.assert_allclose(there @ right["kernel"], left["weight"] @ image.reshape(-1), rtol=1e-14)


def test_every_row_of_the_table_has_been_tried() -> None:
    tried = {(left.kind.rstrip("12d") if left.kind[-2:] in ("1d", "2d") else left.kind) for left, _ in PAIRS.values()}
    assert {left for left, _ in ROWS} - tried == {"layer_norm", "group_norm", "rms_norm", "embedding", "rnn"}


# ---- partners


def side(framework: str, *layers: SideLayer, mapped: Any = ()) -> Side:
    trained = [name for one in layers for name in one.weights.values()]
    return Side(0, framework, "1", "m", "M", "float64", layers=list(layers), trained=trained, mapped=list(mapped))


def dense(name: str, units: int, size: int, *, keras: bool = False, **more: Any) -> SideLayer:
    if keras:
        return layer("dense", "Dense", name, kernel=[size, units], bias=[units], **more)
    return layer("dense", "Linear", name, weight=[units, size], bias=[units], **more)


def test_layers_of_a_kind_are_partners_in_their_order() -> None:
    left = side("PyTorch", dense("a", 3, 3), layer("activation"), dense("b", 3, 3))
    right = side("Keras", dense("x", 3, 3, keras=True), dense("y", 3, 3, keras=True))
    assert paired(left, right).calls == [(0, 0), (2, 1)]


def test_the_same_name_comes_before_the_order() -> None:
    left = side("PyTorch", dense("a", 3, 3), dense("b", 3, 3))
    right = side("Keras", dense("b", 3, 3, keras=True), dense("a", 3, 3, keras=True))
    assert dict(paired(left, right).calls) == {0: 1, 1: 0}


def test_a_flattened_image_is_known_up_to_the_next_dense_layer() -> None:
    left = side(
        "PyTorch", layer("conv2d", weight=[2, 1, 1, 1], shape=(8, 2, 3, 3)),
        layer("flatten", takes=[8, 2, 3, 3], shape=(8, 18)), dense("a", 4, 18, takes=[8, 18], shape=(8, 4)),
        dense("b", 18, 4, takes=[8, 4], shape=(8, 18)), dense("c", 2, 18, takes=[8, 18], shape=(8, 2)),
    )  # fmt: skip
    right = side(
        "Keras", layer("conv2d", "C", kernel=[1, 1, 1, 2], shape=(8, 3, 3, 2)),
        layer("flatten", takes=[8, 3, 3, 2], shape=(8, 18)), dense("a", 4, 18, keras=True, takes=[8, 18]),
        dense("b", 18, 4, keras=True, takes=[8, 4]), dense("c", 2, 18, keras=True, takes=[8, 18]),
    )  # fmt: skip
    words = {one.right: one.terms[0][3] for one in paired(left, right).maps}
    assert words["a.kernel"] == "transposed, channels first to last"
    assert words["c.kernel"] == "transposed"


def test_a_parameter_without_a_partner_is_told() -> None:
    left = side("PyTorch", layer("dense", "Linear", "a", weight=[3, 4]))
    assert paired(left, side("Keras", dense("x", 3, 4, keras=True))).lone == [("right", "x.bias", "x")]


def test_what_is_mapped_by_hand_needs_no_kind() -> None:
    left = side("PyTorch", layer("custom", "Mine", "a", w=[3, 3]), mapped=[Mapped("a.w", "x.w", [1, 0])])
    found = paired(left, side("Keras", layer("custom", "Other", "x", w=[3, 3])))
    assert found.calls == [(0, 0)]
    weights = {"a.w": DRAWN.standard_normal((3, 3))}
    np.testing.assert_array_equal(carried(found.maps[0], weights), weights["a.w"].T)


def test_custom_layers_are_paired_where_shapes_leave_no_doubt_and_refused_elsewhere() -> None:
    left = side("PyTorch", layer("custom", "Mine", "a", w=[3, 4], b=[4]))
    found = paired(left, side("Keras", layer("custom", "Other", "x", w=[4, 3], b=[4])))
    assert [one.terms[0][3] for one in found.maps] == ["transposed", "same"]
    square = side("PyTorch", layer("custom", "Mine", "a", w=[3, 3]))
    with pytest.raises(PairingError, match=r"which axes of a\.w \(3x3\)"):
        paired(square, side("Keras", layer("custom", "Mine", "a", w=[3, 3])))


@pytest.mark.parametrize(
    ("one", "other", "scale", "expected"),
    [
        ([3.0, 4.0], [3.0, 4.0], 0.0, 0.0),
        ([0.0, 5.0], [0.0, 4.0], 0.0, 0.2),
        ([1e-9, 0.0], [0.0, 0.0], 1.0, 1e-6 / 2**0.5),
        ([0.0], [0.0], 0.0, 0.0),
        ([float("nan")], [1.0], 0.0, float("inf")),
        ([float("nan")], [float("nan")], 0.0, float("nan")),
        ([float("inf")], [float("inf")], 0.0, float("nan")),
    ],
)
def test_the_distance_is_relative_to_the_larger_norm_or_to_the_scale(
    one: list[float], other: list[float], scale: float, expected: float
) -> None:
    assert distance(np.array(one), np.array(other), scale) == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_the_end_of_a_name_makes_partners_and_names_that_keras_made_do_not() -> None:
    left = side("PyTorch", *(dense(f"block.{name}", 3, 3) for name in "qkv"))
    right = side("Keras", *(dense(f"a/{name}", 3, 3, keras=True) for name in "vkq"))
    found = paired(left, right)
    assert found.anchors == {0: 2, 1: 1, 2: 0}
    assert found.contested == {}
    automatic = [
        SideLayer(one.name, one.kind, "Dense", weights=one.weights, shapes=one.shapes)
        for one in (dense("dense", 3, 3, keras=True), dense("dense_1", 3, 3, keras=True))
    ]
    found = paired(side("PyTorch", dense("dense_1", 3, 3), dense("dense", 3, 3)), side("Keras", *automatic))
    assert found.anchors == {0: 0, 1: 1}
    assert found.contested == {0: [0, 1], 1: [0, 1]}


def test_partners_that_are_settled_are_taken() -> None:
    left = side("PyTorch", dense("a", 3, 3), dense("b", 3, 3))
    right = side("Keras", dense("x", 3, 3, keras=True), dense("y", 3, 3, keras=True))
    assert paired(left, right, [[0, 1], [1, 0]]).anchors == {0: 1, 1: 0}


def test_a_line_of_a_map_settles_the_partners_of_all_that_its_layer_has() -> None:
    left = side("PyTorch", dense("a", 3, 3), dense("b", 3, 3), mapped=[Mapped("a.weight", "y.kernel", [1, 0])])
    right = side("Keras", dense("x", 3, 3, keras=True), dense("y", 3, 3, keras=True))
    found = paired(left, right)
    assert found.anchors == {0: 1, 1: 0}
    assert {one.right: one.terms[0][0] for one in found.maps} == {
        "y.kernel": "a.weight", "y.bias": "a.bias", "x.kernel": "b.weight", "x.bias": "b.bias",
    }  # fmt: skip


def reach(*changed: list[str]) -> Reach:
    return Reach(0, ["value:0", "value:1", "value:2", "output:0"], [*map(list, changed)])


def test_what_feeds_what_says_which_layer_is_which() -> None:
    """A chain of three against one whose layers are listed backwards; two that stand side by side stay open."""
    left = side("PyTorch", *(dense(name, 3, 3) for name in "abc"))
    right = side("Keras", *(dense(name, 3, 3, keras=True) for name in "xyz"))
    left.outputs.append([8, 3])
    right.outputs.append([8, 3])
    may = {place: [0, 1, 2] for place in range(3)}
    forward = reach(["value:0", "value:1", "value:2", "output:0"], ["value:1", "value:2", "output:0"],
                    ["value:2", "output:0"])  # fmt: skip
    back = reach(["value:0", "output:0"], ["value:1", "value:0", "output:0"],
                 ["value:2", "value:1", "value:0", "output:0"])  # fmt: skip
    found = ways((left, right), (forward, back), may, {})
    assert (found.found, found.certain) == ([[(0, 2), (1, 1), (2, 0)]], True)
    beside = reach(["value:0", "value:2", "output:0"], ["value:1", "value:2", "output:0"], ["value:2", "output:0"])
    found = ways((left, right), (beside, beside), may, {})
    assert sorted(found.found) == [[(0, 0), (1, 1), (2, 2)], [(0, 1), (1, 0), (2, 2)]]
    assert not found.certain
    assert ways((left, right), (forward, beside), may, {}).found == []
