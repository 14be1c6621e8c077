"""From the evidence on one target at one point to the record of a check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gradtool.evidence import Autodiff, Checked, Exact, ExactTrace, Failure, Formulas, Record, Request, Trace
from gradtool.settings import CheckSettings
from gradtool.target.expression import parse
from gradtool.target.suite import Target, Unreadable
from gradtool.target.tree import calls
from gradtool.values import flat
from gradtool.verdict.against import misleading
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import Case
from gradtool.verdict.health import findings
from gradtool.verdict.record import CheckRecord, Entry, Step, worst
from gradtool.verdict.steps import steps
from gradtool.verdict.summary import asymmetry, gradient_norm, is_direction
from gradtool.witness.host import WITNESSES

__all__ = ["case_of", "judged", "unreadable", "worked"]


def unreadable(target: Unreadable, framework: str, settings: CheckSettings) -> CheckRecord:
    """The record of a target that could not be read."""
    title = WITNESSES[framework].title
    return CheckRecord(
        target.name, target.text, framework, title, settings.dtype, settings.seed, problems=target.problems
    )


def judged(
    target: Target, requests: list[Request], evidence: list[list[Record]], settings: CheckSettings, seconds: float
) -> CheckRecord:
    """The verdict on every derivative, and everything noticed beside; ``evidence`` answers ``requests`` one by one."""
    request, records = requests[0], evidence[0]
    case = case_of(target, request, records)
    failures = tuple(_dated(record, case) for record in records if isinstance(record, Failure))
    entries = judge(case, request.wrt)
    better = {}
    if len(requests) > 1 and any(entry.verdict == "unstable" for entry in entries):
        better = {entry.label: entry for entry in judge(case_of(target, requests[1], evidence[1]), request.wrt)}
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


def worked(evidence: Iterable[Record]) -> float:
    """For how many seconds the witnesses have worked, as they say themselves."""
    return sum(record.seconds for record in evidence if isinstance(record, Autodiff | Exact | Formulas | Checked))


def _dated(failure: Failure, case: Case) -> Failure:
    """The exact derivative comes first, and stands where the symbolic witness fails at its formula."""
    if failure.witness != "symbolic" or case.exact is None:
        return failure
    return replace(failure, message=f"{failure.message}; the exact derivative had come before")


def _steps(case: Case, target: Target, records: list[Record], entries: Sequence[Entry]) -> tuple[Step, ...]:
    kept = next((record for record in records if isinstance(record, Trace)), None)
    exact = next((record for record in records if isinstance(record, ExactTrace)), None)
    return steps(case, target.expression, target.wrt, kept, exact, entries)


def case_of(target: Target, request: Request, records: list[Record]) -> Case:
    """The evidence of ``records`` on ``request``."""
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
