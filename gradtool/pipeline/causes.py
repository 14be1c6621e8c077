"""The causes of what a program's gradients are: it is run a second time, in a fresh process, with the finders on."""

from __future__ import annotations

import math
from dataclasses import replace

from gradtool.evidence import Failure, ModelEvidence, ModelRequest, Training
from gradtool.witness.causes.replay import Wanted, wanted
from gradtool.witness.host import Host

__all__ = ["explained"]

UNLIKE = "the program's second run, in which the causes were looked for, did not end as the first did"


def explained(request: ModelRequest, evidence: ModelEvidence, host: Host) -> ModelEvidence:
    """The evidence with the causes in a program's first pass, and in the first training step that was not finite."""
    if (asked := wanted(evidence)).fates():
        evidence = searched(request, evidence, asked, host)
    bad = next((step for step in evidence.steps if step.nonfinite), None)
    if bad is not None and not (asked.nonfinite or asked.loss):
        asked = Wanted(nonfinite=[bad.nonfinite], loss=not math.isfinite(bad.loss))
        evidence = searched(request, evidence, asked, host, bad.step)
    return evidence


def searched(request: ModelRequest, evidence: ModelEvidence, asked: Wanted, host: Host, step: int = 0) -> ModelEvidence:
    """The evidence with the causes of what was ``asked``, looked for at training step ``step``, 0 for the first pass.

    The second run has ``host``'s timeout to itself, and what it prints is not shown again. Where it fails, or where
    other parameters have no gradient in it, a note says so.
    """
    training = replace(request.training or Training(step), steps=step) if step > 1 else None
    again = replace(
        request, find=asked.fates(), find_step=step, training=training, clip=None, verify=False, accumulate=0,
        moments=False,
    )  # fmt: skip
    with Host([request.framework], host.timeout, host.registry, host.heard) as fresh:
        (records,) = fresh.ask(request.framework, [again])
    failure = next((record for record in records if isinstance(record, Failure)), None)
    second = next((record for record in records if isinstance(record, ModelEvidence)), None)
    if failure is not None or second is None:
        told = f"the causes could not be looked for: {failure.message}" if failure else UNLIKE
        return replace(evidence, notes=[*evidence.notes, told])
    seen = wanted(second, cut=asked.cut)
    alike = (seen.none, seen.zero, seen.nonfinite) == (asked.none, asked.zero, asked.nonfinite)
    if step > 1:
        alike = [(one.step, one.nonfinite) for one in second.steps] == [
            (one.step, one.nonfinite) for one in evidence.steps[:step]
        ]
    more = [note for note in second.notes if note not in evidence.notes] + ([] if alike else [UNLIKE])
    causes = [*evidence.causes, *(second.causes if alike else [])]
    return replace(evidence, causes=causes, notes=[*evidence.notes, *more])
