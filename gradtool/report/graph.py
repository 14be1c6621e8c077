"""The chain rule as a graph, for Mermaid and for Graphviz: values and adjoints on nodes, local derivatives on edges.

Text of the user becomes part of a label and nothing else: what has a meaning in either language is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from gradtool.problem import printable
from gradtool.report.steps import local_text, numbers_text, retained_text, sum_text, value_line
from gradtool.verdict.record import CheckRecord, Step, StepPath

__all__ = ["SUFFIXES", "dot", "mermaid"]


def mermaid(record: CheckRecord) -> str:
    """A flowchart in Mermaid's language, from the leaves up to the output."""
    lines = ["flowchart BT"]
    for step in record.steps:
        left, right = _BRACKETS.get(step.kind, ("[", "]"))
        lines.append(f'  n{step.id}{left}"{_mermaid_lines(_node(step, record))}"{right}')
    for step, path in _edges(record):
        label = f'|"{_mermaid_lines([text])}"|' if (text := _edge(path, record)) else ""
        lines.append(f"  n{step.id} -->{label} n{path.parent}")
    for name, look in _LOOKS.items():
        members = [f"n{step.id}" for step in record.steps if _class(step) == name]
        if members:
            lines += [f"  classDef {name} {look}", f"  class {','.join(members)} {name}"]
    return "\n".join(lines) + "\n"


def dot(record: CheckRecord) -> str:
    """A directed graph in Graphviz's language, from the leaves up to the output."""
    lines = ["digraph chain {", "  rankdir=BT;", '  node [shape=box, fontname="monospace"];',
             '  edge [fontname="monospace"];']  # fmt: skip
    for step in record.steps:
        looks = [look for look in (_DOT_LOOKS.get(step.kind), _DOT_LOOKS.get(_class(step))) if look]
        style = f', style="{",".join(looks)}"' if looks else ""
        lines.append(f"  n{step.id} [label={_dot_label(_node(step, record))}{style}];")
    for step, path in _edges(record):
        label = f" [label={_dot_label([text])}]" if (text := _edge(path, record)) else ""
        lines.append(f"  n{step.id} -> n{path.parent}{label};")
    return "\n".join([*lines, "}"]) + "\n"


SUFFIXES: Mapping[str, Callable[[CheckRecord], str]] = MappingProxyType({".mmd": mermaid, ".dot": dot})
"""The end of a file's name to what writes it."""

_BRACKETS = {"leaf": ("([", "])"), "constant": ("[[", "]]"), "condition": ("{{", "}}")}

_LOOKS = {"lost": "stroke-width:4px,stroke-dasharray:6 3", "fixed": "stroke-dasharray:2 2"}
_DOT_LOOKS = {"lost": "bold,dashed", "fixed": "dotted", "leaf": "rounded"}
"""Lines, no colours, so that it reads on any ground."""


def _class(step: Step) -> str:
    if step.verdict in {"wrong", "unstable"}:
        return "lost"
    return "fixed" if step.kind in {"constant", "condition"} else ""


def _node(step: Step, record: CheckRecord) -> list[str]:
    """The lines of a node's label."""
    lines = [value_line(step, record.dtype)]
    if step.value_off:
        lines.append(f"exactly {numbers_text(step.exact, step.shape, record.dtype)}")
    if step.kind in {"constant", "condition"}:
        return [*lines, step.kind]
    lines.append(f"{step.kind}, {step.framework_node}" if step.framework_node else step.kind)
    if len(step.paths) > 1 and len(step.adjoint) == 1 and None not in step.adjoint:
        terms = [numbers_text(path.contribution, step.shape, record.dtype) for path in step.paths]
        lines.append(f"paths meet: {'their kinks cancel' if 'none' in terms else sum_text(terms)}")
    lines.append(f"adjoint {numbers_text(step.adjoint, step.shape, record.dtype)}")
    lines.append(f"{record.title} {retained_text(step, record.dtype)}")
    return [*lines, *([step.note] if step.note else [])]


def _edges(record: CheckRecord) -> Iterator[tuple[Step, StepPath]]:
    for step in record.steps:
        for path in step.paths:
            yield step, path


def _edge(path: StepPath, record: CheckRecord) -> str:
    """The label of an edge; a rule where there is no formula."""
    told = local_text(path, record.dtype)
    return told if path.formula or not path.rule else " = ".join(part for part in (path.rule, told) if part)


# ---- escaping

_MERMAID = {char: f"#{ord(char)};" for char in '"#&<>`*_~|\\[]{}$%'}
"""What Mermaid, its Markdown or its HTML could read as more than text, as numbered entities."""


def _mermaid_lines(lines: list[str]) -> str:
    return "<br/>".join(_mermaid(line) for line in lines)


def _mermaid(text: str) -> str:
    escaped = "".join(_MERMAID.get(char, char) for char in printable(text))
    first = escaped[:1]
    if first in {"-", "+"}:  # a list, to Markdown
        return f"#{ord(first)};{escaped[1:]}"
    return escaped.replace(". ", "#46; ")  # a numbered list


def _dot_label(lines: list[str]) -> str:
    told = "\\n".join(_dot(line) for line in lines)
    return f'"{told}"'


def _dot(text: str) -> str:
    return printable(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
