"""--modes and --timing: what a framework's modes give and how long they take, judged and put beside a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gradtool.evidence import Failure, MeasureRequest, Mode, Record, Request, Timed
from gradtool.pipeline.judged import case_of
from gradtool.settings import CheckSettings
from gradtool.target.suite import Target
from gradtool.verdict.compare.modes import judged_modes, mode_findings
from gradtool.verdict.compare.record import CompareRecord, Measured
from gradtool.witness.host import Host

__all__ = ["with_measures"]


def with_measures(
    record: CompareRecord,
    target: Target,
    asked: Mapping[str, Request],
    evidence: Mapping[str, Sequence[Record]],
    settings: CheckSettings,
    host: Host,
) -> CompareRecord:
    """The record with modes and times of each framework that gave a gradient.

    One after the other, so that neither takes the other's time.
    """
    formulas = dict(record.sides[0].formulas)
    found = {}
    for name, request in asked.items():
        if any(isinstance(one, Failure) and one.witness == name for one in evidence[name]):
            continue
        wanted = MeasureRequest(request, settings.modes, settings.timing, formulas)
        (answers,) = host.ask(name, [wanted])
        rows = [one for one in answers if isinstance(one, Mode)]
        modes = judged_modes(rows, case_of(target, request, list(evidence[name])), request.wrt)
        found[name] = Measured(
            modes,
            tuple(one for one in answers if isinstance(one, Timed)),
            mode_findings(modes),
            tuple(one for one in answers if isinstance(one, Failure)),
        )
    return replace(record, measured=found)
