"""The whole report on a model, part by part, before any format; every format tells these sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gradtool.evidence import Assumed, Head, Loss, ModelEvidence
from gradtool.report.flow.depth import depth_section
from gradtool.report.flow.experiments import experiment_section, training_section
from gradtool.report.flow.figures import counted, number, wide_number
from gradtool.report.flow.findings import failed, finding_section, more, tally
from gradtool.report.flow.parameters import parameter_sections
from gradtool.report.flow.row import places
from gradtool.report.flow.section import Cell, Grid, Report, Section, Told
from gradtool.settings import FlowView
from gradtool.values import shape_text
from gradtool.verdict.flow.record import FlowRecord

__all__ = ["MARKS", "heading", "last_line", "report", "sections"]

MARKS: Mapping[str, tuple[str, str]] = {
    "failed": ("✗", "error"),
    "warned": ("!", "warning"),
    "passed": ("✓", "verified"),
    "unknown": ("?", "note"),
}
"""The sign of each state of the checklist, and the word in whose colour it is shown."""


def report(record: FlowRecord, view: FlowView) -> Report:
    """Everything that is told of one model."""
    return Report(record.target, heading(record), tuple(sections(record, view)), last_line(record))


def heading(record: FlowRecord) -> str:
    """What was looked at, in one line."""
    found = record.evidence
    if found is None:
        return record.title
    model = f"{found.model} ({found.kind})" if found.model and found.model != found.kind else found.kind
    batch = [f"batch of {found.batch}"] if found.batch else []
    version = f"{record.title} {found.version}".strip()
    return ", ".join([model, version, found.device, found.dtype, f"{found.mode} mode", *batch, f"seed {found.seed}"])


def sections(record: FlowRecord, view: FlowView) -> list[Section]:
    """Every part that has something to tell, in the order of reading."""
    told = [_without_evidence(record)]
    if record.evidence is not None:
        told += _of_evidence(record.evidence, record, view)
    told += [finding_section(record.findings, every=view.every), _checklist(record)]
    return [section for section in told if section.told or section.grid]


def _of_evidence(evidence: ModelEvidence, record: FlowRecord, view: FlowView) -> list[Section]:
    known = places(record.findings)
    told = [
        Section("assumed", "assumed", (*map(_assumed, evidence.assumed), *_candidates(evidence))),
        _loss(evidence.loss, evidence.head),
    ]
    if evidence.parameters:
        told += [*parameter_sections(evidence, known, view), Section("norm", told=(_norm(evidence),))]
    if view.layers and evidence.layers:
        told.append(depth_section(evidence, known, view))
    told.append(experiment_section(evidence, record.title))
    if evidence.steps:
        told.append(training_section(evidence.steps, evidence.after))
    told.append(Section("notes", "to know", tuple(map(Told, evidence.notes))))
    return told


def _without_evidence(record: FlowRecord) -> Section:
    """What could not be run, and why."""
    problems = [
        Told(f"error: {problem.message}", "error", more(problem.why, problem.hint)) for problem in record.problems
    ]
    return Section(
        "problems", told=(*problems, *(failed(one, some=record.evidence is not None) for one in record.failures))
    )


def _assumed(assumed: Assumed) -> Told:
    reasons = "; ".join(part for part in (assumed.why, assumed.flag) if part)
    return Told(f"{assumed.what}: {assumed.value}" + (f" ({reasons})" if reasons else ""))


def _candidates(evidence: ModelEvidence) -> list[Told]:
    return [
        Told(f"not taken: {other.name} ({other.kind})" + (f", {other.note}" if other.note else ""))
        for other in evidence.candidates
    ]


def _loss(loss: Loss, head: Head | None) -> Section:
    """The loss, the model's output beside the targets, and the named terms."""
    source = f", {loss.source}" if loss.source else ""
    told = [Told(f"loss {wide_number(loss.value)}: {loss.how}{source}")]
    if head is not None:
        told.append(Told(_head(head)))
    grid = None
    if loss.terms:
        heads = ("term of the loss", "value", "gradient norm", "cosine to the whole")
        rows = [(t.name, wide_number(t.value), number(t.norm, 4), number(t.cosine)) for t in loss.terms]
        grid = Grid(heads, tuple(tuple(map(Cell, cells)) for cells in rows), lead=(0,))
    return Section("loss", told=tuple(told), grid=grid)


def _head(head: Head) -> str:
    """``output 32x10 from -1.2 to 3.4, targets 32 from 0 to 9, 10 classes``."""
    after = f" after {head.activation}" if head.activation else ""
    told = f"output {shape_text(head.shape)}{after} from {number(head.least)} to {number(head.largest)}"
    if head.target_least is not None:
        told += f", targets {shape_text(head.target_shape)} from {number(head.target_least)} to "
        told += number(head.target_largest)
    told += f", {counted(head.classes, 'class')}".replace("classs", "classes") if head.classes else ""
    return f"{told}; the loss takes {head.expects}" if head.expects else told


def _norm(evidence: ModelEvidence) -> Told:
    own = [parameter.gradient for parameter in evidence.parameters if parameter.gradient]
    over = f"{counted(len(own), 'gradient')} of {counted(sum(one.count for one in own), 'number')}"
    return Told(f"global norm {number(evidence.norm, 6)} over {over}")


def _checklist(record: FlowRecord) -> Section:
    told = [
        Told(f"{MARKS[item.state][0]} {item.title}" + (f": {item.detail}" if item.detail else ""), MARKS[item.state][1])
        for item in record.checklist
    ]
    states = {item.state for item in record.checklist}
    meanings = {"failed": "✗ failed", "warned": "! to be looked at", "unknown": "? not looked at"}
    after = ", ".join(text for state, text in meanings.items() if state in states)
    return Section("checklist", "checklist", tuple(told), after=(Told(after),) if after else ())


def last_line(record: FlowRecord) -> Told:
    """The findings counted, and the time."""
    found = Counter(finding.severity for finding in record.findings)
    if record.evidence is None:
        state, text = "failed", "no evidence"
    else:
        state = "failed" if found["error"] else "warned" if found["warning"] else "passed"
        text = f"{counted(len(record.evidence.parameters), 'parameter')}: {tally(record.findings)}"
        if record.failures:
            state, text = "failed", f"{text}, without all the evidence"
    mark, word = MARKS[state]
    return Told(f"{mark} {text} ({record.seconds:.1f} s)", word)
