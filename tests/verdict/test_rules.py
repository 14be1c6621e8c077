"""The catalogue of findings: a closed vocabulary that other programs may rely on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradtool import verdict
from gradtool.verdict.check_rules import CHECK_RULES
from gradtool.verdict.record import WORDS
from gradtool.verdict.rules import RULES, Rule, finding

SOURCES = [path for path in Path(verdict.__file__).parent.rglob("*.py") if not path.stem.endswith("rules")]
TEXT = "".join(path.read_text(encoding="utf-8") for path in SOURCES if path.stem not in {"judgement", "checklist"})
EMITTED = sorted(set(re.findall(r'"(GT\d+)"', TEXT)))
"""What is found somewhere; the two files left out only order and count what others find."""


def test_codes_and_names_are_unique_and_codes_sorted() -> None:
    rows = list(RULES.values())
    assert len({row.name for row in rows}) == len(rows)
    assert [row.code for row in rows] == sorted(RULES)
    assert all(key == row.code for key, row in RULES.items())


@pytest.mark.parametrize("row", RULES.values(), ids=RULES.keys())
def test_a_rule_has_every_cell(row: Rule) -> None:
    assert re.fullmatch(r"GT\d{3}", row.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", row.name)
    assert row.severity in ("error", "warning", "note")
    assert not row.title.endswith(".")
    assert row.why.endswith((".", "?"))
    assert len(row.remedy) > 20


def test_only_wrong_and_unstable_gradients_are_errors_of_a_check() -> None:
    """Its exit code 1 without --strict is for these alone."""
    errors = [row.name for row in CHECK_RULES if row.severity == "error"]
    assert errors == ["wrong-gradient", "unstable-gradient"]


def test_every_code_that_is_found_has_a_rule_and_every_rule_is_found() -> None:
    assert set(EMITTED) == set(RULES)


@pytest.mark.parametrize("word", [word for word in WORDS if word != "verified"])
def test_every_verdict_but_verified_has_a_rule(word: str) -> None:
    """Its name is the word, or begins with it: GT003 not-differentiable for not_differentiable."""
    named = [row for row in CHECK_RULES if row.name.startswith(word.replace("_", "-")) or row.name == f"{word}-point"]
    assert len(named) == 1


def test_a_finding_takes_severity_and_remedy_from_its_rule_unless_a_better_remedy_is_known() -> None:
    plain, better = finding("GT011", "x", "message"), finding("GT011", "x", "message", "do this")
    assert (plain.severity, plain.remedy) == ("warning", RULES["GT011"].remedy)
    assert better.remedy == "do this"
    milder = finding("GT103", "x", "message", severity="warning", source="model.py:12")
    assert (milder.severity, milder.source, milder.remedy) == ("warning", "model.py:12", RULES["GT103"].remedy)
    assert (better.code, better.where, better.message) == ("GT011", "x", "message")
