"""The evidence on a callable as records: the verdict at its own point, and at the first one where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gradtool.evidence import CallableEvidence, CallablePoint, Exact, Failure, Formulas, Record
from gradtool.settings import CheckSettings
from gradtool.values import flat
from gradtool.verdict.against import misleading
from gradtool.verdict.callable import OWN, case_of, is_of_another, judge_point
from gradtool.verdict.case import Case
from gradtool.verdict.contract import contract_findings
from gradtool.verdict.contract_causes import with_causes
from gradtool.verdict.health import findings
from gradtool.verdict.record import WORDS, CallableFacts, CheckRecord, Entry, Finding, worst
from gradtool.verdict.summary import gradient_norm
from gradtool.witness.host import WITNESSES

__all__ = ["recorded"]

BUILT_IN = frozenset({"function", "module", "layer"})
"""Kinds of callables whose backward pass nobody has written by hand, as far as one can see."""
CUTS = {
    "torch": "Look for detach(), .data, .item(), NumPy or no_grad() on the way, or an operation of your own with a "
    "wrong backward.",
    "tensorflow": "Look for stop_gradient, .numpy(), a constant or a cast on the way, or a wrong custom gradient.",
}
"""What cuts a part of the gradient off, where nobody has written a backward pass."""
LONGEST = 60
"""Characters of a formula that a remedy names: with more it is longer than two lines."""
TOLD = frozenset({"wrong", "unstable"})
"""Verdicts for which another point than the callable's own is told in full, if that is in order."""


def recorded(
    evidence: CallableEvidence, target: str, settings: CheckSettings, exactly: list[tuple[str, list[Record]]]
) -> Iterator[CheckRecord]:
    """The callable at its own point with everything noticed; right there, also the first point where it is wrong."""
    title = WITNESSES[evidence.witness].title
    if not evidence.points:  # no gradient that could be judged
        facts = _facts(evidence, OWN, settings)
        found = tuple(contract_findings(evidence, title))
        broken = any(one.severity == "error" for one in found)
        yield CheckRecord(evidence.name, target, evidence.witness, title, evidence.dtype, settings.seed,
                          at=settings.at or {}, order=settings.order, findings=found, callable=facts,
                          verdict="wrong" if broken else "inconclusive",
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
            every = [*made.findings, *contract_findings(evidence, title, words)]
            noticed = _once(every, evidence.name, set(point.point))
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
    if formula and len(formula) > LONGEST:
        right = "; --format json has the formula of the derivative"
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
