"""The corpus of callables holds what it claims: its twins are right, and every planted fault is really there.

No check of gradtool has part in it. A right gradient is that of the framework's own rules, of high-precision formulas
or of differences; a fault is one where the gradient differs from it, or where the duty is seen to be broken.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest
from derived import ROUNDING, apart, far

BY_DIFFERENCES = {"float64": 1e-7, "float32": 1e-3}
"""The same, where the true one comes from differences."""

HIDDEN = {
    "the relative error is below the rounding of the dtype": lambda case: (
        abs(case.factor - 1) < {"bfloat16": 2**-8, "float32": 2**-24}[case.dtype]
    ),
    "no point that is tried lies beyond 1e12": lambda case: case.elsewhere,
    "the one point where it is wrong is never tried": lambda case: case.elsewhere,
}
"""Why a fault can't be seen, and whether that is so."""

SLOPES = {
    "log1p_form": lambda x: 1 / (1 + x),
    "log_of_one_plus": lambda x: 1 / (1 + x),
    "cosine_quotient": lambda x: mpmath.sin(x) / x**2 - 2 * (1 - mpmath.cos(x)) / x**3,
    "tiny_slope": lambda _x: mpmath.mpf(1e-100),
    "huge_slope": lambda _x: mpmath.mpf(1e100),
    "steep_sine": lambda x: 10**4 * mpmath.cos(10**4 * x),
    "large_offset_added": mpmath.cos,
    "constant": lambda _x: 0,
    "piecewise_constant": lambda _x: 0,
    "clamped_away": lambda _x: 0,
}
"""The derivatives of twins that act entry by entry, for numbers of 50 digits."""


def exact(world: SimpleNamespace, case: Any) -> dict[str, Any]:
    """The true gradient: by the plain function in float64, by a formula, or by differences."""
    function, inputs = case.build()
    if case.plain:
        return dict(world.derived(case.plain(), inputs, wide=True))
    if case.name in SLOPES:
        (name, x), (u,) = next(iter(world.arrays(function, inputs).items())), upstream(world, function, inputs)
        with mpmath.workdps(50):
            return {name: np.array([float(SLOPES[case.name](mpmath.mpf(float(one)))) for one in x]) * u}
    return {name: differences(world, case, name) for name in world.arrays(function, inputs) if known(inputs, name)}


def upstream(world: SimpleNamespace, function: Any, inputs: Any) -> list[Any]:
    outputs = world.called(function, inputs, world.leaves_of(inputs, wide=False))
    return [np.asarray(one) for one in world.upstream_of(outputs)]


def known(inputs: Any, name: str) -> bool:
    """Whether it is an input: parameters are differentiated by the framework alone."""
    return name in (inputs if isinstance(inputs, Mapping) else map(str, range(len(inputs))))


def differences(world: SimpleNamespace, case: Any, name: str) -> Any:
    """Central differences of fourth order, right to about 1e-9 for these functions."""
    function, inputs = case.build()
    x = np.asarray(world.arrays(function, inputs)[name])
    h = 1e-3 if case.dtype == "float64" else 0.05

    def at(index: tuple[int, ...], step: float) -> float:
        moved = np.array(x)
        moved[index] += step
        return float(world.value(function, world.replaced(inputs, name, moved)))

    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        near, wide = (at(index, step) - at(index, -step) for step in (h, 2 * h))
        gradient[index] = (8 * near - wide) / (12 * h)
    return gradient


def number_faults(world: SimpleNamespace) -> list[Any]:
    duties = importlib.import_module("callables_case").DUTIES
    return [case for case in world.cases.values() if case.fault and case.where not in duties]


def test_there_are_enough(world: SimpleNamespace) -> None:
    faults = [case for case in world.cases.values() if case.fault]
    operations = importlib.import_module(f"callables_operation_{world.name}").OPERATIONS
    assert len(operations) >= 20
    assert len(faults) >= 60
    assert len(world.cases) - len(faults) >= len(faults)
    assert {case.where.partition("[")[0] for case in faults if case.note} <= {"x"}


def test_right_ones_are_right(world: SimpleNamespace) -> None:
    wrong = {}
    for case in world.cases.values():
        if case.fault or case.name in ("tied_maximum", "rounding_differs_between_runs"):
            continue
        found, true = world.derived(*case.build()), exact(world, case)
        found = {name: found[name] for name in true}
        limit = ROUNDING[case.dtype] if case.plain or case.name in SLOPES else BY_DIFFERENCES[case.dtype]
        wrong[case.name] = {name: gap for name, gap in apart(found, true).items() if not gap <= limit}
    assert {name: gaps for name, gaps in wrong.items() if gaps} == {}


def test_a_tied_maximum_shares_what_comes_from_above(world: SimpleNamespace) -> None:
    """No derivative there: any share of the upstream gradient between the tied entries is a convention."""
    function, inputs = world.cases["tied_maximum"].build()
    (gradient,), ((u),) = world.derived(function, inputs).values(), upstream(world, function, inputs)
    assert gradient[1] == 0
    assert gradient.sum() == pytest.approx(u)
    assert (gradient / u >= 0).all()


def test_numbers_are_wrong_where_it_is_said_and_nowhere_else(world: SimpleNamespace) -> None:
    for case in number_faults(world):
        function, inputs = case.build()
        true = world.derived(case.plain(), inputs, wide=True)
        gaps, by = apart(world.derived(function, inputs), true), case.where.partition("[")[0]
        limit = ROUNDING[case.dtype]
        assert all(gap <= limit for name, gap in gaps.items() if name != by), (case.name, gaps)
        if case.elsewhere:
            assert gaps[by] <= limit, case.name
            true = world.derived(case.plain(), case.elsewhere(), wide=True)
            gaps = apart(world.derived(function, case.elsewhere()), true)
        assert gaps[by] > limit or (case.note and not case.elsewhere), (case.name, gaps)


def test_a_factor_and_an_entry_are_those_that_are_told(world: SimpleNamespace) -> None:
    told = [case for case in number_faults(world) if not case.note and (case.factor is not None or "[" in case.where)]
    assert {case.factor for case in told} >= {-1, 0, 0.5, 2, 5, 1 / 5, None}
    for case in told:
        function, inputs = case.build()
        by, _, index = case.where.partition("[")
        wrong = np.asarray(world.derived(function, inputs)[by])
        true = world.derived(case.plain(), inputs, wide=True)[by]
        if case.factor is not None:
            assert far(wrong, case.factor * true) <= ROUNDING[case.dtype], case.name
        else:
            place = tuple(int(number) for number in index.rstrip("]").split(","))
            differs = np.abs(wrong - true) > ROUNDING[case.dtype] * np.abs(true).max()
            assert [tuple(one) for one in np.argwhere(differs)] == [place], case.name


def test_what_no_test_can_see_is_truly_hidden(world: SimpleNamespace) -> None:
    noted = [case for case in world.cases.values() if case.note]
    assert {case.note for case in noted} == set(HIDDEN)
    for case in noted:
        function, inputs = case.build()
        gaps = apart(world.derived(function, inputs), world.derived(case.plain(), inputs, wide=True))
        assert gaps[case.where] <= ROUNDING[case.dtype], case.name
        assert HIDDEN[case.note](case), case.name


def test_the_right_ones_are_linear_in_upstream_and_leave_all_as_it_was(world: SimpleNamespace) -> None:
    for case in world.cases.values():
        if case.fault:
            continue
        function, inputs = case.build()
        before = world.arrays(function, inputs)
        once, thrice = (world.derived(function, inputs, scale=scale) for scale in (1, 3))
        assert {name: g is None for name, g in once.items()} == {name: g is None for name, g in thrice.items()}
        for name, g in once.items():
            assert g is None or far(thrice[name], 3 * g) <= ROUNDING[case.dtype], case.name
        after = world.arrays(function, inputs)
        assert all(np.array_equal(after[name], one) for name, one in before.items()), case.name


def test_the_operations_are_right_to_second_order(world: SimpleNamespace) -> None:
    points = importlib.import_module("callables_points").POINTS
    for name in points:
        function, inputs = world.cases[name].build()
        plain = world.cases[name].plain()
        gaps = apart(world.derived(function, inputs, order=2), world.derived(plain, inputs, order=2))
        assert max(gaps.values()) <= ROUNDING["float64"], (name, gaps)


def test_every_case_is_a_target_of_its_own(world: SimpleNamespace) -> None:
    targets = vars(importlib.import_module(f"callables_named_{world.name}"))
    found = [name for name in targets if callable(targets[name]) and f"{name}_inputs" in targets]
    assert len(found) == len(world.cases)
    assert {"cube", "cube_sign", "relu_on_its_kink", "cube_bfloat16"} <= set(found)
