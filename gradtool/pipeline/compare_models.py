"""compare, of two models: files -> both sides and the pairing room -> evidence -> findings."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

from gradtool.evidence import Failure, PairEvidence, Progress
from gradtool.pipeline.pair_sides import Sided
from gradtool.pipeline.pair_steps import PairSteps, Unfinished
from gradtool.pipeline.repeating import repeating
from gradtool.settings import PairSettings
from gradtool.verdict.pairing.findings import judge_pair
from gradtool.verdict.pairing.record import ModelComparison
from gradtool.witness.host import PAIR_WITNESSES, Host

__all__ = ["compare_models", "open_pair"]


def open_pair(
    sides: tuple[Sided, Sided],
    timeout: float,
    heard: Callable[[Progress], None] | None = None,
    relay: Callable[[bytes], None] | None = None,
) -> Host:
    """Start the witnesses of both sides, and the room that compares."""
    return Host([*(side.witness for side in sides), "pairing"], timeout, PAIR_WITNESSES, heard, relay)


def compare_models(target: str, sides: tuple[Sided, Sided], settings: PairSettings, host: Host) -> ModelComparison:
    """What both sides testify, and what follows from it. The folder through which arrays travel is always removed.

    ``target`` is what stood on the command line: one file or two.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="gradtool-") as folder:
        evidence, failures = _testimony(sides, settings, host, folder)
    every = judge_pair(evidence) if evidence else ()
    told_of = tuple(one for one in every if settings.wants(one.code))
    return ModelComparison(
        target,
        evidence,
        told_of,
        failures,
        settings.seed,
        time.perf_counter() - began,
        settings.dtype,
        settings.mode,
        repeating(("compare", *shlex.split(target)), settings),
        len(every) - len(told_of),
    )


def _testimony(
    sides: tuple[Sided, Sided], settings: PairSettings, host: Host, folder: str
) -> tuple[PairEvidence | None, tuple[Failure, ...]]:
    """In float64 first; in the dtype that was asked for alone where a model has no float64."""
    failures: tuple[Failure, ...] = ()
    for widest in dict.fromkeys(("float64", settings.dtype)):
        try:
            evidence = PairSteps(sides, settings, host, folder).run(widest)
        except Unfinished as stopped:
            failures = stopped.failures
            if {one.reason for one in failures} != {"unsupported"}:
                break
        else:
            why = "; ".join(one.message for one in failures)
            told = [f"{why}: compared in {widest} alone, where small faults hide"] if failures else []
            return replace(evidence, notes=[*evidence.notes, *told]), ()
    return None, failures
