"""compare: target -> both frameworks and the truth -> evidence -> who is right, record by record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gradtool.evidence import Autodiff, Record, Request
from gradtool.pipeline.judged import judged, unreadable, worked
from gradtool.pipeline.requests import BATCH, with_points
from gradtool.settings import CheckSettings
from gradtool.target.suite import Target, Unreadable
from gradtool.values import Value
from gradtool.verdict.compare.comparison import compared
from gradtool.verdict.compare.record import CompareRecord
from gradtool.witness.host import Host

__all__ = ["FRAMEWORKS", "compare", "open_witnesses"]

FRAMEWORKS = ("torch", "tensorflow")


def open_witnesses(settings: CheckSettings) -> Host:
    """Start both frameworks and the symbolic witness, side by side; the slowest one first."""
    return Host(["tensorflow", "torch", "symbolic"], settings.timeout)


def compare(targets: Sequence[Target | Unreadable], settings: CheckSettings, host: Host) -> Iterator[CompareRecord]:
    """One record for each target and point, in order, as the evidence arrives."""
    for start in range(0, len(targets), BATCH):
        yield from _compared(targets[start : start + BATCH], settings, host)


def _compared(targets: Sequence[Target | Unreadable], settings: CheckSettings, host: Host) -> Iterator[CompareRecord]:
    """The exact walk is asked once for each framework: what rounding explains depends on how a framework computes."""
    jobs = with_points(targets, FRAMEWORKS[0], settings, host)
    asked = {name: [[_asked_of(name, request) for request in own] for _, own in jobs] for name in FRAMEWORKS}
    autodiff = {name: host.ask(name, [request for own in asked[name] for request in own]) for name in FRAMEWORKS}
    both = [request for owns in zip(*asked.values(), strict=True) for own in owns for request in own]
    symbolic = host.ask("symbolic", both)
    for place, (target, _) in enumerate(jobs):
        if isinstance(target, Unreadable):
            one, two = (unreadable(target, name, settings) for name in FRAMEWORKS)
            yield compared((one, two), ({}, {}), 0.0)
            continue
        evidence = [[[*next(autodiff[name]), *next(symbolic)] for _ in asked[name][place]] for name in FRAMEWORKS]
        seconds = worked(record for own in evidence for records in own for record in records)
        one, two = (
            judged(target, asked[name][place], own, settings, seconds)
            for name, own in zip(FRAMEWORKS, evidence, strict=True)
        )
        record = compared((one, two), (_gradients(evidence[0][0]), _gradients(evidence[1][0])), seconds)
        if settings.modes or settings.timing:
            from gradtool.pipeline.measured import with_measures  # noqa: PLC0415  # few runs need it

            own = {name: asked[name][place][0] for name in FRAMEWORKS}
            seen = {name: records[0] for name, records in zip(FRAMEWORKS, evidence, strict=True)}
            record = with_measures(record, target, own, seen, settings, host)
        yield record


def _asked_of(framework: str, request: Request) -> Request:
    """The request as it is put to a framework, and to the symbolic witness about it; one formula is enough."""
    return replace(request, framework=framework, formula=request.formula and framework == FRAMEWORKS[0])


def _gradients(records: Sequence[Record]) -> Mapping[str, Value | None]:
    found = next((record for record in records if isinstance(record, Autodiff)), None)
    return found.gradients if found else {}
