"""check: target -> witnesses -> evidence -> verdict, record by record."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradtool.evidence import (
    Autodiff,
    Checked,
    Exact,
    ExactTrace,
    Failure,
    Formulas,
    Points,
    Record,
    Request,
    SampleRequest,
    Trace,
)
from gradtool.problem import Problem
from gradtool.settings import CheckSettings
from gradtool.target.expression import parse
from gradtool.target.suite import Target, Unreadable
from gradtool.target.tree import calls
from gradtool.values import Value, flat
from gradtool.verdict.against import misleading
from gradtool.verdict.agreement import Case, judge
from gradtool.verdict.health import findings
from gradtool.verdict.record import CheckRecord, Entry, Step, worst
from gradtool.verdict.rewrites import rewrites, rewritten
from gradtool.verdict.steps import steps
from gradtool.verdict.summary import asymmetry, gradient_norm, is_direction
from gradtool.witness.host import WITNESSES, Host

__all__ = ["check", "chosen_framework", "open_witnesses"]

BATCH = 64
"""So many targets are handed to the witnesses at once; the first records come while the next are still unread."""


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
    jobs = _with_points(targets, framework, settings, host)
    requests = [request for _, own in jobs for request in own]
    autodiff, symbolic = host.ask(framework, requests), host.ask("symbolic", requests)
    for target, own in jobs:
        if isinstance(target, Unreadable):
            yield _unreadable(target, framework, settings)
        else:
            began = time.perf_counter()
            evidence = [[*next(autodiff), *next(symbolic)] for _ in own]
            yield _judged(target, own, evidence, settings, time.perf_counter() - began)


def _with_points(
    targets: Sequence[Target | Unreadable], framework: str, settings: CheckSettings, host: Host
) -> list[tuple[Target | Unreadable, list[Request]]]:
    """Each target at each of its points, with its requests; points are drawn where none are given.

    A second request asks about the expression with every known rewrite made, so that advice is only given after it
    was tried.
    """
    wanted = [target for target in targets if isinstance(target, Target) and target.points is None]
    samples = host.ask(
        "symbolic",
        [
            SampleRequest(
                -1, target.expression.text, target.wrt, framework, settings.dtype, settings.seed, settings.points
            )
            for target in wanted
        ],
    )
    jobs: list[tuple[Target | Unreadable, list[Request]]] = []
    for target in targets:
        if isinstance(target, Unreadable):
            jobs.append((target, []))
            continue
        points = target.points or _drawn(target, next(samples))
        if isinstance(points, Unreadable):
            jobs.append((points, []))
            continue
        for point in points:
            asked = Request(len(jobs), target.expression.text, point, target.wrt, framework, settings.dtype,
                            settings.seed, True, target.mode, target.order, target.upstream, settings.against,
                            settings.step, settings.steps)  # fmt: skip
            jobs.append((target, [asked, *_alternative(target, asked)]))
    return jobs


def _alternative(target: Target, asked: Request) -> list[Request]:
    """The expression with every known rewrite made, if any applies and the result uses the same variables."""
    text = target.expression.text
    if not (found := rewrites(text, list(target.expression.variables), asked.point)):
        return []
    better = parse(rewritten(text, found), target.expression.variables)
    if set(better.variables) != set(target.expression.variables):
        return []
    return [replace(asked, expression=better.text, formula=False, against="", steps=False)]


def _drawn(target: Target, records: list[Record]) -> Sequence[dict[str, Value]] | Unreadable:
    """The points that the symbolic witness drew, or why there are none."""
    text = target.expression.text
    for record in records:
        if isinstance(record, Points) and record.points:
            return record.points
        if isinstance(record, Failure):
            problem = Problem("points", f"no point could be drawn: {record.message}", text, hint="give one with --at")
            return Unreadable(target.name, text, (problem,))
    names = ",".join(f"{name}=..." for name in target.expression.variables)
    problem = Problem(
        "points",
        "no point was found at which every operation has a value",
        text,
        (0, len(text)),
        "thousands of points of ordinary and large magnitude were tried",
        f"give one: --at {names}",
    )
    return Unreadable(target.name, text, (problem,))


def _unreadable(target: Unreadable, framework: str, settings: CheckSettings) -> CheckRecord:
    title = WITNESSES[framework].title
    return CheckRecord(
        target.name, target.text, framework, title, settings.dtype, settings.seed, problems=target.problems
    )


def _judged(
    target: Target, requests: list[Request], evidence: list[list[Record]], settings: CheckSettings, seconds: float
) -> CheckRecord:
    request, records = requests[0], evidence[0]
    failures = tuple(record for record in records if isinstance(record, Failure))
    case = _case(target, request, records)
    entries = judge(case, request.wrt)
    better = {}
    if len(requests) > 1 and any(entry.verdict == "unstable" for entry in entries):
        better = {entry.label: entry for entry in judge(_case(target, requests[1], evidence[1]), request.wrt)}
    formulas = next((record for record in records if isinstance(record, Formulas)), None)
    noticed = findings(case, entries, formulas, target.expression.shadowed, better, absolute=settings.absolute)
    against = next((record for record in records if isinstance(record, Checked)), None)
    if against:
        noticed += misleading(against, entries, request.dtype)
    autodiff, exact = case.autodiff, case.exact
    versions = {autodiff.witness: autodiff.version} if autodiff else {}
    if formulas:
        versions["sympy"] = formulas.version
    claimed = [entry.autodiff for entry in entries]
    if autodiff and autodiff.survey:
        claimed = [number for value in autodiff.gradients.values() if value is not None for number in flat(value)]
    norm, nan, inf = gradient_norm(claimed)
    return CheckRecord(
        target.name,
        request.expression,
        request.framework,
        case.title,
        request.dtype,
        request.seed,
        point=request.point,
        at=target.at,
        mode=request.mode,
        order=request.order,
        upstream=request.upstream,
        shape=target.shape,
        versions=versions,
        value=autodiff.value if autodiff else None,
        exact_value=exact.value if exact else None,
        verdict=worst([entry.verdict for entry in entries]),
        entries=tuple(entries),
        formulas=formulas.formulas if formulas else {},
        formula_note=formulas.note if formulas else "",
        norm=norm,
        asymmetry=asymmetry(entries) if request.mode == "hessian" else None,
        nan=nan,
        inf=inf,
        directions=tuple(bar for bar in autodiff.differences if is_direction(bar)) if autodiff else (),
        findings=tuple(noticed),
        failures=failures,
        against=against,
        seconds=seconds,
        drawn=target.points is None,
        steps=_steps(case, target, records, entries) if request.steps else (),
    )


def _steps(case: Case, target: Target, records: list[Record], entries: Sequence[Entry]) -> tuple[Step, ...]:
    kept = next((record for record in records if isinstance(record, Trace)), None)
    exact = next((record for record in records if isinstance(record, ExactTrace)), None)
    return steps(case, target.expression, target.wrt, kept, exact, entries)


def _case(target: Target, request: Request, records: list[Record]) -> Case:
    return Case(
        request.expression,
        request.dtype,
        request.framework,
        WITNESSES[request.framework].title,
        next((record for record in records if isinstance(record, Autodiff)), None),
        next((record for record in records if isinstance(record, Exact)), None),
        frozenset(call.operation for call in calls(parse(request.expression, request.point).tree)),
        target.expression.variables,
        request.point,
        request.mode == "gradient" and request.upstream is None,
    )
