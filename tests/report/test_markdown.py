"""Markdown, as a renderer reads it: a heading and a table for each target, and no word turned into markup."""

from __future__ import annotations

import itertools

import pytest
from handmade import BAD, FIVE, HOSTILE, KINK, SETS, SUITE, UNREADABLE, UNSTABLE, VERIFIED, record, told
from markdown_it import MarkdownIt

from gradtool.evidence import Failure
from gradtool.verdict.record import Finding

HEADS = ["at", "variable", "autodiff", "symbolic", "finite difference", "ulp", "verdict"]


def texts(text: str, tag: str) -> list[str]:
    """What a reader sees of each block of a kind, such as every h2 or td."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [
        "".join(part.content for part in token.children or [])
        for before, token in itertools.pairwise(tokens)
        if token.type == "inline" and before.tag == tag
    ]


@pytest.mark.parametrize("name", SETS)
def test_each_target_has_a_heading_and_each_entry_a_row(name: str) -> None:
    report = told(SETS[name], "markdown")
    entries = [entry for item in SETS[name] for entry in item.entries]
    cells = texts(report, "td")
    assert len(cells) == len(HEADS) * len(entries)
    assert cells[6::7] == [entry.verdict for entry in entries]
    assert cells[1::7] == [entry.variable for entry in entries]
    assert len(texts(report, "h2")) == len({item.name for item in SETS[name]})
    assert texts(report, "th") == HEADS * (len(texts(report, "th")) // len(HEADS))
    assert "gradient entr" in texts(report, "p")[-1]


@pytest.mark.parametrize("name", SETS)
def test_it_is_the_same_at_every_width_and_never_coloured(name: str) -> None:
    report = told(SETS[name], "markdown", 40, colour=True)
    assert report == told(SETS[name], "markdown", 120)
    assert "\x1b" not in report
    assert [line for line in report.split("\n") if line != line.rstrip()] == []
    assert told(SETS[name], "markdown", unicode=False).isascii()


def test_the_report_on_one_point() -> None:
    assert told([VERIFIED], "markdown") == (
        "## `x**2`\n"
        "\n"
        "PyTorch 2.13.0, float64\n"
        "\n"
        "| at | variable | autodiff | symbolic | finite difference | ulp | verdict |\n"
        "|---|---|---|---|---|---|---|\n"
        "| x = 3 | `x` | 6 | 6 | 6 ± 2e-9 | 0 | **verified** |\n"
        "\n"
        "- `df/dx` = `2*x`\n"
        "\n"
        "1 gradient entry: 1 verified (1.2 s)\n"
    )


def test_numbers_are_whole() -> None:
    cells = texts(told([UNSTABLE, *FIVE], "markdown"), "td")
    for number in (
        "-0.000123456789012345",
        "-0.00012345678912345679",
        "-0.00012345 ± 3e-8",
        "6.7e+07",
        "nan",
        "1.5e-300",
    ):
        assert number in cells
    assert "x = -1.7976931348623157e+308, y = 5e-324" in cells
    assert "-1 / 1" in texts(told([KINK], "markdown"), "td")


@pytest.mark.parametrize(
    "name",
    ["a|b", "`c`", "`", "a`b``c", "*d* _e_ __f__", "<b>g</b>", "[h](i)", "w[i]", "[/b]", "\\", "x\\|y", "&amp;", "# j"],
)
def test_a_name_is_read_as_it_was_written(name: str) -> None:
    assert texts(told([record("x", *VERIFIED.entries, name=name)], "markdown"), "h2") == [name]


def test_a_name_cannot_end_its_line() -> None:
    report = told([record("x", *VERIFIED.entries, name="x\n\n# forged\n")], "markdown")
    assert "forged" not in texts(report, "h1")


def test_hostile_names_keep_the_table_whole() -> None:
    assert texts(told(HOSTILE, "markdown"), "h2") == [item.name for item in HOSTILE]
    assert len(texts(told(HOSTILE, "markdown"), "td")) == 2 * len(HEADS)


@pytest.mark.parametrize(
    "message", ["2*x*y and 3*x*z", "a_b_c", "w[i](j)", "<b> & c", "x**2 is **not** y", "`code`", "a\\*b"]
)
def test_a_message_is_read_as_it_was_written(message: str) -> None:
    """Of findings and of failures, hints included."""
    finding, failure = Finding("GT001", "error", "x", message, ""), Failure(0, "torch", "crash", message, message)
    report = told([record("x", *VERIFIED.entries, findings=(finding,), failures=(failure,))], "markdown")
    listed = texts(report, "p")
    assert f"error GT001 x: {message}" in listed
    assert f"error: {message}. {message}" in listed


def test_a_problem_is_read_as_it_was_written() -> None:
    listed = texts(told([UNREADABLE], "markdown"), "p")
    assert [f"error: {problem.message} ({problem.hint})" for problem in BAD] == listed[:2]


def test_every_finding_of_a_suite_is_listed() -> None:
    report = told(SUITE, "markdown")
    for item in SUITE:
        for finding in item.findings:
            assert f"{finding.severity} {finding.code} {finding.where}: {finding.message}" in texts(report, "p")
