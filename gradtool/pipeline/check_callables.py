"""check FILE.py:NAME: callables -> witnesses -> evidence -> verdict, record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gradtool.evidence import CallableEvidence, CallableRequest, Failure, Progress
from gradtool.pipeline.exact_callables import exactly
from gradtool.pipeline.judged_callables import recorded
from gradtool.problem import Problem, ProblemError
from gradtool.settings import CheckSettings
from gradtool.target.model_file import ModelFile
from gradtool.target.value_text import Sweep, read_value
from gradtool.values import Value
from gradtool.verdict.record import CheckRecord
from gradtool.witness.host import CALLABLE_WITNESSES, WITNESSES, Host

__all__ = ["asked_of", "check_callables", "open_witnesses"]


def open_witnesses(
    framework: str,
    settings: CheckSettings,
    heard: Callable[[Progress], None] | None = None,
    relay: Callable[[bytes], None] | None = None,
) -> Host:
    """Start the framework, and the symbolic witness for what can be traced to an expression."""
    return Host([framework, "symbolic"], settings.timeout, CALLABLE_WITNESSES, heard, relay, restarting=True)


def asked_of(file: ModelFile, framework: str, settings: CheckSettings) -> CallableRequest:
    """The settings as a request. Raises ProblemError where an input can't be read."""
    return CallableRequest(
        0,
        path=str(file.path),
        name=file.name,
        framework=framework,
        at=_inputs(settings),
        wrt=[name.strip() for text in settings.wrt for name in text.split(",") if name.strip()],
        dtype="" if settings.own_dtype else settings.dtype,
        seed=settings.seed,
        mode=settings.mode,
        order=settings.order,
        upstream=_value("upstream", settings.upstream, settings) if settings.upstream else None,
        surrogate=settings.surrogate,
        against=settings.against,
        step=settings.step,
    )


def _inputs(settings: CheckSettings) -> dict[str, Value]:
    return {name: _value(name, text, settings) for name, text in (settings.at or {}).items()}


def _value(name: str, text: str, settings: CheckSettings) -> Value:
    found = read_value(name, text, settings.dtype, settings.seed)
    if isinstance(found, Problem):
        raise ProblemError(found)
    if isinstance(found, Sweep):
        raise ProblemError(Problem("point", f"{name} is a sweep", text, hint="a callable is checked at one point"))
    return found


def check_callables(
    target: str, request: CallableRequest, settings: CheckSettings, host: Host
) -> Iterator[CheckRecord]:
    """The records of every callable in turn: one at its own point, and one where it is wrong if it is right there."""
    (records,) = host.ask(request.framework, [request])
    last = host.last
    for record in records:
        if isinstance(record, CallableEvidence):
            yield from recorded(record, _named(target, record.name), settings, exactly(record, settings, host))
        elif isinstance(record, Failure):
            yield _failed(_lost(record, last), target, request.framework, settings)


def _lost(failure: Failure, last: Progress | None) -> Failure:
    """A witness that was lost while it was at one of several targets: at which, and how many it did not reach."""
    if failure.target or failure.reason == "file" or last is None:
        return failure
    left = last.total - last.done
    told = f"; {left} of {last.total} targets were not reached" if left > 0 else ""
    return replace(failure, target=last.target, message=f"{failure.message}{told}")


def _failed(failure: Failure, target: str, framework: str, settings: CheckSettings) -> CheckRecord:
    """What can't be used as it stands in the file is unreadable; a witness that was lost gave no evidence."""
    named = _named(target, failure.target) if failure.target else target
    made = CheckRecord(
        failure.target or named, named, framework, WITNESSES[framework].title, settings.dtype, settings.seed
    )
    if failure.reason != "file":
        return replace(made, failures=(failure,))
    problem = Problem("file", failure.message, hint=failure.hint, detail=failure.detail)
    return replace(made, problems=(problem,))


def _named(target: str, name: str) -> str:
    head, colon, _ = target.rpartition(":")
    return f"{head if colon and head.endswith('.py') else target}:{name}"
