"""Every operation of the table at its own points, in one dtype after another, by one set of witnesses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gradtool.pipeline import check as checking
from gradtool.pipeline import compare as comparing
from gradtool.settings import CheckSettings
from gradtool.target.suite import Target
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.record import CheckRecord
from gradtool.witness.host import Host

__all__ = ["measure"]


def measure(
    targets: Mapping[str, Sequence[Target]], settings: CheckSettings, host: Host
) -> Iterator[CompareRecord | CheckRecord]:
    """The records of the targets of each dtype: comparisons, or checks where the settings name a framework."""
    for dtype, own in targets.items():
        asked = replace(settings, dtype=dtype, formulas=False)
        yield from checking.check(own, asked, host) if settings.framework else comparing.compare(own, asked, host)
