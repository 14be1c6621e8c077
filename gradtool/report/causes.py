"""The cause of a finding as it is shown below it: the line, what it was given, and the way from there."""

from __future__ import annotations

from collections.abc import Sequence

from gradtool.evidence import Cause, CodeLine, FurtherCut, Operand, Waypoint
from gradtool.values import shape_text
from gradtool.verdict.record import Finding

__all__ = ["below", "cause_lines", "excerpt"]

MOST = 6
"""So many operations of a way are shown, half of them from its beginning and half from its end; and so many cuts."""


def excerpt(line: CodeLine) -> str:
    """``model.py:12, Net.forward:  h = h.detach()``; of code in no file the function, ``in forward``."""
    if line.function and not (line.source or line.text):
        return f"in {line.function}"
    place = ", ".join(part for part in (line.source, line.function) if part)
    return f"{place}:  {line.text}" if place and line.text else place or line.text


def below(finding: Finding) -> list[str]:
    """What stands below a finding: the line of the program, and what ``cause_lines`` tell."""
    cause = finding.cause
    return [] if cause is None else [text for text in (excerpt(cause.line), *cause_lines(cause)) if text]


def cause_lines(cause: Cause) -> list[str]:
    """The other cuts, what the operation was given, and the operations from there to the first gradient it spoils."""
    lines = [_further(cut) for cut in cause.further[:MOST]]
    if len(cause.further) > MOST:
        lines.append(f"and {len(cause.further) - MOST} more such lines")
    lines += dict.fromkeys(f"given {_operand(operand)}" for operand in cause.operands)
    way = _without_repeats(cause.way)
    if len(way) < 2:
        return lines
    half = MOST // 2
    shown = way if len(way) <= MOST else [*way[:half], f"... {len(way) - 2 * half} more", *way[-half:]]
    return [*lines, f"from there: {' -> '.join(shown)}"]


def _further(cut: FurtherCut) -> str:
    """``cut again behind it (item): model.py:14, Net.forward:  s = h.sum().item()``."""
    told = f"cut {'again behind it' if cut.behind else 'on another way'} ({cut.kind})"
    place = excerpt(cut.line)
    return f"{told}: {place}" if place else told


def _operand(operand: Operand) -> str:
    """``p 32x10 float32 from 0 to 1, 12 of 320 are 0, 3 NaN``."""
    head = " ".join(part for part in (operand.name, shape_text(operand.shape), operand.dtype) if part)
    if operand.least is not None and operand.largest is not None:
        same = operand.least == operand.largest
        head += f", all {operand.least:.4g}" if same else f" from {operand.least:.4g} to {operand.largest:.4g}"
    counts = ((operand.zeros, "0"), (operand.nan, "NaN"), (operand.inf, "infinite"))
    told = [f"{number} of {operand.count} {'is' if number == 1 else 'are'} {word}" for number, word in counts if number]
    return ", ".join([head, *told])


def _without_repeats(way: Sequence[Waypoint]) -> list[str]:
    """Each operation with its line, where that is another one than before; the way back is said where it begins."""
    told: list[str] = []
    source, phase = "", "forward"
    for place, point in enumerate(way):
        if place and _same(way[place - 1], point):
            continue
        text = f"{point.operation} ({point.line.source})" if point.line.source not in {"", source} else point.operation
        if point.phase != phase:
            text = f"{'back' if point.phase == 'backward' else 'forward'}: {text}"
        told.append(text)
        source, phase = point.line.source or source, point.phase
    return told


def _same(one: Waypoint, other: Waypoint) -> bool:
    return (one.operation, one.phase, one.line.source) == (other.operation, other.phase, other.line.source)
