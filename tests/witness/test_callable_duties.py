"""The corpus of callables: each planted breach of a duty is really there."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from derived import ROUNDING, apart, far


def broken(world: SimpleNamespace, duty: str) -> list[Any]:
    return [case for case in world.cases.values() if case.where == duty]


IN_TORCH = pytest.mark.parametrize("world", ["torch"], indirect=True)
IN_TENSORFLOW = pytest.mark.parametrize("world", ["tensorflow"], indirect=True)


def test_every_duty_is_broken_somewhere(world: SimpleNamespace) -> None:
    duties = importlib.import_module("callables_case").DUTIES
    lacking = {"torch": [], "tensorflow": ["cut_off", "modifies_upstream", "forward_mode", "batched"]}
    assert [duty for duty in duties if not broken(world, duty)] == lacking[world.name]


@IN_TORCH
def test_pytorch_sums_a_larger_gradient_and_refuses_a_smaller_one(world: SimpleNamespace) -> None:
    larger, smaller = broken(world, "shape")
    function, inputs = larger.build()
    assert np.array_equal(world.derived(function, inputs)["x"], 3 * world.derived(larger.plain(), inputs)["x"])
    with pytest.raises(RuntimeError, match="invalid gradient at index 0"):
        world.derived(*smaller.build())


@IN_TENSORFLOW
def test_tensorflow_hands_out_a_gradient_of_another_shape_or_dtype(world: SimpleNamespace) -> None:
    cases = broken(world, "shape")
    shapes = {case.name: [list(one.shape) for one in world.raw(*case.build()).values()] for case in cases}
    assert shapes == {"larger_shape": [[3, 4]], "smaller_shape": [[]], "bias_not_summed": [[2, 2], [2, 2]]}
    (case,) = broken(world, "dtype")
    assert world.raw(*case.build())["x"].dtype.name == "float32"


@IN_TORCH
def test_the_upstream_gradient_is_modified(world: SimpleNamespace) -> None:
    import torch  # noqa: PLC0415

    (case,) = broken(world, "modifies_upstream")
    function, inputs = case.build()
    x, upstream = inputs["x"].clone().requires_grad_(), torch.ones(4, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(function(x), x, upstream)
    assert torch.equal(gradient, 2 * x)
    assert torch.equal(upstream, 2 * x)


@IN_TORCH
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own, at its first dual number
def test_forward_mode_disagrees(world: SimpleNamespace) -> None:
    import torch  # noqa: PLC0415

    (case,) = broken(world, "forward_mode")
    function, inputs = case.build()
    along = torch.ones(4, dtype=torch.float64)
    with torch.autograd.forward_ad.dual_level():
        x = torch.autograd.forward_ad.make_dual(inputs["x"], along)
        slope = torch.autograd.forward_ad.unpack_dual(function(x)).tangent
    assert torch.equal(slope, inputs["x"])


@IN_TORCH
def test_a_batch_of_gradients_disagrees_with_one_at_a_time(world: SimpleNamespace) -> None:
    import torch  # noqa: PLC0415

    (case,) = broken(world, "batched")
    function, inputs = case.build()
    _, pulled = torch.func.vjp(function, inputs["x"])
    rows = torch.eye(4, dtype=torch.float64)
    single = torch.stack([pulled(row)[0] for row in rows])
    assert torch.equal(single, torch.diag(2 * inputs["x"]))
    assert torch.equal(torch.func.vmap(pulled)(rows)[0], 2 * inputs["x"] * rows.roll(1, 0))


def test_upstream_is_not_used_as_a_factor(world: SimpleNamespace) -> None:
    for case in broken(world, "upstream_ignored"):
        function, inputs = case.build()
        once, thrice = (world.derived(function, inputs, scale=scale)["x"] for scale in (1, 3))
        assert far(thrice, 3 * once) > 0.1, case.name


def test_none_stands_where_the_output_depends(world: SimpleNamespace) -> None:
    for case in broken(world, "none") + broken(world, "cut_off"):
        function, inputs = case.build()
        found, true = world.derived(function, inputs), world.derived(case.plain(), inputs)
        missing = [name for name, g in found.items() if g is None]
        assert len(missing) == 1, case.name
        assert np.abs(true[missing[0]]).max() > 0.1, case.name


@IN_TORCH
def test_the_graph_leads_back_to_all_but_what_is_cut_off(world: SimpleNamespace) -> None:
    def reached(node: Any) -> set[int]:
        own = {id(node.variable)} if hasattr(node, "variable") else set()
        return own.union(*(reached(before) for before, _ in node.next_functions if before is not None))

    for duty, away in (("none", 0), ("cut_off", 1)):
        for case in broken(world, duty):
            function, inputs = case.build()
            leaves = world.leaves_of(inputs, wide=False)
            (output,) = world.called(function, inputs, leaves)
            asked = {id(one) for one in world.trained(function, leaves).values()}
            assert len(asked - reached(output.grad_fn)) == away, case.name


def test_what_is_cut_of_second_order_is_0(world: SimpleNamespace) -> None:
    for case in broken(world, "second_order_cut"):
        assert not world.derived(*case.build(), order=2)["x"].any(), case.name
    for case in broken(world, "second_order"):
        assert world.derived(*case.build(), order=2)["x"].any(), case.name


def test_the_gradient_varies_between_runs(world: SimpleNamespace) -> None:
    for case in broken(world, "nondeterministic"):
        function, inputs = case.build()
        assert len({world.derived(function, inputs)["x"].tobytes() for _ in range(24)}) > 1, case.name
    function, inputs = world.cases["rounding_differs_between_runs"].build()
    runs = np.array([world.derived(function, inputs)["x"] for _ in range(24)])
    assert 0 < np.ptp(runs, axis=0).max() <= 2**-51


def test_an_input_is_modified(world: SimpleNamespace) -> None:
    for case in broken(world, "modifies_input"):
        function, inputs = case.build()
        leaves = world.leaves_of(inputs, wide=False)
        before = {**world.arrays(function, leaves)}
        outputs = world.called(function, inputs, leaves)
        if hasattr(outputs[0], "backward"):
            sum(y.sum() for y in outputs).backward()
        after = world.arrays(function, leaves)
        assert any(not np.array_equal(after[name], one) for name, one in before.items()), case.name


def test_the_second_derivative_alone_is_wrong(world: SimpleNamespace) -> None:
    for case in broken(world, "second_order") + broken(world, "second_order_cut"):
        function, inputs = case.build()
        first, second = (
            apart(world.derived(function, inputs, order=order), world.derived(case.plain(), inputs, order=order))
            for order in (1, 2)
        )
        assert max(first.values()) <= ROUNDING[case.dtype], case.name
        assert max(second.values()) > 0.1, (case.name, second)


def test_the_gradient_has_another_dtype_or_its_digits(world: SimpleNamespace) -> None:
    """PyTorch turns it into the input's dtype without a word; that half of the digits are lost is what remains."""
    for case in broken(world, "dtype"):
        function, inputs = case.build()
        found, true = world.derived(function, inputs)["x"], world.derived(case.plain(), inputs)["x"]
        assert 1e-9 < far(found, true) < 1e-6
        assert np.array_equal(found, found.astype(np.float32))


def test_the_state_of_earlier_calls_matters(world: SimpleNamespace) -> None:
    for case in broken(world, "state"):
        function, inputs = case.build()
        once, again, between = (world.gradient_beside(function, inputs, beside=one) for one in (False, False, True))
        assert far(again, once) > 1e-4 or far(between, once) > 1e-4, case.name


@IN_TENSORFLOW
def test_tensorflow_leaves_a_custom_gradient_out_when_called_by_keyword(world: SimpleNamespace) -> None:
    """Why gradtool calls by place: by keyword the fault would not be seen (tensorflow/tensorflow#65839)."""
    case = next(case for case in broken(world, "upstream_ignored") if case.name == "ignores_upstream")
    function, inputs = case.build()
    by_keyword = world.derived(lambda x: function(x=x), inputs)["x"]
    assert np.array_equal(by_keyword, world.derived(case.plain(), inputs)["x"])
    assert not np.array_equal(by_keyword, world.derived(function, inputs)["x"])
