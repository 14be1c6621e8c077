"""Contract checks on PyTorch functions: a planted fault of every kind is told, and its healthy twin is not."""

# ruff: noqa: ARG001, ARG003, ARG004, ARG005 - a backward pass is given more than it needs
from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gradtool.evidence import Breach, CallableRequest
from gradtool.witness.callable.subject import Origin, coarsest
from gradtool.witness.pytorch.callable.contract import breaches
from gradtool.witness.pytorch.callable.subject import subject_of

torch.set_num_threads(1)
Backward = Callable[..., Any]


def vector(*numbers: float, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.tensor(numbers or (0.7, -1.3, 2.1, 0.4), dtype=dtype)


def found(
    function: Callable[..., Any], *arguments: Any, order: int = 1, wrt: tuple[str, ...] = (), seed: int = 3
) -> list[Breach]:
    origin = Origin("f", "function", "ops.py:1")
    subject = subject_of(function, arguments or (vector(),), {}, ["x", "y", "z"], origin, seed, wrt)
    return breaches(subject, CallableRequest(1, "ops.py", order=order, seed=seed), "given")


def kinds(function: Callable[..., Any], *arguments: Any, **settings: Any) -> set[str]:
    return {breach.kind for breach in found(function, *arguments, **settings)}


def operation(forward: Callable[..., Any], backward: Backward, **methods: Any) -> Callable[..., Any]:
    """An autograd Function from a forward over tensors and a backward over (ctx, upstream, *saved)."""

    def run(ctx: Any, *inputs: Any) -> Any:
        ctx.save_for_backward(*(part for part in inputs if isinstance(part, torch.Tensor)))
        return forward(*inputs)

    def back(ctx: Any, *upstream: Any) -> Any:
        return backward(ctx, *upstream, *ctx.saved_tensors)

    body = {"forward": staticmethod(run), "backward": staticmethod(back)} | methods
    made: Any = type("Planted", (torch.autograd.Function,), body)
    return made.apply  # type: ignore[no-any-return]


# ---- upstream


NOT_LINEAR: dict[str, tuple[Backward, str]] = {
    "ignored": (lambda ctx, g, x: 2 * x, "upstream_ignored"),
    "constant added": (lambda ctx, g, x: 2 * x * g + 0.25, "upstream_nonlinear"),
    "clipped near": (lambda ctx, g, x: (2 * x * g).clamp(-1, 1), "upstream_nonlinear"),
    "clipped far": (lambda ctx, g, x: (2 * x * g).clamp(-100, 100), "upstream_nonlinear"),
    "small ones dropped": (lambda ctx, g, x: torch.where(g.abs() < 1e-2, 0 * x, 2 * x * g), "upstream_nonlinear"),
    "sign only": (lambda ctx, g, x: 2 * x * g.sign(), "upstream_ignored"),
    "positive only": (lambda ctx, g, x: 2 * x * g.relu(), "upstream_nonlinear"),
    "square": (lambda ctx, g, x: 2 * x * g * g, "upstream_nonlinear"),
    "by its largest": (lambda ctx, g, x: 2 * x * g.abs().max() * g.sign(), "upstream_nonlinear"),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_a_gradient_that_is_not_linear_in_the_upstream_gradient_is_told(name: str) -> None:
    backward, kind = NOT_LINEAR[name]
    told = found(operation(lambda x: x * x, backward))
    assert [breach.kind for breach in told if breach.kind.startswith("upstream")] == [kind]


def test_what_fails_is_said() -> None:
    (told,) = found(operation(lambda x: x * x, lambda ctx, g, x: 2 * x))
    assert told == Breach(
        "upstream_ignored", "x", "the gradient does not change when the upstream gradient doubles", 1.0, "given"
    )


def test_only_the_input_that_ignores_it_is_accused() -> None:
    told = found(operation(lambda x, y: x * y, lambda ctx, g, x, y: (g * y, x)), vector(), vector(1, 2, 3, 4))
    assert {(breach.kind, breach.variable) for breach in told} == {("upstream_ignored", "y")}


# ---- healthy


class Recurrent(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cell = torch.nn.GRUCell(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = x.new_zeros(2, 4)
        for step in x:
            state = self.cell(step, state)
        return state


def needing(ctx: Any, g: Any, x: Any, y: Any) -> Any:
    return g * y if ctx.needs_input_grad[0] else None, g * x if ctx.needs_input_grad[1] else None


def norm(x: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.nn.functional.layer_norm(1000 + x, x.shape[-1:])


def draws(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).normal(size=shape)).to(dtype)


HEALTHY: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "square": (operation(lambda x: x * x, lambda ctx, g, x: 2 * x * g), (vector(),)),
    "needs_input_grad": (operation(lambda x, y: x * y, needing), (vector(), vector(1, 2, 3, 4))),
    "batch norm": (torch.nn.BatchNorm1d(3).double().train(), (draws(5, 3),)),
    "batch norm float32": (torch.nn.BatchNorm1d(3).train(), (draws(5, 3, dtype=torch.float32),)),
    "dropout in evaluation": (torch.nn.Dropout(0.5).eval(), (vector(),)),
    "recurrent": (Recurrent().double(), (draws(5, 2, 3),)),
    "recurrent float32": (Recurrent(), (draws(5, 2, 3, dtype=torch.float32),)),
    "views": (lambda x: (x.view(2, 2).T, x[1:]), (vector(),)),
    "tuple": (lambda x, y: (x * y, {"sum": x + y}), (vector(), vector(1, 2, 3, 4))),
    "identity": (lambda x: x, (vector(),)),
    "constant": (lambda x: torch.ones(3, dtype=torch.float64), (vector(),)),
    "zeros": (lambda x: x * 0, (vector(),)),
    "nothing depends on y": (lambda x, y: x * 2, (vector(), vector())),
    "floor": (lambda x: torch.floor(x) + 0 * x, (vector(),)),
    "stairs cut off": (lambda x: torch.floor(x).detach(), (vector(),)),
    "integers": (lambda x, y: x[y].cumsum(0), (vector(), torch.tensor([0, 2, 2, 1]))),
    "indices beside values": (lambda x: torch.max(x.view(2, 2), 1), (vector(),)),
    "complex": (lambda x: (x * x.conj()).real + x.imag, (torch.complex(vector(), vector(1, 2, 3, 4)),)),
    "float32": (lambda x: torch.softmax(x, 0) * torch.sin(x), (vector(dtype=torch.float32),)),
    "bfloat16": (lambda x: torch.softmax(x, 0) * torch.sin(x), (vector(dtype=torch.bfloat16),)),
    "float16": (lambda x: torch.tanh(x).sum() * x, (vector(dtype=torch.float16),)),
    "mixed dtypes": (lambda x, y: x.double() @ y.double(), (vector(dtype=torch.float32), vector())),
    "cancellation": (norm, (draws(3, 7, dtype=torch.float32),)),
    "matrix": (lambda x: torch.linalg.inv(x @ x.T + torch.eye(4, dtype=x.dtype)), (draws(4, 4),)),
    "another algorithm at another scale": (torch.linalg.matrix_exp, (draws(3, 3),)),
    "logarithms of gradients": (lambda x: torch.logcumsumexp(x, 0), (draws(20),)),
    "strided complex": (lambda x: (x.T @ x).sum(0), (torch.complex(draws(3, 3), draws(3, 3)),)),
    "a domain": (lambda x: torch.log(x) + torch.sqrt(1 - x), (vector(0.2, 0.5, 0.9),)),
    "symmetric": (lambda x: torch.linalg.cholesky((x + x.T) / 2), (torch.eye(3, dtype=torch.float64) * 2 + 0.1,)),
    "relu at 0": (torch.relu, (vector(0.0, 1.0, -1.0, 0.0),)),
    "huge": (lambda x: x**3, (vector(1e100, -3e90, 5e-100, 1.0),)),
    "tiny float32": (lambda x: x * x, (vector(1e-30, 3e-25, 1e-3, dtype=torch.float32),)),
    "empty": (lambda x: x * 2, (torch.zeros(0, 3, dtype=torch.float64),)),
    "scalar": (torch.exp, (torch.tensor(0.5, dtype=torch.float64),)),
    "larger dtype inside": (
        operation(lambda x: x * x, lambda ctx, g, x: (2 * x.double() * g.double()).to(x.dtype)),
        (vector(dtype=torch.float32),),
    ),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_function_breaks_nothing(name: str, order: int) -> None:
    function, arguments = HEALTHY[name]
    assert found(function, *arguments, order=order) == []


# ---- None


def test_none_from_a_backward_is_told_from_a_graph_that_is_cut() -> None:
    returns_none = operation(lambda x, y: x * y, lambda ctx, g, x, y: (g * y, None))
    two = (vector(), vector(1, 2, 3, 4))
    (told,) = found(returns_none, *two)
    assert (told.kind, told.variable) == ("none", "y")
    (told,) = found(lambda x, y: x * y.detach(), *two)
    assert (told.kind, told.variable) == ("cut_off", "y")


def test_a_function_that_is_cut_off_altogether() -> None:
    assert kinds(lambda x: x.detach() ** 2) == {"cut_off"}
    assert kinds(lambda x: torch.tensor(np.sin(x.detach().numpy()))) == {"cut_off"}
    assert kinds(lambda x: x.detach() ** 2, vector(dtype=torch.bfloat16)) == {"cut_off"}


def test_many_inputs_without_a_gradient_are_not_tried_one_by_one() -> None:
    def cut(x: list[torch.Tensor]) -> torch.Tensor:
        return x[0] + sum(part.detach() for part in x[1:])  # type: ignore[no-any-return]

    told = found(cut, [vector() for _ in range(20)])
    assert len(told) == 9
    assert "11 more inputs" in told[-1].told


def test_one_result_of_two_that_is_cut_off() -> None:
    told = found(lambda x: (x * x, (x * 3).detach()))
    assert [(breach.kind, breach.variable) for breach in told] == [("cut_result", "output 1")]
    assert found(lambda x: (x * x, torch.ones(2))) == []


# ---- shapes and dtypes


def test_what_autograd_sums_or_converts_silently_is_told() -> None:
    wide = operation(lambda x: x * 2, lambda ctx, g, x: (g * 2).expand(3, 4) / 3)
    assert kinds(wide) == {"shape_summed"}
    double = operation(lambda x: x * 2, lambda ctx, g, x: (g * 2).double())
    (told,) = found(double, vector(dtype=torch.float32))
    assert (told.kind, told.variable) == ("dtype", "x")
    assert "float64 for an input of float32" in told.told
    assert found(double) == []


def test_it_is_seen_inside_a_graph_and_beside_arguments_that_are_no_tensors() -> None:
    inner = operation(lambda n, x: x * n, lambda ctx, g, x: (None, (g * 3).double()))
    told = found(lambda x: torch.sin(inner(3, x * 2)), vector(dtype=torch.float32))
    assert [(breach.kind, breach.variable) for breach in told] == [("dtype", "")]


def test_the_class_is_left_as_it_was() -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return g * 2

    class Heir(Double):
        pass

    own = vars(Double)["backward"]
    assert found(Double.apply) == []
    assert found(Heir.apply) == []
    assert vars(Double)["backward"] is own
    assert "backward" not in vars(Heir)


def test_a_backward_that_raises_is_a_breach() -> None:
    (told,) = found(operation(lambda x: x * 2, lambda ctx, g, x: g[:2]))
    assert told.kind == "raises"
    assert "invalid gradient" in told.told
    (told,) = found(operation(lambda x: x * 2, lambda ctx, g, x: g * (2 + 1j)))
    assert told.kind == "raises"


# ---- runs


def sometimes(every: int, factor: float) -> Callable[..., Any]:
    calls = [0]

    def backward(ctx: Any, g: Any, x: Any) -> Any:
        calls[0] += 1
        return 2 * x * g * (factor if calls[0] % every == 0 else 1.0)

    return operation(lambda x: x * x, backward)


@pytest.mark.parametrize("every", [2, 3, 5, 7, 11])
@pytest.mark.parametrize("factor", [1.01, -1.0, 1 + 1e-9])
def test_a_backward_that_differs_now_and_then(every: int, factor: float) -> None:
    (told,) = found(sometimes(every, factor))
    assert told.kind == "nondeterministic_backward"
    assert told.size == pytest.approx(abs(factor - 1), rel=2e-2)


def test_a_forward_that_differs() -> None:
    draw = random.Random(1)  # noqa: S311
    assert kinds(lambda x: x * x + draw.random()) == {"nondeterministic_forward"}
    assert "nondeterministic_forward" in kinds(lambda x: x * draw.random())


def test_another_order_of_additions_is_told_as_rounding() -> None:
    draw = random.Random(1)  # noqa: S311

    def shuffled(x: torch.Tensor) -> torch.Tensor:
        order = draw.sample(range(len(x)), len(x))
        total = x.new_zeros(())
        for index in order:
            total = total + x[index] ** 2
        return total

    numbers = draws(50, dtype=torch.float32)
    assert kinds(shuffled, numbers) == {"reordered"}


def test_dropout_is_random_and_not_wrong() -> None:
    assert kinds(torch.nn.Dropout(0.5).train(), draws(20)) == {"random_forward"}


# ---- writing in place


def test_what_writes_to_its_input() -> None:
    def doubled(x: torch.Tensor) -> torch.Tensor:
        return x.mul_(2)

    told = found(operation(lambda x: doubled(x) * 1.0, lambda ctx, g, x: 2 * g))
    assert ("modifies_input", "x") in {(breach.kind, breach.variable) for breach in told}
    assert "forward" in told[0].told
    told = found(lambda x: x.data.mul_(2) * 1.0 + x)
    assert "modifies_input" in {breach.kind for breach in told}
    assert found(lambda x: x.clone().mul_(2)) == []


def test_a_backward_that_writes() -> None:
    upstream = operation(lambda x: x * 2, lambda ctx, g, x: g.mul_(2))
    assert kinds(upstream) == {"modifies_upstream"}
    saved = operation(lambda x: x * x, lambda ctx, g, x: x.detach().mul_(2) * g)
    told = found(saved)
    assert ("modifies_input", "x") in {(breach.kind, breach.variable) for breach in told}
    assert "backward" in told[0].told
    masked = operation(torch.relu, lambda ctx, g, x: g.masked_fill_(x < 0, 0.0))
    assert kinds(masked) == {"modifies_upstream"}
    harmless = operation(torch.relu, lambda ctx, g, x: g.masked_fill_(x < 0, 0.0))
    (told_one,) = found(harmless, vector(1, 2, 3))
    assert "with the numbers it had" in told_one.told


def test_an_integer_argument_that_is_written_to() -> None:
    def counted(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        y += 1
        return x * 2

    told = found(counted, vector(), torch.tensor([1, 2]))
    assert [(breach.kind, breach.variable) for breach in told] == [("modifies_input", "y")]


# ---- state


class Remembers(torch.autograd.Function):
    kept: torch.Tensor

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        Remembers.kept = x
        return x * x

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return 2 * Remembers.kept * g


class Mask(torch.nn.Module):
    """A relu whose mask lives on the module."""

    mask: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        module = self

        class Relu(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
                module.mask = x > 0
                return x.clamp(min=0)

            @staticmethod
            def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                return g * module.mask

        return Relu.apply(x)  # type: ignore[no-any-return]


def test_saved_tensors_of_another_call() -> None:
    assert kinds(Remembers.apply) == {"stale"}
    assert kinds(Mask()) == {"stale"}
    assert kinds(torch.relu) == set()


def test_results_that_depend_on_the_call_before() -> None:
    before = [vector()]

    def smoothed(x: torch.Tensor) -> torch.Tensor:
        kept, before[0] = before[0], x.detach()
        return x * x + kept

    assert "state" in kinds(smoothed)
    peak = [0.0]

    def scaled(x: torch.Tensor) -> torch.Tensor:
        peak[0] = max(peak[0], float(x.detach().abs().max()))
        return x / peak[0]

    assert "state" in kinds(scaled)


# ---- other modes


def test_a_wrong_forward_mode() -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(x: torch.Tensor) -> torch.Tensor:
            return x * x

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return 2 * ctx.saved_tensors[0] * g

        @staticmethod
        def jvp(ctx: Any, v: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return ctx.saved_tensors[0] * v

    class Right(Wrong):
        @staticmethod
        def jvp(ctx: Any, v: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return 2 * ctx.saved_tensors[0] * v

    assert kinds(Wrong.apply) == {"forward_mode"}
    assert kinds(Right.apply) == set()
    assert kinds(Wrong.apply, vector(dtype=torch.float32)) == {"forward_mode"}
    assert kinds(Wrong.apply, vector(dtype=torch.bfloat16)) == {"forward_mode"}


def test_a_function_of_symmetric_matrices_is_not_asked_about_others() -> None:
    assert kinds(torch.linalg.cholesky, torch.eye(3, dtype=torch.float64) * 2 + 0.1) == set()


def test_a_wrong_gradient_alone_breaks_no_contract() -> None:
    assert kinds(operation(lambda x: x * x, lambda ctx, g, x: 3 * x * g)) == set()
    assert kinds(operation(torch.round, lambda ctx, g, x: g)) == set()


def test_a_wrong_rule_for_vmap() -> None:
    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(g: torch.Tensor) -> torch.Tensor:
            return g * 3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return g * 3

        @staticmethod
        def vmap(info: Any, dims: Any, g: torch.Tensor) -> Any:  # type: ignore[override]
            return g * 5, dims[0]

    class Good(Scale):
        @staticmethod
        def vmap(info: Any, dims: Any, g: torch.Tensor) -> Any:  # type: ignore[override]
            return g * 3, dims[0]

    for kind, expected in ((Scale, {"batched"}), (Good, set())):

        class Outer(torch.autograd.Function):
            inner = kind

            @staticmethod
            def forward(x: torch.Tensor) -> torch.Tensor:
                return x * 3

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
                pass

            @classmethod
            def backward(cls, ctx: Any, g: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                return cls.inner.apply(g)  # type: ignore[no-any-return]

        assert kinds(Outer.apply) == expected


def test_an_operation_that_refuses_vmap_is_no_finding() -> None:
    refusing = operation(lambda x: x * 2, lambda ctx, g, x: 2 * g * float(torch.ones(1).item() + 0 * g.sum().item()))
    assert kinds(refusing) == set()


# ---- second order


CUT = operation(lambda x: x**3, lambda ctx, g, x: (3 * x * x).detach() * g)
WRONG_TWICE = operation(lambda x: x**3, lambda ctx, g, x: 3 * x * x.detach() * g)
ONCE = operation(lambda x: x**3, torch.autograd.function.once_differentiable(lambda ctx, g, x: 3 * x * x * g))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_second_derivatives(dtype: torch.dtype) -> None:
    at = vector(dtype=dtype)
    assert kinds(CUT, at, order=2) == {"second_order_cut"}
    assert kinds(CUT, at) == set()
    (told,) = found(WRONG_TWICE, at, order=2)
    assert (told.kind, told.variable) == ("second_order", "")
    assert "0.5 times" in told.told
    (told,) = found(ONCE, at, order=2)
    assert told.kind == "no_double_backward"
    assert kinds(ONCE, at) == set()
    assert kinds(operation(lambda x: x**3, lambda ctx, g, x: 3 * x * x * g), at, order=2) == set()


def test_a_linear_function_has_no_second_derivative_and_breaks_nothing() -> None:
    assert kinds(lambda x: 3 * x, order=2) == set()


# ---- cost


def test_half_a_complex_number_has_the_digits_of_float16() -> None:
    assert coarsest(["float64", "complex32"]) == "float16"


def test_the_cost_is_bounded() -> None:
    calls = [0]

    def counted(ctx: Any, g: Any, x: Any) -> Any:
        calls[0] += 1
        return 2 * x * g

    found(operation(lambda x: x * x, counted))
    assert calls[0] <= 40


def test_another_mask_under_torch_func_is_no_finding() -> None:
    """The kernel of attention that vmap takes draws its dropout in another order."""
    torch.manual_seed(0)
    encoder = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    assert kinds(encoder, torch.randn(2, 3, 4)) == {"random_forward"}


def test_a_reentrant_checkpoint_is_differentiated_as_it_allows() -> None:
    """Only ``backward()`` works, which adds to ``.grad`` of what the checkpoint uses: that is undone."""
    held = torch.tensor([0.5, 2.0, -1.0, 3.0], dtype=torch.float64, requires_grad=True)
    held.grad = torch.ones(4, dtype=torch.float64)

    def inside(x: torch.Tensor) -> torch.Tensor:
        return torch.sin(held * x)

    def saved(x: torch.Tensor) -> torch.Tensor:
        return torch.utils.checkpoint.checkpoint(inside, x, use_reentrant=True)  # type: ignore[no-any-return]

    subject = subject_of(saved, [vector()], {}, ["x"], Origin("f", "function", "ops.py:1"), 3)
    _, gradients = subject.gradient(subject.point, [np.ones(4)])
    numbers, factors = vector().numpy(), held.detach().numpy()
    np.testing.assert_allclose(gradients["x"], factors * np.cos(factors * numbers), rtol=1e-14)
    assert kinds(saved) == set()
    assert held.grad.tolist() == [1.0] * 4
    wrong = operation(lambda x: x * x, lambda ctx, g, x: 2 * x)
    assert kinds(lambda x: torch.utils.checkpoint.checkpoint(wrong, x, use_reentrant=True)) == {"upstream_ignored"}


def test_a_plain_function_that_writes_to_what_is_differentiated() -> None:
    def shifted(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        y.add_(1)
        return x * y

    (told,) = found(shifted, vector(), vector())
    assert (told.kind, told.variable) == ("modifies_input", "y")
    (told,) = found(lambda x: x.mul_(2))
    assert (told.kind, told.variable) == ("in_place", "x")
    assert found(lambda x, y: x * y.clone().add_(1), vector(), vector()) == []


@pytest.mark.parametrize("seed", [0, 1, 2, 4])
def test_a_backward_that_draws(seed: int) -> None:
    rarely = operation(lambda x: x * 2, lambda ctx, g, x: g * 2 * (1 + 1e-3 * (torch.rand(()) < 0.1)))
    (told,) = found(rarely, seed=seed)
    assert told.kind == "random_backward"
    assert told.size == pytest.approx(1e-3, rel=1e-2)
    masked = operation(lambda x: x * (torch.rand_like(x) < 0.5), lambda ctx, g, x: g * (torch.rand_like(x) < 0.5))
    assert kinds(masked, draws(20), seed=seed) == {"random_forward", "redrawn"}
    harmless = operation(lambda x: x * 2, lambda ctx, g, x: g * 2 + 0 * torch.rand(()))
    assert kinds(harmless, seed=seed) == set()


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_that_draws_the_mask_of_its_forward_again_is_healthy(reentrant: bool) -> None:
    def dropped(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.dropout(x, 0.5, training=True) * x

    def saved(x: torch.Tensor) -> torch.Tensor:
        return torch.utils.checkpoint.checkpoint(dropped, x, use_reentrant=reentrant)  # type: ignore[no-any-return]

    assert kinds(saved, draws(20)) == {"random_forward"}


def test_forward_mode_that_is_silently_zero() -> None:
    """As of ``scatter_reduce`` by products in PyTorch 2.13."""
    index = torch.tensor([0, 0, 1, 1])

    def multiplied(x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(2, dtype=x.dtype).scatter_reduce(0, index, x, "prod", include_self=False)

    class Silent(torch.autograd.Function):
        @staticmethod
        def forward(x: torch.Tensor) -> torch.Tensor:
            return x * x

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return 2 * ctx.saved_tensors[0] * g

        @staticmethod
        def jvp(ctx: Any, v: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return 0 * v

    assert kinds(Silent.apply) == {"no_forward_mode"}
    assert kinds(multiplied) == {"no_forward_mode"}
