"""flow: a model's file -> its framework's witness -> evidence -> findings and checklist."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gradtool.evidence import Failure, ModelEvidence, ModelRequest, Progress, Training
from gradtool.pipeline.causes import explained
from gradtool.pipeline.repeating import repeating
from gradtool.problem import Problem, ProblemError
from gradtool.settings import FlowSettings
from gradtool.target.model_file import ModelFile, read_inputs
from gradtool.target.suite import Target
from gradtool.verdict.flow.judgement import judge
from gradtool.verdict.flow.record import FlowRecord
from gradtool.witness.host import MODEL_WITNESSES, Host

__all__ = ["chosen_framework", "flow", "open_witness", "requested", "requested_expression"]


def chosen_framework(asked: str | None, imported: Sequence[str], target: str) -> str:
    """The framework asked for, else the only one that the file imports, else the one that is installed."""
    if asked:
        return asked
    if len(imported) == 1:
        return imported[0]
    if len(imported) > 1:
        hint = "say which: --framework torch or --framework tensorflow"
        raise ProblemError(Problem("framework", f"{target} imports {' and '.join(imported)}", hint=hint))
    return "torch" if importlib.util.find_spec("torch") or not importlib.util.find_spec("tensorflow") else "tensorflow"


def open_witness(
    framework: str, timeout: float, heard: Callable[[Progress], None], relay: Callable[[bytes], None]
) -> Host:
    """Start the witness for a model. ``heard`` is told of its progress, ``relay`` what the user's file prints."""
    return Host([framework], timeout, MODEL_WITNESSES, heard, relay)


def requested_expression(target: Target, framework: str, settings: FlowSettings) -> ModelRequest:
    """The same for an expression, at the first of its points."""
    (point,) = target.points or [{}]
    asked = requested(ModelFile(Path(), "", ()), framework, settings)
    return replace(asked, path="", expression=target.expression.text, point=point)


def requested(file: ModelFile, framework: str, settings: FlowSettings) -> ModelRequest:
    """The settings as a request. Raises ProblemError where an input can't be read."""
    wanted = settings.train or settings.optimizer or settings.rate is not None
    training = Training(settings.train, settings.optimizer, settings.rate) if wanted else None
    return ModelRequest(
        0,
        path=str(file.path),
        name=file.name,
        script=settings.script,
        framework=framework,
        dtype=settings.dtype,
        device=settings.device,
        seed=settings.seed,
        inputs=read_inputs(list(settings.inputs)),
        loss=settings.loss,
        labels=settings.labels,
        mode=settings.mode,
        moments=settings.moments,
        clip=settings.clip,
        accumulate=settings.accumulate,
        training=training,
        verify=settings.verify,
        arguments=list(settings.arguments),
    )


def flow(target: str, request: ModelRequest, settings: FlowSettings, host: Host) -> FlowRecord:
    """What the witness testifies, and what follows from it."""
    began = time.perf_counter()
    (records,) = host.ask(request.framework, [request])
    known = [record for record in records if isinstance(record, ModelEvidence)]
    evidence = known[-1] if known else None  # each holds what the one before does, and more
    if evidence is not None and evidence.route == "script":
        evidence = explained(request, evidence, host)
    findings, checklist = judge(evidence, absolute=settings.absolute, wanted=settings.wants) if evidence else ((), ())
    return FlowRecord(
        target,
        request.framework,
        MODEL_WITNESSES[request.framework].title,
        request.seed,
        evidence,
        findings,
        checklist,
        tuple(record for record in records if isinstance(record, Failure)),
        command=repeating(("flow", target), settings),
        seconds=time.perf_counter() - began,
    )
