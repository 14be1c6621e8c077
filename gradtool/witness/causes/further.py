"""The other lines by which a gradient is lost, as records: who mends the first should know of the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gradtool.evidence import CodeLine, FurtherCut
from gradtool.witness.causes.dataflow import Found
from gradtool.witness.causes.events import Event

__all__ = ["further_cuts"]


def further_cuts(found: Iterable[Found], line_of: Callable[[Event], CodeLine]) -> list[FurtherCut]:
    """What stands behind and beside the first cut, which all of ``found`` share; a kind once for each line."""
    told: dict[tuple[str, CodeLine], FurtherCut] = {}
    first: set[tuple[str, CodeLine]] = set()
    for one in found:
        if one.event is not None:
            first.add((one.kind, line_of(one.event)))
        for behind, events in ((True, one.further), (False, one.beside)):
            for event in events:
                kind, line = event.kind or "nondifferentiable", line_of(event)
                told.setdefault((kind, line), FurtherCut(kind, event.operation, line, behind))
    return [cut for key, cut in told.items() if key not in first]
