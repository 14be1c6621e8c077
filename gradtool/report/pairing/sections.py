"""The report on two models, part by part: what was found, the map of the parameters, the layers, where they part."""

from __future__ import annotations

from dataclasses import replace

from gradtool.evidence import Failure, PairEvidence, Side
from gradtool.report.flow import markdown, table
from gradtool.report.flow.figures import counted, number, wide_number
from gradtool.report.flow.findings import failed, finding_section, tally
from gradtool.report.flow.section import Cell, Grid, Report, Section, Told
from gradtool.report.pairing.grids import layer_section, parameter_section
from gradtool.terminal import Terminal
from gradtool.values import shape_text
from gradtool.verdict.pairing.parting import agree, first_apart
from gradtool.verdict.pairing.record import ModelComparison
from gradtool.verdict.pairing.words import because, both_names, framework, shown

__all__ = ["report", "write_markdown", "write_table"]


def write_table(record: ModelComparison, terminal: Terminal, *, every: bool) -> None:
    """The report for people. ``every`` shows each parameter and layer, however many there are."""
    table.tell(report(record, every=every), terminal)
    if record.code:
        from gradtool.report.programs.models import write  # noqa: PLC0415  # only with --code

        write(record.code, terminal)


def write_markdown(record: ModelComparison, terminal: Terminal, *, every: bool) -> None:
    """The same for an issue, a pull request or a page."""
    markdown.tell(report(record, every=every), terminal)
    if record.code:
        from gradtool.report.programs.models import markdown as programs  # noqa: PLC0415  # only with --code

        terminal.stream.write(programs(record.code))


def report(record: ModelComparison, *, every: bool) -> Report:
    """Everything that is told of two models, in the order of reading."""
    failures = tuple(dict.fromkeys(map(_failed, record.failures)))  # a shared file fails alike on both sides
    told = [Section("failures", told=failures)]
    if record.evidence is not None:
        told += _of_evidence(record.evidence, every=every)
    told.append(finding_section(record.findings, every=every))
    sections = tuple(section for section in told if section.told or section.grid)
    return Report(record.target, _heading(record), sections, _last_line(record))


def _of_evidence(evidence: PairEvidence, *, every: bool) -> list[Section]:
    return [
        Section("found", "found", (*map(_side, (evidence.left, evidence.right)), *_shared(evidence))),
        parameter_section(evidence, every=every),
        layer_section(evidence, every=every),
        _parting(evidence),
        _set_otherwise(evidence),
        Section("notes", "to know", tuple(map(Told, evidence.notes))),
    ]


def _heading(record: ModelComparison) -> str:
    found = record.evidence
    if found is None:
        return f"two models, {record.mode} mode, seed {record.seed}"
    versions = " and ".join(map(_versioned, (found.left, found.right)))
    dtypes = " and ".join(dict.fromkeys((found.left.dtype, record.dtype)))
    return f"{versions}; {dtypes}, {record.mode} mode, seed {record.seed}"


def _versioned(side: Side) -> str:
    """``PyTorch 2.13.0``; Keras tells its own name, and that of its backend."""
    return side.version if side.version.startswith("Keras") else f"{side.framework} {side.version}"


def _side(side: Side) -> Told:
    name = f"{side.model} ({side.kind})" if side.model != side.kind else side.kind
    outputs = " and ".join(shape_text(tuple(shape)) for shape in side.outputs)
    layers = counted(len(side.layers), "layer")
    return Told(
        f"{side.framework}: {name}, {layers}, {counted(len(side.trained), 'trained parameter')}, output {outputs}"
    )


def _shared(evidence: PairEvidence) -> list[Told]:
    """The inputs and the loss, which are the same on both sides."""
    kinds = {evidence.left.inputs, evidence.right.inputs}
    inputs = "the file's own" if "own" in kinds else "drawn from the seed"
    told = [Told(f"inputs: {inputs}")]
    loss = next((one for one in evidence.left.assumed if one.what == "loss"), None)
    if loss is not None:
        why = f" ({loss.why})" if loss.why else ""
        mine, yours = evidence.values[0] if evidence.values else (None, None)
        pair = f"{wide_number(mine)} in {framework(evidence, 0)}, {wide_number(yours)} in {framework(evidence, 1)}"
        gap = f", {number(evidence.loss[0].difference, 2)} apart in {evidence.loss[0].dtype}" if evidence.loss else ""
        told.append(Told(f"loss: {loss.value}{why}: {pair}{gap}"))
    return told


def _parting(evidence: PairEvidence) -> Section:
    """The first layer that differs, with the settings that do."""
    layer = first_apart(evidence)
    if layer is None:
        return Section("parting")
    heads = ("setting", framework(evidence, 0), framework(evidence, 1))
    rows = [(one.name, one.left or "not set", one.right or "not set") for one in layer.settings]
    grid = Grid(heads, tuple(tuple(map(Cell, row)) for row in rows)) if rows else None
    alone = [
        f"only {_framework_of(evidence, side)} runs {title}{f' ({line})' if line else ''} before it"
        for side, title, line in layer.alone
    ]
    told = shown(layer) if rows or alone else f"{shown(layer)}: no setting is known to differ"
    return Section("parting", f"where they part first: {both_names(layer)}", (Told(told), *map(Told, alone)), grid=grid)


def _framework_of(evidence: PairEvidence, side: str) -> str:
    return framework(evidence, 0 if side == "left" else 1)


def _set_otherwise(evidence: PairEvidence) -> Section:
    """Layers behind the first one whose settings differ too; or, where all agree, that make no difference here."""
    first = first_apart(evidence)
    others = [one for one in evidence.layers if one is not first and one.settings]
    title = "also set differently" if first else "set differently, without a difference here"
    return Section("settings", title, tuple(Told(f"{both_names(one)}{because(evidence, one)}") for one in others))


def _last_line(record: ModelComparison) -> Told:
    """Whether they agree, the findings counted with those that are not told, and the time."""
    found, severities = record.evidence, {one.severity for one in record.findings}
    if found is None:
        unusable = any(failure.reason == "file" for failure in record.failures)
        said = "these files can't be compared" if unusable else "no evidence"
        return Told(f"✗ {said} ({record.seconds:.1f} s)", "error")
    same = agree(found)
    mark, word = ("!", "warning") if "warning" in severities else ("✓", "verified")
    if not same or "error" in severities:
        mark, word = "✗", "error"
    what = "parameter" if found.left.trained or found.right.trained else "input"
    sizes = f"{counted(len(found.parameters), what)} and {counted(len(found.layers) - 1, 'layer')} compared"
    untold = f", {counted(record.untold, 'finding')} not told" if record.untold else ""
    said = f"{'agree' if same else 'differ'}: {tally(record.findings)}{untold}"
    return Told(f"{mark} the models {said}; {sizes} ({record.seconds:.1f} s)", word)


def _failed(failure: Failure) -> Told:
    """Why there is nothing; a file that can't be used is no witness without evidence."""
    told = failed(failure)
    return replace(told, text=told.text.replace("no evidence", "not compared", 1)) if failure.reason == "file" else told
