"""PyTorch functions traced to expressions: the text, the numbers, the gradients, and what is refused."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Call, Variable
from gradtool.values import Array
from gradtool.witness.callable.traced import NotTraced, Traced, disagreement
from gradtool.witness.pytorch.callable.traced import traced
from gradtool.witness.pytorch.expression import PyTorch
from gradtool.witness.walk import bind, compile_tree

N, V, M, S = (), (3,), (2, 3), (3, 3)
W = torch.tensor([[0.5, -1.25, 2.0], [3.0, 0.75, -0.5]], dtype=torch.float64)


class Cube(torch.autograd.Function):
    """The older style, with a backward that is wrong on purpose."""

    @staticmethod
    def forward(ctx: Any, x: Any, scale: float) -> Any:
        ctx.save_for_backward(x)
        ctx.scale = scale
        return scale * x.detach() ** 3 if ctx.needs_input_grad[0] else x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 5 * grad * x, None


class Swish(torch.autograd.Function):
    """The newer style, with two outputs, one of them not differentiable."""

    @staticmethod
    def forward(x: Any, beta: Any) -> Any:
        return x * torch.sigmoid(beta * x), torch.floor(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, beta = inputs
        ctx.save_for_backward(x, beta)
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(_: Any, grad: Any, __: Any) -> Any:
        return grad, grad


ALIAS = Cube.apply


def standardised(x: Any) -> Any:
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(x.var(dim=-1, keepdim=True, unbiased=False) + 1e-5)


def polynomial(x: Any) -> Any:
    total = 0.0
    for power, coefficient in enumerate([1.0, -2.0, 0.5]):
        total = total + coefficient * x**power
    return total


def by_shape(x: Any) -> Any:
    assert x.dim() == 2
    assert x.ndim == len(x.shape) == 2
    rows, columns = x.size()
    return x.sum() / (rows * columns) + x.numel() * len(x) if x.size(0) == x.shape[0] else x


def gated(x: Any) -> Any:
    value, gate = x.chunk(2, dim=-1)
    return value * torch.sigmoid(gate)


def unpacked(x: Any) -> Any:
    first, second, third = x
    return first * second - third


CASES: dict[str, tuple[Callable[..., Any], dict[str, tuple[int, ...]], str | list[str]]] = {
    "issue": (lambda x, y: x**2 * y + torch.sin(x), {"x": V, "y": V}, "x**2*y + sin(x)"),
    "precedence": (lambda x, y: -((x - (y - 1)) ** 2) / (x * (y / 3)), {"x": N, "y": N},
                   "-(x - (y - 1))**2/(x*(y/3))"),
    "power of power": (lambda x, y: (x**y) ** 2 + x ** (y**2) + (-x) ** 2, {"x": N, "y": N},
                       "(x**y)**2 + x**y**2 + (-x)**2"),
    "negative numbers": (lambda x: -2 * x - (-3.5) + x**-2, {"x": V}, "-2*x - (-3.5) + x**(-2)"),
    "reversed": (lambda x: 2 - 1 / x + 2**x + x % 7, {"x": V}, "2 - 1/x + 2**x + x % 7"),
    "floors": (lambda x: x // 0.3 + 7 // x + 7 % x + torch.div(x, 0.2, rounding_mode="floor"), {"x": V},
               "x // 0.3 + 7 // x + 7 % x + x // 0.2"),
    "all digits": (lambda x: x * 0.1 + 1e-300 + 123456789.125, {"x": V}, "x*0.1 + 1e-300 + 123456789.125"),
    "abs": (lambda x: abs(x) + +x, {"x": V}, "abs(x) + x"),
    "matmul": (lambda x, y: x @ y, {"x": M, "y": V}, "x @ y"),
    "nested matmul": (lambda x, y: x @ (y @ y) * 2, {"x": M, "y": S}, "x @ (y @ y)*2"),
    "transposes": (lambda x: x.T @ x + x.t() @ x + x.transpose(0, 1) @ x + x.mT @ x, {"x": M},
                   ("transpose(x) @ x + transpose(x) @ x"
                    " + transpose(x, axes=(1, 0)) @ x + transpose(x, axes=(1, 0)) @ x")),
    "index": (lambda x: x[0] * x[1:, None] + x[..., -1] - x[::2, 1][-1], {"x": S},
              "x[0]*x[1:, None] + x[..., -1] - x[::2, 1][-1]"),
    "index of sum": (lambda x: (x + 1)[0], {"x": V}, "(x + 1)[0]"),
    "unpacked": (unpacked, {"x": V}, "x[0]*x[1] - x[2]"),
    "methods": (lambda x: x.sin().exp().sum() + x.mean(1).max() - x.prod(), {"x": M},
                "sum(exp(sin(x))) + amax(mean(x, axis=1)) - prod(x)"),
    "keyword arguments": (lambda x: torch.sum(input=x, dim=(0, 1), keepdim=True), {"x": M},
                          "sum(x, axis=(0, 1), keepdims=True)"),
    "unbiased": (lambda x: x.var() + torch.std(x, dim=0, correction=0) + x.var(False), {"x": V},
                 "var(x, ddof=1) + std(x, axis=0) + var(x)"),
    "norms": (lambda x: torch.norm(x) + x.norm(dim=1) + torch.linalg.vector_norm(x, dim=-1), {"x": M},
              "norm(x) + norm(x, axis=1) + norm(x, axis=-1)"),
    "activations": (lambda x: functional.relu(x) + torch.relu(x) + nn.ReLU()(x) + x.relu(), {"x": V},
                    "relu(x) + relu(x) + relu(x) + relu(x)"),
    "more activations": (lambda x: functional.gelu(x) + functional.silu(x) + functional.softplus(x), {"x": V},
                         "gelu(x) + silu(x) + softplus(x)"),
    "layers": (nn.Sequential(nn.Tanh(), nn.ELU(), nn.Softplus(), nn.Softmax(dim=-1)), {"input": M},
               "softmax(softplus(elu(tanh(input))))"),
    "slopes": (lambda x: functional.leaky_relu(x) + functional.leaky_relu(x, 0.2), {"x": V},
               "leaky_relu(x) + where(x > 0, x, 0.2*x)"),
    "tanh gelu": (lambda x: functional.gelu(x, approximate="tanh"), {"x": V},
                  "0.5*x*(1 + tanh(0.7978845608028654*(x + 0.044715*x**3)))"),
    "aliases": (lambda x: torch.special.expm1(x) + torch.arctan(x) + torch.mul(x, 2).square().rsqrt(), {"x": V},
                "expm1(x) + atan(x) + 1/sqrt((x*2)**2)"),
    "clamps": (lambda x: x.clamp(0.2, 0.7) + torch.clamp(x, min=0.3) + torch.clip(x, max=0.5), {"x": V},
               "clip(x, 0.2, 0.7) + max(x, 0.3) + min(x, 0.5)"),
    "extremes": (lambda x, y: torch.max(x, y) + torch.minimum(x, y) + torch.max(x), {"x": V, "y": V},
                 "max(x, y) + min(x, y) + amax(x)"),
    "maximum of rows": (lambda x: torch.exp(x - x.max(dim=1, keepdim=True).values), {"x": M},
                        "exp(x - amax(x, axis=1, keepdims=True))"),
    "where": (lambda x: torch.where(x > 0.5, x**2, torch.zeros_like(x)), {"x": V}, "where(x > 0.5, x**2, 0)"),
    "conditions": (lambda x: torch.where(~((x > 0.2) & (x < 0.8)) | (x == 0.5), x, 1.0), {"x": V},
                   "where(not (x > 0.2 and x < 0.8) or x == 0.5, x, 1)"),
    "condition as number": (lambda x: (x > 0.5).to(x.dtype) * x + x * (x > 0.3), {"x": V},
                            "where(x > 0.5, 1, 0)*x + x*where(x > 0.3, 1, 0)"),
    "masked": (lambda x: x.masked_fill(x < 0.5, 0.0), {"x": V}, "where(x < 0.5, 0, x)"),
    "constant mask": (lambda x: torch.where(torch.tensor([True, False, True]), x, -x), {"x": V},
                      "where(c1 > 0.5, x, -x)"),
    "constant array": (lambda x: W @ x + W[:, 0] + torch.tensor(2.0) * torch.ones(2), {"x": V}, "c1 @ x + c2 + 2"),
    "a number of NumPy": (lambda x: np.float64(0.5) * x, {"x": V}, "0.5*x"),
    "stack": (lambda x, y: torch.stack([x, y * 2])[1], {"x": V, "y": V}, "[x, y*2][1]"),
    "views": (lambda x: x.view(-1, 2).unsqueeze(0).squeeze().flatten().reshape(2, 3), {"x": M},
              ("reshape(reshape(reshape(reshape(reshape(x, shape=(3, 2)), "
               "shape=(1, 3, 2)), shape=(3, 2)), shape=(6,)), shape=(2, 3))")),
    "joined": (lambda x, y: torch.cat([x, y]) + torch.cat((y, x), dim=-1), {"x": (1,), "y": (2,)},
               "[x[0], y[0], y[1]] + [y[0], y[1], x[0]]"),
    "joined columns": (lambda x: torch.stack([x[0], x[1]], dim=1), {"x": M}, "transpose([x[0], x[1]], axes=(1, 0))"),
    "pieces": (gated, {"x": (2, 4)},
               "x[..., 0:2]*sigmoid(x[..., 2:4])"),
    "more pieces": (lambda x: x.split([1, 2])[1] * torch.unbind(x, dim=0)[0] + functional.glu(x)[0],
                    {"x": (3, 2)}, "x[1:3]*x[0] + (x[..., 0:1]*sigmoid(x[..., 1:2]))[0]"),
    "layer norm": (nn.LayerNorm(3, dtype=torch.float64), {"input": M},
                   ("(input - mean(input, axis=(-1,), keepdims=True))"
                    "/sqrt(var(input, axis=(-1,), keepdims=True) + 1e-05)*1 + 0")),
    "normalised": (functional.normalize, {"input": M},
                   "input/max(norm(input, axis=1, keepdims=True), 1e-12)"),
    "new constants": (lambda x: x + x.new_ones(3) * 2 + torch.full_like(x, 0.5) + x.new_tensor([1.0, 2.0, 3.0]),
                      {"x": V}, "x + 2 + 0.5 + c1"),
    "stretched": (lambda x: x.expand(2, 3) + x.unsqueeze(0).expand_as(W), {"x": V},
                  "x*c1 + reshape(x, shape=(1, 3))*c1"),
    "permute": (lambda x: x.permute(2, 0, 1), {"x": (2, 1, 3)}, "transpose(x, axes=(2, 0, 1))"),
    "losses": (lambda x, y: functional.mse_loss(x, y) + nn.BCEWithLogitsLoss()(x, y)
               + nn.MSELoss(reduction="sum")(x, y), {"x": V, "y": V}, "mse(x, y) + bce_logits(x, y) + sum((x - y)**2)"),
    "cross entropy": (lambda x: functional.cross_entropy(x, torch.tensor([0, 2])), {"x": M}, "cross_entropy(x, c1)"),
    "losses of entries": (lambda x, y: functional.binary_cross_entropy_with_logits(x, y, reduction="none")
                          + functional.binary_cross_entropy(y**2, torch.full_like(y, 0.25), reduction="sum"),
                          {"x": V, "y": V}, "softplus(x) - x*y + sum(-(0.25*log(y**2) + (1 - c1)*log(1 - y**2)))"),
    "likelihood": (lambda x: functional.nll_loss(functional.log_softmax(x, dim=1), torch.tensor([0, 2])), {"x": M},
                   "mean(-sum(log_softmax(x, axis=1)*c1, axis=-1))"),
    "linear": (functional.linear, {"input": V, "weight": M, "bias": (2,)}, "input @ transpose(weight) + bias"),
    "shapes": (by_shape, {"x": M}, "sum(x)/6 + 12"),
    "loop": (polynomial, {"x": V}, "0 + 1*x**0 + (-2*x**1) + 0.5*x**2"),
    "standardised": (standardised, {"x": M},
                     "(x - mean(x, axis=-1, keepdims=True))/sqrt(var(x, axis=-1, keepdims=True) + 1e-05)"),
    "outputs": (lambda x: {"a": x * 2, "b": (x.sum(), [x[0]], None, 3)}, {"x": V}, ["x*2", "sum(x)", "x[0]"]),
    "logsumexp": (lambda x: torch.logsumexp(x, dim=1) + x.logsumexp(-1), {"x": M},
                  "logsumexp(x, axis=1) + logsumexp(x, axis=-1)"),
    "polygamma": (lambda x: torch.polygamma(1, x) + torch.digamma(x) + x.lgamma(), {"x": V},
                  "trigamma(x) + digamma(x) + lgamma(x)"),
    "custom operation": (lambda x: Cube.apply(x, 2.0) + 1, {"x": V}, "2*x**3 + 1"),
    "custom operation by another name": (lambda x: ALIAS(x.exp(), 0.5), {"x": V}, "0.5*exp(x)**3"),
    "two outputs": (lambda x, b: Swish.apply(x, b)[0], {"x": V, "b": N}, "x*sigmoid(b*x)"),
    "names of the language": (lambda sin, e: torch.sin(sin) * e + torch.pi, {"sin": V, "e": N},
                              "sin(sin)*e + 3.141592653589793"),
}  # fmt: skip


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int, *, signed: bool) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    signs = (-1.0, 1.0) if signed else (1.0,)
    return {name: random.uniform(0.15, 0.95, shape) * random.choice(signs, shape) for name, shape in shapes.items()}


def numbers(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return [value.detach().double().numpy()]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return [one for part in parts for one in numbers(part)]


def read(function: Any, shapes: Mapping[str, tuple[int, ...]], **options: Any) -> Traced:
    found = traced(function, shapes, **options)
    assert isinstance(found, Traced), found
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_function_is_written_as_its_text(name: str) -> None:
    function, shapes, text = CASES[name]
    assert read(function, shapes).expressions == ([text] if isinstance(text, str) else text)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_trace_agrees_with_the_function_itself(name: str, signed: bool) -> None:
    function, shapes, _ = CASES[name]
    found = read(function, shapes)
    for seed in range(3):
        point = drawn(shapes, seed, signed=signed)
        own = numbers(function(**{name: torch.tensor(value, requires_grad=True) for name, value in point.items()}))
        assert disagreement(PyTorch(), torch, found, point, own) == ""


CUSTOM = ("custom operation", "custom operation by another name", "two outputs")


@pytest.mark.parametrize("name", [name for name in CASES if name not in (*CUSTOM, "outputs", "floors")])
def test_the_gradient_of_a_trace_is_that_of_the_function(name: str) -> None:
    """Reverse mode through the trace, run by the table's templates, and through the function."""
    function, shapes, _ = CASES[name]
    found = read(function, shapes)
    point = drawn(shapes, 5, signed=False)
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in point.items()}
    own = torch.autograd.grad(function(**leaves).sum(), list(leaves.values()))
    known = {name: np.array(value.data).reshape(value.shape) for name, value in found.constants.items()
             if isinstance(value, Array)}  # fmt: skip
    labels = {name for name in known if f"cross_entropy(x, {name})" in found.expressions[0]}
    tensors = {name: PyTorch().tensor(value, "int64" if name in labels else "float64")
               for name, value in {**point, **known}.items()}  # fmt: skip
    expression = parse(found.expressions[0], tensors)
    steps = compile_tree(expression.tree, "torch", {name: tuple(value.shape) for name, value in tensors.items()})
    value, pull = PyTorch().pullback(lambda at: PyTorch().run(steps, at, "float64"), tensors, list(point))
    gradients = pull(np.ones(tuple(value.shape)))
    for one, wanted in zip(point, own, strict=True):
        np.testing.assert_allclose(gradients[one], wanted.numpy(), rtol=1e-12, atol=1e-14)


# ---- custom operations, as classes


def test_a_class_is_its_forward_whatever_its_backward_says() -> None:
    assert read(Cube, {"x": V}, fixed={"scale": 2.0}).expressions == ["2*x**3"]


def test_an_output_that_is_marked_not_differentiable_is_left_out() -> None:
    assert read(Swish, {"x": V, "beta": N}).expressions == ["x*sigmoid(beta*x)"]


def test_tracing_leaves_custom_operations_as_they_were() -> None:
    before = torch.autograd.Function.apply
    read(Cube, {"x": V}, fixed={"scale": 2.0})
    assert torch.autograd.Function.apply == before
    x = torch.tensor(2.0, requires_grad=True)
    Cube.apply(x, 1.0).backward()
    assert x.grad == 10.0  # its own backward


def test_the_parameters_of_a_module_are_inputs_where_they_are_named() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    held = {"weight": module[0].weight, "bias": module[0].bias}
    found = read(module, {"input": M, "weight": M, "bias": (2,)}, held=held)
    assert found == Traced(["tanh(input @ transpose(weight) + bias)"], {})
    assert list(read(module, {"input": M}).constants) == ["c1", "c2"]


class Remembering(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("average", torch.zeros(3))
        self.register_buffer("count", torch.tensor(0))
        self.last = None

    def forward(self, x: Any) -> Any:
        self.count += 1
        self.average = 0.5 * self.average + 0.5 * x
        self.last = x
        return x * 2


def test_inputs_that_are_called_otherwise_go_by_position() -> None:
    assert read(nn.Tanh(), {"x": V}).expressions == ["tanh(x)"]
    assert read(Cube, {"t": V}, fixed={"by": 2.0}).expressions == ["2*t**3"]
    assert read(torch.pow, {"a": V, "b": N}).expressions == ["a**b"]


def test_a_module_keeps_no_symbolic_values() -> None:
    module = Remembering()
    average = module.average
    assert read(module, {"x": V}).expressions == ["x*2"]
    assert module.average is average
    assert (module.last, module.count.item()) == (None, 0)
    assert read(module.forward, {"x": V}).expressions == ["x*2"]
    assert module.last is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_function_is_the_one_that_it_was_made_of() -> None:
    assert read(torch.compile(lambda x: x * 2), {"x": V}).expressions == ["x*2"]
    assert read(torch.compile(nn.Tanh()), {"input": V}).expressions == ["tanh(input)"]


def test_what_is_calculated_of_parameters_alone_is_refused() -> None:
    """It would be a constant of the trace, and the parameter's share of the gradient would be missing."""
    weight = nn.Parameter(torch.ones(3))
    found = traced(lambda x: x * (2 * weight), {"x": V, "weight": V}, held={"weight": weight})
    assert found == NotTraced("calculates with a tensor that depends on others, which it reaches by itself")


def test_constants_keep_their_own_dtype() -> None:
    """A float32 tensor beside float64 ones is the float32 number."""
    assert read(lambda x: x * torch.tensor(0.1), {"x": N}).expressions == ["x*0.10000000149011612"]


# ---- what is refused


class Dirty(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return x


def assigned(x: Any) -> Any:
    x[0] = 1.0
    return x


def added(x: Any) -> Any:
    x += 1
    return x


def caught(x: Any) -> Any:
    try:
        return x if x.sum() > 0 else -x
    except Exception:  # noqa: BLE001
        return 2 * x


def without_gradient(x: Any) -> Any:
    with torch.no_grad():
        scale = x.sum()
    return x / scale


COUNT = iter(range(1000))

REFUSALS: dict[str, tuple[Any, str]] = {
    "if": (lambda x: x if x.sum() > 0 else -x, "decides on a value: if sum(x) > 0"),
    "if, and caught": (caught, "decides on a value: if sum(x) > 0"),
    "max of Python": (lambda x: max(x[0], x[1]), "decides on a value: if x[1] > x[0]"),
    "while": (lambda x: [x := x / 2 for _ in range(3) if x.norm() > 1], "decides on a value: if norm(x) > 1"),
    "float": (lambda x: x * float(x.sum()), "asks for the number that a value is: float(x)"),
    "item": (lambda x: x * x.sum().item(), "asks for the number that a value is: x.item(), x.tolist() or x.numpy()"),
    "numpy": (lambda x: np.sum(x.numpy()), "asks for the number that a value is: x.item(), x.tolist() or x.numpy()"),
    "a function of NumPy": (np.sin, "calls NumPy's sin on a value"),
    "np.asarray": (np.asarray, "turns a value into a NumPy array or a constant"),
    "unknown": (lambda x: torch.cumprod(x, 0), "calls torch.cumprod, which the table does not have"),
    "unknown method": (lambda x: x.cumprod(0), "calls torch.Tensor.cumprod, which the table does not have"),
    "unknown setting": (lambda x: functional.softplus(x, beta=2),
                        "calls torch.nn.functional.softplus with beta=2, which the table does not have"),
    "unknown argument": (lambda x: torch.sum(x, dtype=torch.float32),
                         "calls torch.sum with dtype=torch.float32, which the table does not have"),
    "in place": (lambda x: x.add_(1), "changes a tensor in place: torch.Tensor.add_"),
    "in place, into a constant": (lambda x: torch.zeros(3).add_(x), "changes a tensor in place: torch.Tensor.add_"),
    "in place, +=": (added, "changes a value in place: += or the like"),
    "in place, assigned": (assigned, "writes into an array in place: x[...] = ..."),
    "in place, as an option": (lambda x: functional.relu(x, inplace=True),
                               "calls torch.nn.functional.relu with inplace=True, which the table does not have"),
    "in place, marked": (Dirty, "changes its inputs in place: ctx.mark_dirty"),
    "mask": (lambda x: x[x > 0], "picks entries by a condition, so that the shape depends on values"),
    "array index": (lambda x: x[torch.tensor([0, 1])], "indexes with an array, or with a value that it calculates"),
    "einsum": (lambda x: torch.einsum("i,i->", x, x), "calls torch.einsum, which the table does not have"),
    "gradient": (lambda x: torch.autograd.grad(x.sum(), x)[0],
                 "calls torch.autograd.grad, which the table does not have"),
    "random": (lambda x: x * torch.rand_like(x), "calls torch.rand_like, which the table does not have"),
    "random by itself": (lambda x: x * torch.rand(3),
                         "is another function at its second call: it is random, or keeps a state"),
    "dropout": (functional.dropout, "is random: it calls dropout"),
    "state": (lambda x: x * next(COUNT), "is another function at its second call: it is random, or keeps a state"),
    "detach": (lambda x: x.detach() * x, "cuts off the gradient with detach, which a formula can't say"),
    "no_grad": (without_gradient, "calculates under torch.no_grad, which cuts off the gradient"),
    "cast": (lambda x: x.half(), "calls torch.Tensor.half, which the table does not have"),
    "cast to float32": (lambda x: x.to(torch.float32) * 2, "casts to torch.float32"),
    "no tensor": (lambda x: x * "2", "calculates with '2'"),
    "no attribute": (lambda x: x.grads, ("stops on symbolic values with AttributeError: "
                                         "a traced value has no attribute grads")),
    "constant": (lambda x: torch.ones(3), "gives a tensor that does not depend on its inputs"),  # noqa: ARG005
    "nothing": (lambda x: None, "gives nothing that depends on its inputs"),  # noqa: ARG005
    "a large constant": (lambda x: x.sum() * torch.ones(20_000),
                         "brings along an array of 20000 entries; at most 10000 are written as a constant"),
    "own error": (lambda x: 1 // 0 * x, ("stops on symbolic values with ZeroDivisionError: "
                                        "integer division or modulo by zero")),
    "shapes that do not fit": (lambda x: x + torch.ones(2) * 2 @ x,
                               ("gives matmul what the table's row does not take: "
                                "@ (matmul) can't multiply (2,) by (3,)")),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_no_expression_says_is_refused_with_its_reason(name: str) -> None:
    function, reason = REFUSALS[name]
    assert traced(function, {"x": V}) == NotTraced(reason)


def test_a_long_function_is_refused_before_it_grows_without_end() -> None:
    def doubled(x: Any) -> Any:
        for _ in range(60):
            x = x * x + x
        return x

    assert traced(doubled, {"x": N}) == NotTraced("takes more than 20000 characters to write as one expression")


def test_a_name_that_the_language_does_not_have_is_refused() -> None:
    assert traced(lambda *x: x[0], {"0.weight": V}) == NotTraced(
        "has an input called '0.weight', which is no name in an expression"
    )


def test_an_input_may_have_the_name_of_a_constant() -> None:
    assert read(lambda c1: c1 * torch.tensor([1.0, 2.0, 4.0]), {"c1": V}).constants == {
        "c2": Array.of((3,), [1.0, 2.0, 4.0])
    }


# ---- agreement


def at(**values: Any) -> dict[str, Any]:
    return {name: np.array(value) for name, value in values.items()}


@pytest.mark.parametrize("fault", ["x**2*y + sin(x) + 1e-13", "x**2*y + cos(x)", "x**2*y - sin(-x)*(1 + 1e-13)"])
def test_another_function_does_not_agree(fault: str) -> None:
    point = at(x=[0.7, -1.3], y=[1.1, 0.4])
    own = point["x"] ** 2 * point["y"] + np.sin(point["x"])
    assert "by the function and" in disagreement(PyTorch(), torch, Traced([fault], {}), point, [own])
    for healthy in ("x**2*y + sin(x)", "x*x*y + sin(x)", "sin(x) + y*x**2", "x*(x*y) - sin(-x)"):
        assert disagreement(PyTorch(), torch, Traced([healthy], {}), point, [own]) == ""


def test_rounding_that_cancellation_magnifies_is_no_disagreement() -> None:
    """1 + x - 1 for small x is off by 1e-16 beside 1e-8; another sum of the same size is not excused."""
    point = at(x=1e-8, y=1.0)
    trace = Traced(["(x + y) - y"], {})
    assert disagreement(PyTorch(), torch, trace, point, [np.array(1e-8)]) == ""
    assert disagreement(PyTorch(), torch, trace, point, [np.array(1.001e-8)]) != ""


def test_a_function_that_asks_for_the_type_of_its_argument_does_not_agree_with_its_trace() -> None:
    """A symbolic value is no tensor: torch's own code would crash on one that says so."""

    def asking(x: Any) -> Any:
        return x * 2 if isinstance(x, torch.Tensor) else x

    found = read(asking, {"x": V})
    assert disagreement(PyTorch(), torch, found, at(x=[1.0, 2.0, 3.0]), [np.array([2.0, 4.0, 6.0])]) != ""


def test_what_reads_a_tensor_from_inside_ends_in_a_reason_and_not_in_a_crash() -> None:
    for function in (torch.vmap(torch.sin), torch.func.grad(torch.sum)):
        assert isinstance(traced(function, {"x": V}), NotTraced)
    assert read(lambda x: checkpoint(torch.sin, x, use_reentrant=False), {"x": V}).expressions == ["sin(x)"]


def test_outputs_and_shapes_must_be_the_same() -> None:
    trace, point = Traced(["x*2"], {}), at(x=[1.0, 2.0])
    assert disagreement(PyTorch(), torch, trace, point, []) == "the function gives 0 outputs, the trace 1"
    assert disagreement(PyTorch(), torch, trace, point, [np.ones((1, 2))]) == (
        "output 0 has the shape (1, 2), the trace (2,)"
    )


def test_a_trace_at_float32_agrees_within_the_rounding_of_float32() -> None:
    function, shapes, _ = CASES["standardised"]
    found = read(function, shapes, dtype=torch.float32)
    point = {name: value.astype(np.float32) for name, value in drawn(shapes, 1, signed=True).items()}
    own = numbers(function(torch.tensor(point["x"])))
    assert disagreement(PyTorch(), torch, found, point, own, "float32") == ""
    assert disagreement(PyTorch(), torch, found, point, [own[0] * (1 + 1e-4)], "float32") != ""


# ---- the table, read backwards

SETTINGS: dict[str, Any] = {"axis": 0, "keepdims": True, "ddof": 1, "axes": (1, 0), "shape": (3, 2), "key": (0,)}


def is_one_call(row: Any) -> bool:
    cell = row.torch.replace("{", "").replace("}", "")
    tree = ast.parse(cell, mode="eval").body if cell else None
    return isinstance(tree, ast.Call) and not any(isinstance(part, ast.Call) for part in tree.args)


ROWS = [row.name for row in OPERATIONS.values() if not row.hidden and is_one_call(row)]


def test_most_rows_are_one_call() -> None:
    assert len(ROWS) > 80


@pytest.mark.parametrize("name", ROWS)
def test_the_template_of_a_row_is_traced_back_to_the_row(name: str) -> None:
    row = OPERATIONS[name]
    native = bind(row, "torch", torch) if name != "index" else lambda x, *, key: x[key]
    options = {option: SETTINGS[option] for option in row.options}
    names = ("x", "y") if row.gather else row.parameters
    shapes = dict.fromkeys(names, V if name == "dot" else M if row.shape != "matmul" else S)
    fixed = {"labels": torch.tensor([0, 2])} if "labels" in names else {}

    def call(**values: Any) -> Any:
        given = [values[one] > 0.5 if one == "condition" or row.name.startswith("logical") else values[one]
                 for one in names]  # fmt: skip
        made = native(*given, **options)
        return torch.where(made, values["x"], 1.0) if row.logical else made

    found = read(call, {one: shape for one, shape in shapes.items() if one not in fixed}, fixed=fixed)
    tree = parse(found.expressions[0], [*names, *found.constants]).tree
    assert isinstance(tree, Call)
    tree = tree.arguments[0] if row.logical else tree
    assert isinstance(tree, Call)
    assert tree.operation == name
    told = [one.arguments[0] if isinstance(one, Call) else one for one in tree.arguments]
    assert [one.name for one in told if isinstance(one, Variable)] == [
        "c1" if one == "labels" else one for one in names
    ]
    wanted = {option: value for option, value in options.items() if value != row.options[option]}
    assert dict(tree.options) == wanted
