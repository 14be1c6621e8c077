"""The nodes of an expression: every operation and every variable once, with its paths to the output."""

from __future__ import annotations

import pytest

from gradtool.target.chain import Node, chain, local_shape, size
from gradtool.target.expression import parse
from gradtool.target.tree import Call, Number, Tree
from gradtool.values import Array, Value, shape_of
from gradtool.witness.walk import COPY, compile_marked

X = Array.of((3,), [1, 2, 3])
W = Array.of((3, 2), range(6))


def nodes(text: str, wrt: str = "", **point: Value) -> list[Node]:
    expression = parse(text, point)
    return chain(expression, point, wrt.split(",") if wrt else expression.variables)


def told(text: str, wrt: str = "", **point: Value) -> list[tuple[str, str]]:
    return [(node.text, node.kind) for node in nodes(text, wrt, **point)]


def test_a_chain_lists_arguments_before_what_uses_them() -> None:
    assert told("sin(x**2)") == [
        ("x", "leaf"), ("2", "constant"), ("x**2", "intermediate"), ("sin(x**2)", "output"),
    ]  # fmt: skip


def test_a_variable_is_one_node_with_a_path_for_each_use() -> None:
    """x*x uses it twice in one operation."""
    x, product = nodes("x*x")
    assert product.arguments == (0, 0)
    assert [(path.parent, path.place, path.mark) for path in x.paths] == [(1, 0, 0), (1, 1, 1)]


@pytest.mark.parametrize(
    ("text", "wrt", "expected"),
    [
        ("2*pi*x", "x", [("2*pi", "constant"), ("x", "leaf"), ("2*pi*x", "output")]),
        ("w*x + b", "w", [("w", "leaf"), ("x", "constant"), ("w*x", "intermediate"), ("b", "constant"),
                          ("w*x + b", "output")]),
        ("where(x > 0, x, -1)", "", [("x > 0", "condition"), ("x", "leaf"), ("-1", "constant"),
                                     ("where(x > 0, x, -1)", "output")]),
        ("where(x > 0, 1, 2)*y", "", [("x", "leaf"), ("where(x > 0, 1, 2)", "constant"), ("y", "leaf"),
                                      ("where(x > 0, 1, 2)*y", "output")]),
        ("max(x, y, 3)", "", [("x", "leaf"), ("y", "leaf"), ("max(x, y)", "intermediate"), ("3", "constant"),
                              ("max(x, y, 3)", "output")]),
        ("x", "", [("x", "leaf")]),
        ("sin(  x\n )", "", [("x", "leaf"), ("sin( x )", "output")]),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)  # fmt: skip
def test_kinds_and_texts(text: str, wrt: str, expected: list[tuple[str, str]]) -> None:
    """A part without a variable to differentiate by is a constant; a variable only compared is a leaf without path."""
    assert told(text, wrt) == expected


def test_shapes_are_those_of_the_values() -> None:
    found = {node.text: node.shape for node in nodes("sum(softmax(x @ W)*x[0])", x=X, W=W)}
    assert found == {
        "x": (3,), "W": (3, 2), "x @ W": (2,), "softmax(x @ W)": (2,), "x[0]": (), "softmax(x @ W)*x[0]": (2,),
        "sum(softmax(x @ W)*x[0])": (),
    }  # fmt: skip
    assert size(nodes("sum(x)", x=X)) == 4


@pytest.mark.parametrize(
    ("text", "shape"),
    [("sin(x)", (3,)), ("2*x", (3,)), ("sum(x)", (3,)), ("x[0]", (3,)), ("cumsum(x)", None), ("x @ W", (2, 3)),
     ("x[:2]", (2, 3))],
)  # fmt: skip
def test_a_local_derivative_of_up_to_eight_numbers_is_written_out(text: str, shape: tuple[int, ...] | None) -> None:
    """Number by number in the shape of the parent, else a Jacobian: its axes, then those of the argument."""
    found = nodes(text, "x", x=X, W=W)
    x = next(node for node in found if node.text == "x")
    assert local_shape(x, found[-1]) == shape


def marks(tree: Tree) -> list[Tree]:
    """Every node in the order of evaluation."""
    below = [node for argument in tree.arguments for node in marks(argument)] if isinstance(tree, Call) else []
    return [*below, tree]


@pytest.mark.parametrize(
    "text", ["sin(x**2)*x", "max(x, y, 2)", "mse(X, Y) + std(X)", "where(x > 0 and y > 0, x, prod(X))", "X.T @ Y", "x"]
)
@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
@pytest.mark.parametrize("apart", [False, True])
def test_every_node_has_its_step(text: str, framework: str, apart: bool) -> None:
    """By the mark of a node the step with its value is found, in what a framework runs and in the exact walk."""
    square = Array.of((2, 2), [1, 2, 3, 4])
    point: dict[str, Value] = {"x": 1.0, "y": 2.0, "X": square, "Y": square}
    tree = parse(text, point).tree
    shapes = {name: shape_of(value) for name, value in point.items()}
    steps, places = compile_marked(tree, framework, shapes, "stable" if apart else "", apart=apart)
    order = marks(tree)
    assert len(order) == len(places)
    assert places[-1] == len(steps) - 1
    for node, place in zip(order, places, strict=True):
        name = getattr(node, "name", "")
        assert steps[place].name == name if name else steps[place].span == node.span
    for node in chain(parse(text, point), point, ["x", "y", "X", "Y"]):
        if node.mark >= 0:
            assert steps[places[node.mark]].shape == node.shape
    if apart:
        copies = [place for node, place in zip(order, places, strict=True) if steps[place].operation == COPY]
        assert len(set(copies)) == len(copies) >= sum(not isinstance(node, Number) for node in order) - 3
