"""Mermaid and DOT: every node and edge once, and text that stays text. Read back by small readers of their grammars."""

from __future__ import annotations

import html
import re

import pytest
from handmade_steps import HOSTILE_TEXT, STEPS, arrays, hostile

from gradtool.problem import printable
from gradtool.report.graph import SUFFIXES, dot, mermaid
from gradtool.verdict.record import CheckRecord

RECORDS = pytest.mark.parametrize(
    "record", [STEPS, hostile(), arrays(4), arrays(20)], ids=["plain", "hostile", "4", "20"]
)

Graph = tuple[dict[str, list[str]], list[tuple[str, str, str]]]
"""The labels of nodes as lines, and the edges with their labels."""


def read_mermaid(text: str) -> Graph:
    """What Mermaid reads: quoted labels in which only numbered entities and line breaks are more than text."""
    nodes: dict[str, list[str]] = {}
    edges = []
    first, *lines = text.splitlines()
    assert first == "flowchart BT"
    for line in lines:
        if node := re.fullmatch(r'  (n\d+)(\[|\(\[|\[\[|\{\{)"([^"]*)"(\]|\]\)|\]\]|\}\})', line):
            assert (node[2], node[4]) in {("[", "]"), ("([", "])"), ("[[", "]]"), ("{{", "}}")}
            nodes[node[1]] = [plain(part) for part in node[3].split("<br/>")]
        elif edge := re.fullmatch(r'  (n\d+) -->(?:\|"([^"]*)"\|)? (n\d+)', line):
            edges.append((edge[1], edge[3], plain(edge[2] or "")))
        else:
            assert re.fullmatch(r"  classDef \w+ [\w:,\- ]+|  class n\d+(,n\d+)* \w+", line), line
    return nodes, edges


def plain(text: str) -> str:
    """A label without its entities; what is special must be one of them."""
    assert not set(re.sub(r"#\d+;", "", text)) & set('"#&<>`*_~|\\[]{}$%\n')
    assert not re.match(r"[-+]|\d+\. ", text)
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), text)


STRING = r'"((?:[^"\\]|\\.)*)"'


def read_dot(text: str) -> Graph:
    """What Graphviz reads: quoted strings with escapes, one statement a line."""
    nodes: dict[str, list[str]] = {}
    edges = []
    first, *lines, last = text.splitlines()
    assert (first, last) == ("digraph chain {", "}")
    for line in lines:
        if node := re.fullmatch(rf"  (n\d+) \[label={STRING}(?:, style={STRING})?\];", line):
            nodes[node[1]] = unescaped(node[2])
        elif edge := re.fullmatch(rf"  (n\d+) -> (n\d+)(?: \[label={STRING}\])?;", line):
            (label,) = unescaped(edge[3] or "")
            edges.append((edge[1], edge[2], label))
        else:
            assert re.fullmatch(r'  (rankdir=BT|(node|edge) \[(shape=box, )?fontname="monospace"\]);', line), line
    return nodes, edges


def unescaped(text: str) -> list[str]:
    parts = [html.unescape(part.replace(r"\"", '"').replace(r"\\", "\\")) for part in re.split(r"(?<!\\)\\n", text)]
    assert not re.search(r'(?<!\\)(\\\\)*\\[^n"\\]', text)  # \N, \G and \l mean something to Graphviz
    return parts


READERS = pytest.mark.parametrize(("write", "read"), [(mermaid, read_mermaid), (dot, read_dot)], ids=["Mermaid", "DOT"])


@READERS
@RECORDS
def test_every_step_is_a_node_and_every_path_an_edge(write: object, read: object, record: CheckRecord) -> None:
    nodes, edges = read(write(record))  # type: ignore[operator]
    assert list(nodes) == [f"n{step.id}" for step in record.steps]
    expected = [(f"n{step.id}", f"n{path.parent}") for step in record.steps for path in step.paths]
    assert [edge[:2] for edge in edges] == expected


@READERS
def test_values_and_adjoints_stand_on_nodes_and_local_derivatives_on_edges(write: object, read: object) -> None:
    nodes, edges = read(write(STEPS))  # type: ignore[operator]
    assert nodes["n0"] == [
        "x = 2", "leaf, AccumulateGrad", "paths meet: 1000 + 1", "adjoint 1001", "PyTorch 1001, 0 ulp, verified",
    ]  # fmt: skip
    assert nodes["n1"][-1] == "nan enters here, on the way back through * (multiply)"
    assert edges == [("n0", "n2", "y = 1000"), ("n0", "n3", "1"), ("n1", "n2", "x = 2"), ("n2", "n3", "1")]


@READERS
def test_hostile_text_comes_back_as_it_was(write: object, read: object) -> None:
    """But for control characters, which are blanks."""
    nodes, _ = read(write(hostile()))  # type: ignore[operator]
    assert nodes["n2"][0] == printable(f"{HOSTILE_TEXT} = 2000")


@READERS
def test_an_edge_without_a_formula_has_the_rule_or_nothing(write: object, read: object) -> None:
    _, edges = read(write(arrays(4)))  # type: ignore[operator]
    assert edges == [("n0", "n1", "2"), ("n1", "n3", "G for every entry"), ("n2", "n1", "")]


def test_what_is_lost_and_what_is_fixed_look_different() -> None:
    """By their lines: no colour is needed."""
    assert "  class n1 lost" in mermaid(STEPS)
    assert "  class n2 fixed" in mermaid(arrays(4))
    assert 'style="rounded,bold,dashed"' in dot(STEPS)
    assert 'style="dotted"' in dot(arrays(4))


def test_the_same_steps_give_the_same_file() -> None:
    for write in SUFFIXES.values():
        assert write(STEPS) == write(STEPS)
        assert write(STEPS).endswith("\n")
