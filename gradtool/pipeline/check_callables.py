"""check FILE.py:NAME: callables -> witnesses -> evidence -> verdict, record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from gradtool.evidence import (
    Asked,
    CallableEvidence,
    CallablePoint,
    CallableRequest,
    Exact,
    Failure,
    Formulas,
    Progress,
    Record,
    Request,
)
from gradtool.problem import Problem, ProblemError
from gradtool.settings import CheckSettings
from gradtool.target.model_file import ModelFile
from gradtool.target.value_text import Sweep, read_value
from gradtool.values import Value, flat, shape_of
from gradtool.verdict.against import misleading
from gradtool.verdict.agreement import Case
from gradtool.verdict.callable import OWN, case_of, is_of_another, judge_point
from gradtool.verdict.contract import contract_findings
from gradtool.verdict.contract_causes import with_causes
from gradtool.verdict.health import findings
from gradtool.verdict.record import WORDS, CallableFacts, CheckRecord, Entry, Finding, worst
from gradtool.verdict.summary import gradient_norm
from gradtool.witness.host import CALLABLE_WITNESSES, WITNESSES, Host

__all__ = ["Symbolic", "asked_of", "check_callables", "exactly", "open_witnesses", "recorded"]

BUILT_IN = frozenset({"function", "module", "layer"})
"""Kinds of callables whose backward pass nobody has written by hand, as far as one can see."""
CUTS = {
    "torch": "Look for detach(), .data, .item(), NumPy or no_grad() on the way, or an operation of your own with a "
    "wrong backward.",
    "tensorflow": "Look for stop_gradient, .numpy(), a constant or a cast on the way, or a wrong custom gradient.",
}
"""What cuts a part of the gradient off, where nobody has written a backward pass."""
TOLD = frozenset({"wrong", "unstable"})
"""Verdicts for which another point than the callable's own is told in full, if that is in order."""


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


# ---- the exact derivative of what could be traced


class Symbolic(Protocol):
    """Who can be asked for exact derivatives."""

    def ask(self, name: str, requests: Iterable[Asked]) -> Iterator[list[Record]]:
        """As ``witness.host.Host`` does."""


def exactly(evidence: CallableEvidence, settings: CheckSettings, host: Symbolic) -> list[tuple[str, list[Record]]]:
    """For each point the expression and what the symbolic witness says of it; empty where there is none."""
    asked = [_request(evidence, point, settings) for point in evidence.points]
    answers = host.ask("symbolic", [request for request in asked if request is not None])
    return [("", []) if request is None else (request.expression, next(answers)) for request in asked]


def _request(evidence: CallableEvidence, point: CallablePoint, settings: CheckSettings) -> Request | None:
    if not point.expressions:
        return None
    known = {**point.point, **point.constants}
    expression, upstream = point.expressions[0], point.upstream[0]
    if len(point.expressions) > 1:  # the weighed sum of several outputs is an expression itself
        names = [_free(f"upstream_{place}", known) for place in range(len(point.expressions))]
        known |= dict(zip(names, point.upstream, strict=True))
        terms = zip(names, point.expressions, point.upstream, strict=True)
        parts = [f"sum({name}*({text}))" if shape_of(weights) else f"{name}*({text})" for name, text, weights in terms]
        return Request(0, " + ".join(parts), known, list(point.point), evidence.witness, evidence.dtype, settings.seed,
                       formula=False)  # fmt: skip
    single = upstream if shape_of(upstream) or flat(upstream)[0] != 1 else None
    return Request(0, expression, known, list(point.point), evidence.witness, evidence.dtype, settings.seed,
                   formula=point.label == OWN, upstream=single)  # fmt: skip


def _free(name: str, taken: Mapping[str, Value]) -> str:
    while name in taken:
        name += "_"
    return name


# ---- records


def recorded(
    evidence: CallableEvidence, target: str, settings: CheckSettings, exactly: list[tuple[str, list[Record]]]
) -> Iterator[CheckRecord]:
    """The callable at its own point with everything noticed; right there, also the first point where it is wrong."""
    title = WITNESSES[evidence.witness].title
    if not evidence.points:  # no gradient that could be judged
        facts = _facts(evidence, OWN, settings)
        found = tuple(contract_findings(evidence, title))
        yield CheckRecord(evidence.name, target, evidence.witness, title, evidence.dtype, settings.seed,
                          at=settings.at or {}, order=settings.order, findings=found, callable=facts,
                          versions={evidence.witness: evidence.version},
                          seconds=evidence.seconds)  # fmt: skip
        return
    judged = []
    for one, (expression, answers) in zip(evidence.points, exactly, strict=True):
        point, records = one, answers
        exact = next((record for record in records if isinstance(record, Exact)), None)
        if exact and is_of_another(point, exact):
            exact, records, point = None, [], replace(point, untraced="its formula is another function here")
        case = case_of(evidence, point, expression, exact, title)
        judged.append((point, records, case, judge_point(evidence, point, case)))
    words = [worst([entry.verdict for entry in entries]) for *_, entries in judged]
    # Where something is wrong already, nothing is searched for elsewhere, and what disagrees there has no verdict.
    told = ("verified", *TOLD) if words[0] in TOLD else tuple(WORDS)
    beside = tuple(
        (point.label, word) for (point, *_), word in list(zip(judged, words, strict=True))[1:] if word in told
    )
    wrong = next((place for place, word in enumerate(words) if word in TOLD), 0)
    for place in sorted({0, wrong}):
        point, records, case, entries = judged[place]
        made = _record(evidence, point, target, settings, records, case, entries)
        if not place:
            facts = replace(made.callable or _facts(evidence, OWN, settings), beside=beside)
            noticed = _once(
                [*made.findings, *contract_findings(evidence, title, words)], evidence.name, set(point.point)
            )
            if evidence.checked and not evidence.surrogate:  # the numbers of a surrogate are not judged
                noticed += misleading(evidence.checked, entries, evidence.dtype)
            noticed = with_causes(noticed, point.causes, point.point, evidence.witness, CUTS[evidence.witness])
            made = replace(made, findings=tuple(noticed), callable=facts, against=evidence.checked)
        yield made


def _record(
    evidence: CallableEvidence,
    point: CallablePoint,
    target: str,
    settings: CheckSettings,
    records: list[Record],
    case: Case,
    entries: list[Entry],
) -> CheckRecord:
    formulas = next((record for record in records if isinstance(record, Formulas)), None)
    claimed = [number for value in point.autodiff.gradients.values() if value is not None for number in flat(value)]
    norm, nan, inf = gradient_norm(claimed)
    failures = tuple(record for record in records if isinstance(record, Failure))
    shapes = [slot.shape for slot in evidence.outputs if slot.differentiated]
    return CheckRecord(
        evidence.name,
        target,
        evidence.witness,
        case.title,
        evidence.dtype,
        settings.seed,
        point=point.point,
        at=settings.at or {},
        upstream=None if settings.upstream is None else point.upstream[0],
        order=settings.order,
        shape=shapes[0] if len(shapes) == 1 else (),
        versions={evidence.witness: evidence.version} | ({"sympy": formulas.version} if formulas else {}),
        value=point.autodiff.value,
        exact_value=case.exact.value if case.exact else None,
        verdict=worst([entry.verdict for entry in entries]),
        entries=tuple(entries),
        formulas=formulas.formulas if formulas else {},
        norm=norm,
        nan=nan,
        inf=inf,
        findings=tuple(
            _remedied(one, evidence, formulas)
            for one in findings(case, entries, formulas, (), {}, absolute=settings.absolute)
        ),
        failures=failures,
        seconds=evidence.seconds,
        drawn=evidence.assumed.startswith("drawn"),
        callable=replace(
            _facts(evidence, point.label, settings), expression=case.text if case.exact else "", untraced=point.untraced
        ),
    )


def _remedied(one: Finding, evidence: CallableEvidence, formulas: Formulas | None) -> Finding:
    """What to do about a wrong gradient that people have written themselves."""
    if one.code == "GT006":
        return replace(one, remedy="Try another point with --at, or another --seed.")
    if one.code != "GT001":
        return one
    if evidence.kind in BUILT_IN:
        return replace(one, remedy=CUTS[evidence.witness], source=evidence.source)
    formula = formulas.formulas.get(one.where) if formulas else None
    right = f": the derivative by {one.where} is {formula}, times the upstream gradient" if formula else ""
    return replace(one, remedy=f"Mend the backward pass of {evidence.name}{right}.", source=evidence.source)


def _once(found: list[Finding], name: str, inputs: set[str]) -> list[Finding]:
    """Each fault told once: what returned None is no factor of 0 too, and a kink's convention is in its verdict."""
    none = {one.where for one in found if one.code in ("GT203", "GT204")}
    none |= {name} if inputs <= none else set()
    kinks = any(one.code == "GT003" for one in found)
    return [
        one for one in found
        if not (one.code in ("GT010", "GT230") and one.where in none)
        and not (one.code == "GT233" and one.severity == "note" and kinks)
    ]  # fmt: skip


def _facts(evidence: CallableEvidence, label: str, settings: CheckSettings) -> CallableFacts:
    return CallableFacts(
        evidence.name,
        evidence.kind,
        evidence.source,
        label,
        tuple(evidence.inputs),
        tuple(evidence.outputs),
        evidence.assumed,
        evaluations=evidence.evaluations,
        surrogate=evidence.surrogate,
        notes=tuple(evidence.notes),
        chosen=bool(settings.wrt),
        cast=not settings.own_dtype,
    )
