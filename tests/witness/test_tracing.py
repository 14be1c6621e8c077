"""What the witnesses say about the nodes of an expression: values from closed forms, and the frameworks' own words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from gradtool.evidence import ExactTrace, Record, Request, Trace
from gradtool.values import Array, Value, flat
from gradtool.witness.host import Host

FRAMEWORKS = pytest.mark.parametrize("framework", ["torch", "tensorflow"])


def asked(expression: str, framework: str = "torch", wrt: str = "", **point: Any) -> Request:
    dtype, upstream = point.pop("dtype", "float64"), point.pop("upstream", None)
    names = wrt.split(",") if wrt else list(point)
    return Request(1, expression, point, names, framework, dtype, formula=False, upstream=upstream, steps=True)


def only(records: Sequence[Record], kind: type) -> Any:
    (found,) = [record for record in records if isinstance(record, kind)]
    return found


def kept(host: Host, *args: Any, framework: str = "torch", **point: Any) -> Trace:
    found: Trace = only(next(host.ask(framework, [asked(*args, framework=framework, **point)])), Trace)
    return found


def walked(host: Host, *args: Any, **point: Any) -> ExactTrace:
    found: ExactTrace = only(next(host.ask("symbolic", [asked(*args, **point)])), ExactTrace)
    return found


def floats(texts: Sequence[str | None]) -> list[float | None]:
    return [None if text is None else float(Decimal(text)) for text in texts]


def lists(values: Sequence[Value | None]) -> list[list[float] | None]:
    return [None if value is None else list(flat(value)) for value in values]


def test_nothing_is_traced_unless_asked(host: Host) -> None:
    request = Request(1, "x**2", {"x": 3.0}, ["x"], "torch", formula=False)
    for name in ("torch", "tensorflow", "symbolic"):
        assert not any(isinstance(record, Trace | ExactTrace) for record in next(host.ask(name, [request])))


@FRAMEWORKS
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_framework_keeps_values_and_gradients_of_every_node(host: Host, framework: str, dtype: str) -> None:
    """x**2*y + x at (2, 3), in the order of evaluation: x, 2, x**2, y, x**2*y, x, the sum. df/dx = 2xy + 1 = 13."""
    trace = kept(host, "x**2*y + x", framework=framework, dtype=dtype, x=2.0, y=3.0)
    assert trace.values == [2, 2, 4, 3, 12, 2, 14]
    assert trace.gradients == [13, None, 3, 4, 1, 13, 1]


def test_pytorch_names_its_nodes(host: Host) -> None:
    names = kept(host, "log(1 + exp(x*sin(x)))", x=1.0).names
    assert names == [
        "", "AccumulateGrad", "AccumulateGrad", "SinBackward0", "MulBackward0", "ExpBackward0", "AddBackward0",
        "LogBackward0",
    ]  # fmt: skip


def test_tensorflow_names_its_operations(host: Host) -> None:
    """What is several operations is called by the function that was called."""
    names = kept(host, "log(1 + exp(x*silu(x)))", framework="tensorflow", x=1.0).names
    assert names == ["", "tape.watch", "tape.watch", "tf.nn.silu", "Mul", "Exp", "AddV2", "Log"]
    point = {"x": Array.of((2,), [1, 2]), "y": Array.of((2,), [1, 1])}
    assert kept(host, "mse(x, y)", framework="tensorflow", **point).names[-1] == (
        "tf.math.squared_difference, tf.reduce_mean"
    )


@FRAMEWORKS
def test_a_variable_that_is_not_asked_about_is_no_leaf(host: Host, framework: str) -> None:
    trace = kept(host, "w*x", framework=framework, wrt="w", w=2.0, x=3.0)
    assert trace.gradients == [3, None, 1] if framework == "torch" else trace.gradients[0] == 3
    assert trace.names[1] == ""


@FRAMEWORKS
def test_an_upstream_gradient_is_where_the_backward_pass_begins(host: Host, framework: str) -> None:
    upstream, x = Array.of((2,), [10.0, 0.5]), Array.of((2,), [2.0, 3.0])
    trace = kept(host, "x**2", framework=framework, upstream=upstream, x=x)
    assert lists(trace.gradients) == [[40, 3], None, [10, 0.5]]
    exact = walked(host, "x**2", upstream=upstream, x=x)
    assert [float(Decimal(entry.derivative or "nan")) for entry in exact.nodes[-1].entries] == [10, 0.5]


def test_the_exact_walk_has_value_local_derivative_and_adjoint(host: Host) -> None:
    """sin(x**2) at 4 to 30 digits: sin 16, cos 16 and 8 cos 16, from tables."""
    x, two, square, sine = walked(host, "sin(x**2)", x=4.0).nodes
    assert floats([*x.values, *two.values, *square.values, *sine.values]) == [4, 2, 16, math.sin(16)]
    (cosine,) = square.local
    assert (cosine or "").startswith("-9.576594803233846418996372")
    assert (square.entries[0].derivative, sine.local) == (cosine, [])
    assert floats(x.local) == [8]
    assert (x.entries[0].derivative or "").startswith("-7.661275842587077135197097")


def test_each_use_of_a_variable_has_its_own_contribution(host: Host) -> None:
    """d(x*y + x**2)/dx = y + 2x, term by term; a view and its array do not share one either."""
    nodes = walked(host, "x*y + x**2", x=5.0, y=7.0).nodes
    assert [floats([node.entries[0].derivative])[0] for node in (nodes[0], nodes[3])] == [7, 10]
    nodes = walked(host, "sum(x[0]*x)", x=Array.of((2,), [2.0, 3.0])).nodes
    view, whole = nodes[1], nodes[2]
    assert floats([entry.derivative for entry in view.entries]) == [5]
    assert floats([entry.derivative for entry in whole.entries]) == [2, 2]
    assert floats([entry.derivative for entry in nodes[0].entries]) == [5, 0]


@pytest.mark.parametrize(
    ("expression", "mark", "local"),
    [
        ("x**2", 0, [2, 4, 6]),
        ("sum(x)", 0, [1, 1, 1]),
        ("mean(x)", 0, [1 / 3] * 3),
        ("prod(x)", 0, [6, 3, 2]),
        ("x[1]", 0, [0, 1, 0]),
        ("[x[0], 2*x[0]]", 1, [1, 0]),
        ("s*x", 0, [1, 2, 3]),
        ("x[:2]", 0, [1, 0, 0, 0, 1, 0]),
        ("std(x)", 0, [-1 / math.sqrt(6), 0, 1 / math.sqrt(6)]),
        ("cumsum(x)", 0, []),
    ],
)
def test_a_composite_operation_has_one_local_derivative(
    host: Host, expression: str, mark: int, local: list[float]
) -> None:
    """However many steps the walk takes for it; of more than eight numbers none is told."""
    nodes = walked(host, expression, x=Array.of((3,), [1.0, 2.0, 3.0]), s=5.0).nodes
    assert floats(nodes[mark].local) == pytest.approx(local, rel=1e-15)


def test_a_branch_that_is_not_taken_has_no_adjoint(host: Host) -> None:
    """where(x > 0, sqrt(x), -x) at -4: sqrt has no value, and no local derivative."""
    nodes = walked(host, "where(x > 0, sqrt(x), -x)", x=-4.0).nodes
    use, root, other = nodes[3], nodes[4], nodes[6]
    assert (root.values, root.entries[0].derivative, use.local) == ([None], "0", [None])
    assert floats([other.entries[0].derivative, *root.local, *other.local]) == [1, 0, 1]


def test_an_output_that_nobody_asks_about_still_has_a_local_derivative(host: Host) -> None:
    upstream = Array.of((2,), [1.0, 0.0])
    nodes = walked(host, "[2*x, sin(x)]", upstream=upstream, x=0.0).nodes
    x_in_sine = nodes[3]
    assert (floats(x_in_sine.local), x_in_sine.entries[0].derivative) == ([1], "0")


@pytest.mark.parametrize(
    ("expression", "mark", "kind"),
    [("relu(x)*3", 0, "kink"), ("floor(x)*3", 0, "jump"), ("sqrt(x)*3", 0, "vertical"), ("max(x, 2*x)", 3, "kink")],
)
def test_a_kink_is_on_the_link_where_it_stands(host: Host, expression: str, mark: int, kind: str) -> None:
    """The argument of the operation has no derivative there, the operation itself has."""
    nodes = walked(host, expression, x=0.0).nodes
    assert nodes[mark].entries[0].kind == kind
    assert nodes[mark].local == [None]
    assert nodes[-1].entries[0].kind == "smooth"


@pytest.mark.parametrize(
    ("expression", "point", "reason"),
    [("log(x)*2", -1.0, "log has no value here"), ("exp(exp(exp(x)))", 100.0, "a number beyond any computer")],
)
def test_without_a_value_there_is_only_a_reason(host: Host, expression: str, point: float, reason: str) -> None:
    trace = walked(host, expression, x=point)
    assert trace.nodes == []
    assert reason in trace.reason


def test_class_labels_are_no_numbers_to_follow(host: Host) -> None:
    """The gradient of cross_entropy at equal logits is (softmax - 1 at the label)/rows."""
    point = {"x": Array.of((2, 2), [0.0] * 4), "l": Array.of((2,), [1.0, 0.0])}
    trace, exact = (
        kept(host, "cross_entropy(x, l)", wrt="x", **point),
        walked(host, "cross_entropy(x, l)", wrt="x", **point),
    )
    assert lists(trace.gradients) == [[0.25, -0.25, -0.25, 0.25], None, [1]]
    assert floats(exact.nodes[0].local) == [0.25, -0.25, -0.25, 0.25]
