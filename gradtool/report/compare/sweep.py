"""A comparison at many points in words: how many agree, the largest errors, and every stretch that does not."""

from __future__ import annotations

from collections.abc import Sequence

from gradtool.report.compare.pairs import versions
from gradtool.report.sweep import Line, Vocabulary, counted, largest, sentences
from gradtool.report.sweep import headings as headings_of
from gradtool.verdict.compare.record import AGREE, WORDS, CompareRecord

__all__ = ["COMPARED", "headings", "lines_for"]

COMPARED = Vocabulary(tuple(WORDS), AGREE, "do not agree", "ulp apart")


def lines_for(records: Sequence[CompareRecord]) -> list[Line]:
    """What there is to say about one expression, compared at many points (``report.sweep.sentences``)."""
    return sentences(records, COMPARED, _largest)


def _largest(records: Sequence[CompareRecord]) -> list[Line]:
    """The largest verified error of either side."""
    sides = zip(*(record.sides for record in records), strict=True)
    return [line for own in sides for line in largest(own, f"{own[0].title}: ")]


def headings(records: Sequence[CompareRecord]) -> tuple[str, str]:
    """The title of a picture, the target's text, and what stands under it."""
    found = counted(records, COMPARED.words)
    return headings_of([record.sides[0] for record in records], f"{versions(records[0])}, {records[0].dtype}, {found}")
