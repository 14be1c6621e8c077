"""gradtool.check on live functions: the verdict, what is left untouched, and what is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import gradtool
from gradtool.testing import assert_gradient


class Cube(torch.autograd.Function):
    """x**3 with its gradient, times a factor that tests change."""

    factor = 1.0

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return Cube.factor * 3 * x**2 * upstream


@dataclass(frozen=True)
class Batch:
    x: torch.Tensor
    w: torch.Tensor


@pytest.fixture
def tensorflow() -> Any:
    return pytest.importorskip("tensorflow")


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cube, "factor", 1.01)


def test_a_right_gradient_is_true_and_says_how_it_is_known() -> None:
    result = gradtool.check(Cube, torch.tensor([1.5, -2.0], dtype=torch.float64))
    assert result
    assert result.verdict == "verified"
    assert [entry.autodiff for entry in result.entries] == [6.75, 12.0]
    assert [float(entry.symbolic) for entry in result.entries] == [6.75, 12.0]
    assert "x**3" in repr(result)


@pytest.mark.usefixtures("off")
@pytest.mark.parametrize("exact", [True, False])
def test_a_wrong_one_is_false_with_every_entry_named(exact: Any) -> None:
    result = gradtool.check(Cube.apply, [torch.tensor([1.5, -2.0], dtype=torch.float64)], exact=exact)
    assert not result
    assert [entry.label for entry in result.entries if entry.verdict == "wrong"] == ["x[0]", "x[1]"]
    assert {"GT001", "GT230"} <= {finding.code for finding in result.findings}
    assert any("1.01 times" in finding.message for finding in result.findings)


@pytest.mark.usefixtures("off")
def test_assert_gradient_raises_with_the_report() -> None:
    with pytest.raises(AssertionError, match=r"(?s)the gradient is wrong.*x\[0\].*autodiff"):
        assert_gradient(Cube, torch.tensor([1.5], dtype=torch.float64))


def test_everything_of_the_caller_is_left_as_it_was() -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.Dropout(0.5))
    x = torch.randn(4, 3, requires_grad=True)
    layer(x).sum().backward()
    kept = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    grads = {name: parameter.grad.clone() for name, parameter in layer.named_parameters()}
    at, grad, state, threads = x.detach().clone(), x.grad.clone(), torch.get_rng_state(), torch.get_num_threads()
    assert gradtool.check(layer, x)
    assert torch.equal(x.detach(), at)
    assert torch.equal(x.grad, grad)
    assert x.requires_grad
    assert layer.training
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert all(torch.equal(tensor, kept[name]) for name, tensor in layer.state_dict().items())
    assert all(torch.equal(parameter.grad, grads[name]) for name, parameter in layer.named_parameters())


def test_an_upstream_gradient_weighs_the_outputs() -> None:
    x, upstream = torch.tensor([1.0, 2.0], dtype=torch.float64), torch.tensor([1.0, -0.5], dtype=torch.float64)
    result = gradtool.check(Cube, x, upstream=upstream)
    assert [entry.autodiff for entry in result.entries] == [3.0, -6.0]
    with pytest.raises(ValueError, match=r"upstream gradient has shape 3, the output has shape 2"):
        gradtool.check(Cube, x, upstream=[1, 2, 3])


def test_inputs_by_name_and_by_wrt() -> None:
    def scaled(x: torch.Tensor, *, by: torch.Tensor) -> torch.Tensor:
        return (x * by).sum()

    tensors = {"x": torch.tensor([1.0, 2.0]), "by": torch.tensor([3.0, 4.0])}
    result = gradtool.check(scaled, tensors, wrt=["by"])
    assert [(entry.label, entry.autodiff) for entry in result.entries] == [("by[0]", 1.0), ("by[1]", 2.0)]
    with pytest.raises(ValueError, match="wrt names z; the inputs are x, by"):
        gradtool.check(scaled, tensors, wrt=["z"])


@pytest.mark.parametrize(
    ("function", "inputs", "error", "told"),
    [
        (math.sin, 1.0, TypeError, "neither PyTorch nor TensorFlow"),
        (torch.sin, torch.tensor([1, 2]), ValueError, "no floating-point tensor"),
        ("x**2", torch.tensor([1.0]), TypeError, "can't be called with tensors"),
        (torch.sin, torch.tensor([1.0, math.nan]), ValueError, "holds NaN"),
        (torch.sin, torch.tensor([1.0, math.inf]), ValueError, "holds Inf"),
        (torch.sin, torch.zeros(0, 3), ValueError, "0 entries"),
        (lambda _: None, torch.tensor([1.0]), ValueError, "it returned no tensor"),
        (lambda x: (x > 0).sum(), torch.tensor([1.0]), ValueError, "only int64"),
    ],
)
def test_what_can_t_be_checked_is_refused(function: Any, inputs: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        gradtool.check(function, inputs)


def test_what_the_function_raises_is_passed_on() -> None:
    with pytest.raises(RuntimeError, match="size of tensor"):
        gradtool.check(lambda x, y: x + y, [torch.zeros(2), torch.zeros(3)])


def test_tensorflow_too(tensorflow: Any) -> None:
    @tensorflow.custom_gradient
    def doubled(x: Any) -> Any:
        return x * x, lambda upstream: upstream * 4 * x

    result = gradtool.check(doubled, tensorflow.constant([1.0, -3.0], tensorflow.float64))
    assert not result
    assert result.records[0].framework == "tensorflow"
    assert any(finding.code == "GT230" and "2 times" in finding.message for finding in result.findings)
    assert gradtool.check(lambda x: x * x, tensorflow.constant([1.0, -3.0], tensorflow.float64))


def test_one_wrong_entry_among_many_is_named() -> None:
    class Off(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return torch.tanh(x)

        @staticmethod
        def backward(ctx: Any, upstream: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            found = upstream * (1 - torch.tanh(x) ** 2)
            found[17, 3] *= 1.01
            return found

    x = torch.tensor(np.random.default_rng(1).normal(size=(100, 100)))
    result = gradtool.check(Off, x, exact=False)
    assert [entry.label for entry in result.entries if entry.verdict == "wrong"] == ["x[17,3]"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"order": 0}, ValueError),
        ({"order": 3}, ValueError),
        ({"order": "1"}, TypeError),
        ({"seed": "a"}, TypeError),
        ({"seed": -1}, ValueError),
        ({"wrt": [1]}, TypeError),
    ],
)
def test_options_are_looked_at_before_anything_runs(options: dict[str, Any], error: type[Exception]) -> None:
    def never(_: Any) -> Any:
        raise AssertionError

    with pytest.raises(error, match=next(iter(options))):
        gradtool.check(never, torch.ones(2), **options)


def test_wrt_as_a_text_is_one_name_or_several() -> None:
    xy, z = torch.tensor(2.0, dtype=torch.float64), torch.tensor(3.0, dtype=torch.float64)
    assert [one.label for one in gradtool.check(lambda xy, z: xy * z, [xy, z], wrt="xy").entries] == ["xy"]
    assert [one.label for one in gradtool.check(lambda xy, z: xy * z, [xy, z], wrt="xy, z").entries] == ["xy", "z"]


def test_tensors_in_the_fields_of_a_dataclass_are_differentiated() -> None:
    batch = Batch(torch.tensor(2.0, dtype=torch.float64), torch.tensor(5.0, dtype=torch.float64))
    result = gradtool.check(lambda b: b.x * b.w**2, [batch])
    assert result
    assert {one.label: one.autodiff for one in result.entries} == {"b.x": 25.0, "b.w": 20.0}
    assert batch.w == 5.0


def test_what_could_not_be_checked_is_not_true(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not gradtool.CheckResult([])
    monkeypatch.setattr("gradtool.testing.check", lambda *_, **__: gradtool.CheckResult([]))
    with pytest.raises(AssertionError, match="the gradient could not be checked"):
        assert_gradient(Cube, torch.ones(1))


@pytest.mark.parametrize("block", [torch.no_grad, torch.inference_mode])
def test_a_block_without_gradients_does_not_keep_it_from_checking(block: Any) -> None:
    with block():
        assert gradtool.check(Cube, torch.tensor([1.5, -2.0], dtype=torch.float64) * 2, exact=False)
        assert not torch.is_grad_enabled()


def test_a_tf_function_is_told_to_check_outside(tensorflow: Any) -> None:
    @tensorflow.function(autograph=False)  # type: ignore[untyped-decorator]
    def traced(x: Any) -> Any:
        gradtool.check(tensorflow.sin, x)
        return x

    with pytest.raises(TypeError, match=r"inside a tf.function"):
        traced(tensorflow.constant([1.0, 2.0]))


@pytest.mark.parametrize("summed", [False, True])
def test_a_gradient_of_another_shape_is_told_and_no_crash(tensorflow: Any, summed: bool) -> None:
    @tensorflow.custom_gradient  # type: ignore[untyped-decorator]
    def shifted(x: Any, b: Any) -> Any:
        return x + b, lambda g: (g, tensorflow.reduce_sum(g, 0) if summed else g)

    x, b = tensorflow.ones((4, 3), tensorflow.float64), tensorflow.ones(3, tensorflow.float64)
    result = gradtool.check(shifted, (x, b), exact=False)
    assert bool(result) == summed
    assert result.verdict == ("verified" if summed else "wrong")
    assert [(one.code, one.where) for one in result.findings] == ([] if summed else [("GT206", "b")])
