"""The cause below a finding, in every format: the line, what it was given, the way from there, and the way to it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest
from handmade_flow import CAUSES, DETACHED, LOG, at, told

from gradtool.evidence import CodeLine, FurtherCut, Operand, Waypoint
from gradtool.report.causes import cause_lines, excerpt


def test_the_line_has_its_place_its_function_and_its_text() -> None:
    assert excerpt(DETACHED.line) == "model.py:12, Net.forward:  h = self.fc1(x).detach()"
    assert excerpt(CodeLine("model.py:3", "x = 1")) == "model.py:3:  x = 1"
    assert excerpt(CodeLine(function="forward")) == "in forward"
    assert excerpt(CodeLine()) == ""


def test_operands_are_told_by_shape_range_and_what_is_peculiar() -> None:
    given = cause_lines(LOG)[:-1]
    assert given == ["given 32x10 float32 from 0 to 0.9375, 12 of 320 are 0", "given scale number float32, all 2"]
    broken = Operand((3,), "float16", None, None, 3, nan=1, inf=2)
    (line,) = cause_lines(replace(LOG, operands=[broken], way=[]))
    assert line == "given 3 float16, 1 of 3 is NaN, 2 of 3 are infinite"


FURTHER = replace(
    DETACHED,
    further=[
        FurtherCut("item", "item", at(15, "s = h.sum().item()", "Net.forward"), behind=True),
        FurtherCut("data", "data", CodeLine(function="forward"), behind=False),
    ],
)


def test_further_cuts_have_their_class_and_their_line() -> None:
    assert cause_lines(FURTHER) == [
        "cut again behind it (item): model.py:15, Net.forward:  s = h.sum().item()",
        "cut on another way (data): in forward",
    ]
    many = replace(FURTHER, further=[replace(FURTHER.further[0], line=at(number, "")) for number in range(9)])
    assert cause_lines(many)[-1] == "and 3 more such lines"


@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_further_cuts_are_told_in_every_report(form: str) -> None:
    first, second, *rest = CAUSES.findings
    report = told(replace(CAUSES, findings=(first, replace(second, cause=FURTHER), *rest)), form, 200)
    assert "cut again behind it (item): model.py:15, Net.forward:  s = h.sum().item()" in html.unescape(report)


def test_json_has_further_cuts_whole() -> None:
    first, second, *rest = CAUSES.findings
    document = json.loads(told(replace(CAUSES, findings=(first, replace(second, cause=FURTHER), *rest)), "json"))
    item, data = document["findings"][1]["cause"]["further"]
    assert (item["kind"], item["line"]["source"], item["behind"]) == ("item", "model.py:15", True)
    assert (data["kind"], data["line"]["function"], data["behind"]) == ("data", "forward", False)


def test_the_way_names_each_line_once_and_says_where_it_turns() -> None:
    way = "from there: log (model.py:14) -> mul -> sum (model.py:15) -> back: sum -> log (model.py:14)"
    assert cause_lines(LOG)[-1] == way
    assert cause_lines(DETACHED) == []
    assert cause_lines(replace(DETACHED, way=[Waypoint("detach", "forward", at(12, ""))])) == []


def test_a_long_way_is_told_from_both_ends() -> None:
    way = [Waypoint(f"op{number}", "forward", at(number, "")) for number in range(20)]
    (line,) = cause_lines(replace(DETACHED, way=way))
    assert re.findall(r"op\d+", line) == ["op0", "op1", "op2", "op17", "op18", "op19"]
    assert "... 14 more" in line


def test_a_way_in_the_same_loop_is_told_once() -> None:
    way = [Waypoint("mul", "forward", at(7, ""))] * 9 + [Waypoint("exp", "forward", at(8, ""))]
    assert cause_lines(replace(DETACHED, way=way)) == ["from there: mul (model.py:7) -> exp (model.py:8)"]


def test_the_table_shows_the_line_below_the_finding_and_its_place_once() -> None:
    report = told(CAUSES)
    below = report[report.index("GT106 missing-gradient, fc1:") :].splitlines()
    assert below[1] == "    model.py:12, Net.forward:  h = self.fc1(x).detach()"
    assert below[2] == "    → take it out"
    assert "(model.py:12)" not in report
    assert "GT106 missing-gradient, fc2.bias: it leaves\n    in forward\n" in report
    assert max(map(len, report.splitlines())) <= 80
    assert told(CAUSES, unicode=False).isascii()


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_every_row_has_the_code_of_its_finding(form: str) -> None:
    rows = [line for line in told(CAUSES, form, 200).splitlines() if re.search(r"\bfc[12]\.\w+`?\s+\|?\s*4x4", line)]
    codes = [re.findall(r"GT\d+", row) for row in rows]
    assert codes == [["GT106"], ["GT106"], ["GT106"], ["GT101"]]


def test_markdown_shows_the_line_as_code() -> None:
    assert "  - `model.py:12, Net.forward:  h = self.fc1(x).detach()`\n" in told(CAUSES, "markdown")


def test_on_the_page_each_flag_leads_to_its_own_finding() -> None:
    page = told(CAUSES, "html")
    rows = dict(re.findall(r"<tr><td[^>]*>(fc[^<]+)</td>.*href=\"#([^\"]+)\"", page))
    findings = {anchor: html.unescape(text) for anchor, text in re.findall(r'<li [^>]*id="([^"]+)">(.*)</li>', page)}
    assert len(findings) == 3
    assert "self.fc1(x).detach()" in findings[rows["fc1.weight"]]
    assert rows["fc1.bias"] == rows["fc1.weight"]
    assert "it leaves" in findings[rows["fc2.bias"]]
    assert "torch.log(p)" in findings[rows["fc2.weight"]]
    assert "<code>model.py:12, Net.forward:  h = self.fc1(x).detach()</code>" in page


def test_a_row_with_several_findings_of_a_rule_leads_to_each() -> None:
    twice = replace(CAUSES, findings=(*CAUSES.findings, replace(CAUSES.findings[1], message="cut again")))
    row = next(line for line in told(twice, "html").splitlines() if '<td class="">fc1.bias' in line)
    assert re.findall(r'href="#([^"]+)"', row) == ["finding-2", "finding-4"]


def test_json_has_the_causes_of_the_findings_whole() -> None:
    document = json.loads(told(CAUSES, "json"))
    first, second, _ = document["findings"]
    assert (second["cause"]["fate"], second["cause"]["kind"]) == ("none", "detach")
    assert second["cause"]["line"] == {
        "source": "model.py:12",
        "text": "h = self.fc1(x).detach()",
        "function": "Net.forward",
    }
    assert first["parameters"] == ["fc2.weight"]
    assert first["cause"]["operands"][0]["zeros"] == 12
    assert [point["phase"] for point in first["cause"]["way"]] == ["forward"] * 3 + ["backward"] * 2
    assert document["evidence"]["causes"] == [finding["cause"] for finding in (second, first, document["findings"][2])]
