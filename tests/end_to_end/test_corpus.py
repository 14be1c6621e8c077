"""Published formulas at ordinary points, and hand-chosen ill ones, against high-precision values from mpmath."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from cases import FRAMEWORKS, WHOLE, corpus

from gradtool.target.operations import OPERATIONS
from gradtool.verdict.record import CheckRecord, Entry

Checker = Callable[..., list[CheckRecord]]

GRADIENTS = corpus("gradients.jsonl")
ILL = corpus("ill.jsonl")
ROWS = {name: GRADIENTS if WHOLE else GRADIENTS[place::3] for place, name in enumerate(FRAMEWORKS)}
"""Every formula has three points: PyTorch is at the first, TensorFlow at the second, float32 at the third."""


def suite_line(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("name", "expression", "at")}


def is_known_deviation(record: CheckRecord, entry: Entry) -> bool:
    """Whether a wrong gradient is laid at the door of a named deviation of the framework, with its figure."""
    texts = [row.deviation(record.framework, record.dtype) for row in OPERATIONS.values()]
    return entry.verdict == "wrong" and any(text and text in entry.reason for text in texts)


@pytest.fixture(scope="module")
def records(check: Checker) -> Callable[[str], list[CheckRecord]]:
    """Every formula, run once for each framework."""
    done: dict[str, list[CheckRecord]] = {}

    def run(framework: str) -> list[CheckRecord]:
        if framework not in done:
            done[framework] = check([suite_line(row) for row in ROWS[framework]], framework=framework)
        return done[framework]

    return run


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_no_published_formula_is_accused_at_an_ordinary_point(
    records: Callable[[str], list[CheckRecord]], framework: str
) -> None:
    """All verified, but for named deviations of the framework."""
    accused = [
        f"{record.target} at {dict(record.point)}: {entry.verdict}, {entry.reason}"
        for record in records(framework)
        for entry in record.entries
        if entry.verdict != "verified" and not is_known_deviation(record, entry)
    ]
    assert accused == []
    assert sum(len(record.entries) for record in records(framework)) > (6000 if WHOLE else 2000)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_symbolic_witness_agrees_with_mpmath_to_25_digits(
    records: Callable[[str], list[CheckRecord]], framework: str
) -> None:
    apart = []
    rows = {(row["name"], frozenset(row["at"].items())): row for row in GRADIENTS}
    for record in records(framework):
        row = rows[record.name, frozenset((name, repr(value)) for name, value in record.point.items())]
        for entry in record.entries:
            truth = Decimal(row["gradient"][entry.variable])
            if abs(Decimal(str(entry.symbolic)) - truth) > abs(truth) * Decimal("1e-25"):
                apart.append((record.target, entry.variable, entry.symbolic, str(truth)))
    assert apart == []


def test_formula_and_exact_walk_agree_on_the_whole_corpus(records: Callable[[str], list[CheckRecord]]) -> None:
    found = [finding for record in records("torch") for finding in record.findings]
    assert [finding for finding in found if finding.code == "GT017"] == []
    missing = [record.target for record in records("torch") if not record.formulas]
    assert missing == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_float32_is_judged_as_float32(check: Checker, framework: str) -> None:
    """A third of the corpus in single precision: nothing is called wrong that is not a named deviation."""
    found = check([suite_line(row) for row in GRADIENTS[2::3]], framework=framework, dtype="float32")
    words = [entry.verdict for record in found for entry in record.entries]
    accused = [
        f"{record.target}: {entry.reason}"
        for record in found
        for entry in record.entries
        if entry.verdict in ("wrong", "inconclusive") and not is_known_deviation(record, entry)
    ]
    assert accused == []
    assert words.count("verified") > 0.99 * len(words)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_ill_point_gets_its_word(check: Checker, framework: str) -> None:
    wanted, got = {}, {}
    for row, record in zip(ILL, check([suite_line(row) for row in ILL], framework=framework), strict=True):
        key = f"{row['expression']} at {row['at']}"
        wanted[key] = row["expect"] if isinstance(row["expect"], str) else row["expect"][framework]
        got[key] = record.verdict
    assert got == wanted
