"""Random expressions at random points: every witness agrees, or the verdict says why not; nothing ever breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradtool.target.elementwise import ROWS
from gradtool.verdict.record import WORDS, CheckRecord

OPERATIONS = {row.name: row for row in ROWS if not row.hidden}

Checker = Callable[..., list[CheckRecord]]

UNARY = sorted(row.name for row in OPERATIONS.values() if row.parameters == ("x",) and not row.operator)
BINARY = ["+", "-", "*", "/", "**", "%", "//"]
PAIRS = ["max", "min", "hypot", "atan2", "logaddexp"]

_NUMBERS = st.sampled_from(["0", "1", "2", "0.5", "3", "10", "1e-3", "pi"])
_LEAVES = st.sampled_from(["x", "y", "x", "y"]) | _NUMBERS


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(UNARY), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(BINARY), inner),
        st.builds("{}({}, {})".format, st.sampled_from(PAIRS), inner, inner),
        st.builds("where({} > {}, {}, {})".format, inner, inner, inner, inner),
        st.builds("(-{})".format, inner),
    )


EXPRESSIONS = st.recursive(_LEAVES, _grow, max_leaves=8).map(lambda text: f"x + 0*y + {text}")
VALUES = st.sampled_from(["0", "1", "-1", "0.3", "-0.7", "2.5", "1e-8", "-20", "1e5", "3"])


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(expression=EXPRESSIONS, x=VALUES, y=VALUES)
def test_a_random_expression_gets_one_of_seven_words_and_no_false_accusation(
    check: Checker, framework: str, expression: str, x: str, y: str
) -> None:
    """Wrong is allowed only where a kink's convention or a named deviation of the framework is the reason."""
    (record,) = check([{"expression": expression, "at": {"x": x, "y": y}}], framework=framework)
    assert record.problems == ()
    assert record.failures == ()
    for entry in record.entries:
        assert entry.verdict in WORDS
        assert entry.reason
        if entry.verdict == "wrong":
            assert "known deviation" in entry.reason or "convention" in entry.reason, entry
    assert [finding.message for finding in record.findings if finding.code == "GT017"] == []
