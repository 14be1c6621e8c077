"""check: target -> witnesses -> evidence -> verdict, record by record."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from itertools import chain

from gradtool.pipeline.judged import judged, unreadable, worked
from gradtool.pipeline.requests import BATCH, with_points
from gradtool.settings import CheckSettings
from gradtool.target.suite import Target, Unreadable
from gradtool.verdict.record import CheckRecord
from gradtool.witness.host import Host

__all__ = ["check", "chosen_framework", "open_witnesses"]


def chosen_framework(settings: CheckSettings) -> str:
    """The framework asked for; without one PyTorch if it is installed, else TensorFlow."""
    if settings.framework:
        return settings.framework
    return "torch" if importlib.util.find_spec("torch") or not importlib.util.find_spec("tensorflow") else "tensorflow"


def open_witnesses(settings: CheckSettings) -> Host:
    """Start the witnesses that a check needs. Do this before anything else is imported: they take longest."""
    return Host([chosen_framework(settings), "symbolic"], settings.timeout)


def check(targets: Sequence[Target | Unreadable], settings: CheckSettings, host: Host) -> Iterator[CheckRecord]:
    """One record for each target and point, in order, as the evidence arrives."""
    for start in range(0, len(targets), BATCH):
        yield from _checked(targets[start : start + BATCH], settings, host)


def _checked(targets: Sequence[Target | Unreadable], settings: CheckSettings, host: Host) -> Iterator[CheckRecord]:
    framework = chosen_framework(settings)
    jobs = with_points(targets, framework, settings, host)
    requests = [request for _, own in jobs for request in own]
    autodiff, symbolic = host.ask(framework, requests), host.ask("symbolic", requests)
    for target, own in jobs:
        if isinstance(target, Unreadable):
            yield unreadable(target, framework, settings)
        else:
            evidence = [[*next(autodiff), *next(symbolic)] for _ in own]
            yield judged(target, own, evidence, settings, worked(chain(*evidence)))
