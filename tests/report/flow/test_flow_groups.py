"""Many names as few groups, and figures as text: laws that hold for any names and numbers."""

from __future__ import annotations

import math

import pytest
from handmade_flow import parameter
from hypothesis import given, settings
from hypothesis import strategies as st

from gradtool.report.flow.experiments import thinned
from gradtool.report.flow.figures import bar_text, decades, share, sparkline
from gradtool.report.flow.groups import grouped
from gradtool.report.flow.row import row, rows_together

LAW = settings(derandomize=True, deadline=None, max_examples=200)
NAMES = st.lists(st.from_regex(r"[ab][0-9]?([./][ab0-9]{1,2}){0,3}", fullmatch=True), max_size=60)
SIZES = st.floats(min_value=0.0) | st.just(math.nan)


@LAW
@given(names=NAMES, most=st.integers(5, 40))
def test_every_name_is_in_one_group_and_groups_keep_the_order(names: list[str], most: int) -> None:
    groups = grouped(names, 4, most)
    assert sorted(place for group in groups for place in group.places) == list(range(len(names)))
    assert [group.places[0] for group in groups if group.places] == sorted(g.places[0] for g in groups if g.places)
    assert len(groups) <= most


def test_few_names_stay_alone() -> None:
    names = ["a.weight", "a.bias", "b/kernel", "c"]
    assert [group.name for group in grouped(names)] == names


def test_like_modules_are_opened_together() -> None:
    """A transformer of 12 layers: each layer is a row, and what stands alone keeps its own."""
    parts = ["attention.q.weight", "attention.q.bias", "mlp.up.weight", "mlp.up.bias"]
    names = ["embed.word", "embed.place", *(f"encoder.layer.{n}.{part}" for n in range(12) for part in parts), "head"]
    assert [group.name for group in grouped(names, 20, 20)] == [
        "embed.word", "embed.place", *(f"encoder.layer.{n}" for n in range(12)), "head",
    ]  # fmt: skip
    opened = [group.name for group in grouped(names, 30, 30)]
    assert opened[2:5] == ["encoder.layer.0.attention.q", "encoder.layer.0.mlp.up", "encoder.layer.1.attention.q"] or (
        opened[2:5] == ["encoder.layer.0.attention", "encoder.layer.0.mlp", "encoder.layer.1.attention"]
    )


def test_a_long_list_is_told_in_stretches() -> None:
    keras = [f"conv_{number}/{part}" for number in range(100) for part in ("kernel", "bias")]
    groups = grouped(keras, 40, 20)
    assert [group.name for group in groups][:2] == ["conv_0 to conv_4", "conv_5 to conv_9"]
    assert len(groups) == 20


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 10**6, "<0.1 %"),
        (10**6 - 1, 10**6, ">99.9 %"),
        (1, 3, "33.3 %"),
        (0, 0, "-"),
    ],
)
def test_a_share_is_whole_only_where_it_is(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


@LAW
@given(values=st.lists(SIZES, max_size=20))
def test_every_positive_number_has_a_bar_and_nothing_else(values: list[float]) -> None:
    axis = decades(values)
    for value in values:
        length = axis.place(value)
        assert 0 <= length <= 1
        assert (length > 0) == (value > 0)
        for unicode in (True, False):
            assert bool(bar_text(length, 8, unicode=unicode)) == (value > 0)
            assert len(bar_text(length, 8, unicode=unicode)) <= 8


@LAW
@given(values=st.lists(st.floats(), max_size=20))
def test_a_curve_has_a_sign_for_each_value(values: list[float]) -> None:
    for unicode in (True, False):
        drawn = sparkline(values, unicode=unicode)
        assert [sign == "x" for sign in drawn] == [not math.isfinite(value) for value in values]
    assert sparkline(values, unicode=False).isascii()


@LAW
@given(count=st.integers(0, 5000), most=st.integers(2, 50))
def test_thinning_keeps_both_ends(count: int, most: int) -> None:
    places = thinned(count, most)
    assert len(places) == min(count, most)
    assert places == sorted(set(places))
    assert not count or (places[0], places[-1]) == (0, count - 1)


def test_a_module_is_one_long_gradient() -> None:
    """Its figures are those of all its numbers in one tensor."""
    parts = [parameter("m.a", (4,), 3.0, 0.5), parameter("m.b", (12,), 1.0, 0.5), parameter("m.c", (7,), None)]
    whole = rows_together("m", [row(part, {}) for part in parts])
    assert (whole.name, whole.shape, whole.count) == ("m", "3 tensors", 16)
    assert whole.norm == pytest.approx(math.sqrt(4 * 9 + 12))
    assert whole.rms == pytest.approx(math.sqrt(3))
    assert whole.ratio == pytest.approx(2 * math.sqrt(3))
    assert whole.flags == ("1 none",)
