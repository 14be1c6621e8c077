"""float16 and bfloat16 from end to end: no healthy gradient is accused, and gross errors are found."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from cases import FRAMEWORKS, corpus
from test_corpus import is_known_deviation, suite_line

from gradtool.evidence import Autodiff, Exact, Request
from gradtool.target.dtype import FORMATS, rounded
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import Case
from gradtool.verdict.record import CheckRecord
from gradtool.witness.host import Host

Checker = Callable[..., list[CheckRecord]]

HALVES = ("float16", "bfloat16")
SAMPLE = corpus("gradients.jsonl")[::32]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_no_published_formula_is_accused_in_16_bits(check: Checker, framework: str, dtype: str) -> None:
    """Unstable may be what cancels or overflows in so few bits; nearly all are verified, and the formulas agree."""
    found = check([suite_line(row) for row in SAMPLE], framework=framework, dtype=dtype)
    found = [record for record in found if not record.failures and not record.problems]
    entries = [entry for record in found for entry in record.entries]
    accused = [
        f"{record.target} at {dict(record.point)}: {entry.verdict}, {entry.reason}"
        for record in found
        for entry in record.entries
        if entry.verdict in ("wrong", "inconclusive") and not is_known_deviation(record, entry)
    ]
    assert accused == []
    words = [entry.verdict for entry in entries]
    assert len(words) > 150
    assert words.count("verified") > 0.95 * len(words)
    noted = [finding for record in found for finding in record.findings]
    assert [finding for finding in noted if finding.code == "GT017"] == []
    assert sum(finding.code == "GT016" for finding in noted) <= 1


@pytest.mark.parametrize("dtype", HALVES)
def test_a_factor_of_two_or_a_wrong_sign_is_found(host: Host, dtype: str) -> None:
    """Planted in PyTorch's true testimony on the corpus: six of seven are found; a wide bound excuses the others."""
    requests = []
    for key, row in enumerate(SAMPLE):
        point = {name: rounded(float(value), dtype) for name, value in row["at"].items()}
        if all(0 < abs(value) < 1e4 for value in point.values()):
            requests.append(Request(key, row["expression"], point, list(point), "torch", dtype, formula=False))
    entries = []
    for request, told, known in zip(requests, host.ask("torch", requests), host.ask("symbolic", requests), strict=True):
        (autodiff,), (exact,) = told, known
        assert isinstance(autodiff, Autodiff)
        assert isinstance(exact, Exact)
        for factor in (2.0, 0.5, -1.0):
            planted = {name: value * factor for name, value in autodiff.gradients.items() if isinstance(value, float)}
            claim = replace(autodiff, gradients=planted, differences=[])
            case = Case(request.expression, dtype, "torch", "", claim, exact, frozenset(), tuple(point), request.point)
            entries += [entry for entry in judge(case, request.wrt) if entry.autodiff]
    normal = Decimal(2) ** FORMATS[dtype].low
    entries = [entry for entry in entries if entry.symbolic and abs(Decimal(entry.symbolic)) > normal]
    words = [entry.verdict for entry in entries]
    assert len(words) > 400
    assert words.count("wrong") > 0.85 * len(words)
    for entry in entries:
        doubted = "as exact as the point itself" in entry.reason
        assert entry.verdict in ("wrong", "unstable", "out_of_range") or doubted, entry


@pytest.mark.parametrize("dtype", HALVES)
def test_literals_are_rounded_once_on_their_way_to_a_framework(check: Checker, dtype: str) -> None:
    """Beside a tie, by less than float32 can tell: both frameworks' own conversions would take the other neighbour."""
    gap = 2 * FORMATS[dtype].unit
    literal = 1 + gap / 2 + 2.0**-40
    for framework in FRAMEWORKS:
        (record,) = check([{"expression": f"{literal!r}*x", "at": {"x": "1"}}], framework=framework, dtype=dtype)
        assert record.entries[0].autodiff == 1 + gap
        assert record.verdict == "verified"


def test_a_whole_literal_that_bfloat16_rounds_is_no_exact_number_to_sympy(check: Checker) -> None:
    """5040 is 5056 there; the formula shows what was written, and its value is that of the walk."""
    (record,) = check([{"expression": "x**3/5040", "at": {"x": "2"}}], dtype="bfloat16")
    assert record.formulas == {"x": "3*x**2/5040"}
    assert record.findings == ()
    assert Decimal(record.entries[0].symbolic or "") == pytest.approx(Decimal(12) / 5056)


@pytest.mark.parametrize("dtype", HALVES)
def test_the_command_line_takes_the_dtype_and_repeats_itself(cli: Callable[..., Any], dtype: str) -> None:
    first = cli("check", "sin(x*y)", "--at", "x=0.1,y=3", "--dtype", dtype, "--json").json
    assert (first["dtype"], first["verdict"]) == (dtype, "verified")
    assert first["point"]["x"] == rounded(0.1, dtype)
    again = cli(*shlex.split(first["command"])[1:], "--json").json
    assert first["gradients"] == again["gradients"]
    assert json.dumps(first["value"]) == json.dumps(again["value"])


def test_five_points_are_drawn_in_float16_too(cli: Callable[..., Any]) -> None:
    records = cli("check", "log(x - 3)", "--dtype", "float16", "--json").json
    assert [record["verdict"] for record in records] == ["verified"] * 5
    for record in records:
        assert record["point"]["x"] == rounded(record["point"]["x"], "float16")
