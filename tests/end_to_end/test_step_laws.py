"""Laws of the chain rule on published formulas, and the rules of array operations against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from cases import corpus

from gradtool.target.operations import OPERATIONS
from gradtool.values import Value, flat, shape_of
from gradtool.verdict.record import CheckRecord, Step

Checker = Callable[..., list[CheckRecord]]
EXACTLY = Decimal("1e-25")


def number(text: str | None) -> Decimal:
    assert text is not None
    return Decimal(text)


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_the_laws_hold_on_published_formulas(check: Checker, framework: str) -> None:
    """Each contribution is the adjoint above times the local derivative, an adjoint their sum, and all is verified."""
    lines = [row["expression"] for row in corpus("formulas.jsonl")][::8]
    records = check(lines, framework=framework, steps=True, points=1)
    assert len(records) == len(lines) > 60
    for record in records:
        assert not record.failures
        assert record.steps[-1].adjoint == ("1.000000000000000000000000000000000000000",)
        for step in record.steps:
            if not step.verdict or record.verdict != "verified":
                continue
            assert step.verdict == "verified", (record.target, step)
            for path in step.paths:
                product = number(path.local[0]) * number(record.steps[path.parent].adjoint[0])
                assert abs(product - number(path.contribution[0])) <= EXACTLY * abs(product)
            terms = [number(path.contribution[0]) for path in step.paths]
            apart = abs(sum(terms) - number(step.adjoint[0])) if terms else 0
            assert apart <= EXACTLY * max(map(abs, terms), default=Decimal(1))


X = "x=[[0.5,-1,2],[0.25,3,-0.125]]"
RULES = [
    ("prod(x[0])", X), ("var(x)", X), ("var(x, ddof=1)", X), ("std(x)", X), ("norm(x)", X), ("logsumexp(x[0])", X),
    ("dot(x[0], x[1])", X), ("softmax(x[0])", X), ("log_softmax(x[1])", X), ("mse(x, x*2)", X),
    ("bce(sigmoid(x), sigmoid(x*3))", X), ("bce_logits(x, sigmoid(x))", X), ("x @ y", f"{X},y=[[1,2],[3,4],[5,-6]]"),
]  # fmt: skip


def softmax(x: Any) -> Any:
    return np.exp(x) / np.sum(np.exp(x))


WORDS: dict[str, Any] = {
    "mean": np.mean, "sum": np.sum, "log": np.log, "exp": np.exp, "softmax": softmax, "prod": np.prod,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "norm": np.linalg.norm, "dot": np.dot,
    "log_softmax": lambda x: np.log(softmax(x)), "std": lambda x, ddof=0: np.std(x, ddof=ddof),
}  # fmt: skip


def array(value: Value | None) -> Any:
    assert value is not None
    return np.array(flat(value)).reshape(shape_of(value))


def contribution(step: Step, place: int) -> Any:
    (path,) = [path for path in step.paths if path.place == place and path.rule]
    return np.array([float(number(text)) for text in path.contribution]).reshape(step.shape), path.rule


@pytest.mark.parametrize(("text", "at"), RULES, ids=[text for text, _ in RULES])
def test_a_rule_computes_what_the_argument_gets(check: Checker, text: str, at: str) -> None:
    """The rule's own text, read by NumPy with G = 0.75 times an upstream of ones."""
    values = dict(part.split("=") for part in at.replace("]],", "]];").split(";"))
    (record,) = check([{"expression": f"0.75*({text})", "at": values}], steps=True)
    *_, operation, _output = record.steps
    assert OPERATIONS[operation.operation].pullback
    names = {name: array(value) for name, value in record.point.items()}
    for place, argument in enumerate(operation.arguments):
        expected, rule = contribution(record.steps[argument], place)
        upstream = 0.75 * np.ones(operation.shape)
        found = eval(rule, {}, {**WORDS, **names, "G": upstream})  # noqa: S307  # our own table's text
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
