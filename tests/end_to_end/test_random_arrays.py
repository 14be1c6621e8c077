"""Random array programs: both frameworks, the exact walk and NumPy agree, or the verdict says why not."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradtool.problem import ProblemError
from gradtool.settings import CheckSettings
from gradtool.target.suite import read_target
from gradtool.values import Array, flat

AT = {"x": "[0.5,-1.25,2]", "Y": "[[1,-0.5,0.25],[2,3,-1.5]]", "z": "0.75"}
POINT = {"x": np.array([0.5, -1.25, 2]), "Y": np.array([[1, -0.5, 0.25], [2, 3, -1.5]]), "z": np.float64(0.75)}


def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _largest(*values: Any, axis: Any = None) -> Any:
    return np.max(values[0], axis=axis) if len(values) == 1 else np.maximum(*values)


MEANING: dict[str, Any] = {
    "sin": np.sin, "tanh": np.tanh, "exp": np.exp, "abs": np.abs, "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "softplus": lambda x: np.logaddexp(x, 0), "sum": np.sum,
    "mean": np.mean, "var": np.var, "prod": np.prod, "max": _largest, "where": np.where, "softmax": _softmax,
    "log_softmax": lambda x, axis=-1: x - _logsumexp(x, axis, keepdims=True), "logsumexp": _logsumexp,
    "norm": lambda x, axis=None: np.sqrt(np.sum(x * x, axis=axis)), "cumsum": np.cumsum, "reshape": np.reshape,
    "transpose": np.transpose, "stack": np.stack, "mse": lambda x, y: np.mean((x - y) ** 2), "dot": np.dot,
}  # fmt: skip
"""The language in NumPy, written apart from the operation table."""

LEAVES = st.sampled_from(["x", "Y", "z", "x", "Y", "0.5", "2", "«1, 2, 3»", "««1», «2»»"])
UNARY = ["sin", "tanh", "abs", "relu", "sigmoid", "softplus", "sum", "mean", "var", "prod", "max", "softmax",
         "log_softmax", "logsumexp", "norm", "transpose"]  # fmt: skip
SUFFIXES = ["[0]", "[-1]", "[1:]", "[..., 0]", "[:, 1]", "[None]", "[:, None]", ".T"]


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    axes = st.sampled_from(["", ", axis=0", ", axis=-1", ", axis=1"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "@"]), inner),
        st.builds("{}({})".format, st.sampled_from(UNARY), inner),
        st.builds("{}({}{})".format, st.sampled_from(["sum", "mean", "max", "softmax", "logsumexp"]), inner, axes),
        st.builds("cumsum({}, axis=0)".format, inner),
        st.builds("({}){}".format, inner, st.sampled_from(SUFFIXES)),
        st.builds("where({} > {}, {}, {})".format, inner, inner, inner, inner),
        st.builds("«{}, {}»".format, inner, inner),
        st.builds("({})/(2 + ({})**2)".format, inner, inner),
        st.builds("mse({}, {})".format, inner, inner),
        st.builds("reshape({}, -1)".format, inner),
    )


PROGRAMS = st.recursive(LEAVES, _grown, max_leaves=6)


def written(program: str) -> str:
    """The program in our language: a list stands in brackets."""
    return program.replace("«", "[").replace("»", "]")


def computed(program: str) -> Any:
    """The program's value by NumPy."""
    text = program.replace("«", "stack((").replace("»", ",))")
    return np.asarray(eval(text, {"__builtins__": {}, **MEANING}, dict(POINT)))  # noqa: S307  # our own text


def fits(program: str) -> bool:
    expression = written(program)
    try:
        read_target(expression, CheckSettings(at={name: text for name, text in AT.items() if name in expression}))
    except ProblemError:
        return False
    return True


@pytest.mark.parametrize(("framework", "programs"), [("torch", 120), ("tensorflow", 60)])
def test_a_random_array_program_is_judged_rightly(check: Any, framework: str, programs: int) -> None:
    @settings(derandomize=True, deadline=None, max_examples=programs, suppress_health_check=list(HealthCheck))
    @given(PROGRAMS.filter(lambda text: any(name in text for name in AT)).filter(fits))
    def run(program: str) -> None:
        expression = written(program)
        (record,) = check([expression], framework=framework, at={n: t for n, t in AT.items() if n in expression})
        assert record.problems == ()
        assert record.failures == ()
        expected = computed(program)
        assert np.array(flat(record.value)) == pytest.approx(expected.ravel(), rel=1e-9, abs=1e-9)
        assert (record.value.shape if isinstance(record.value, Array) else ()) == expected.shape
        words = {entry.verdict for entry in record.entries}
        assert words <= {"verified", "not_differentiable"}, (words, [entry.reason for entry in record.entries])
        for entry in record.entries:
            if entry.verdict == "verified":
                assert entry.symbolic is not None
                assert math.isclose(entry.autodiff, float(Decimal(entry.symbolic)), rel_tol=1e-9, abs_tol=1e-12)

    run()
