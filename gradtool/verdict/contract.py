"""Findings about a callable beside the verdict on its numbers, from the records of its witness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gradtool.evidence import Breach, CallableEvidence
from gradtool.verdict.contract_points import conventions, elsewhere, factors, is_right_somewhere
from gradtool.verdict.contract_remedies import REMEDIES
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import RULES, finding

__all__ = ["CODES", "contract_findings"]

CODES: Mapping[str, str] = {
    "upstream_ignored": "GT201",
    "upstream_nonlinear": "GT202",
    "none": "GT203",
    "cut_off": "GT204",
    "cut_result": "GT205",
    "shape": "GT206",
    "shape_summed": "GT206",
    "dtype": "GT207",
    "raises": "GT208",
    "nondeterministic_forward": "GT209",
    "nondeterministic_backward": "GT210",
    "random_backward": "GT210",
    "redrawn": "GT210",
    "reordered": "GT211",
    "random_forward": "GT212",
    "modifies_input": "GT213",
    "in_place": "GT213",
    "modifies_upstream": "GT214",
    "modifies_result": "GT215",
    "state": "GT216",
    "stale": "GT217",
    "second_order": "GT218",
    "second_order_cut": "GT219",
    "no_double_backward": "GT220",
    "forward_mode": "GT221",
    "no_forward_mode": "GT221",
    "batched": "GT222",
    "subset": "GT223",
}
"""The rule of every kind of breach."""

_INEXACT = 1e-3
"""A law that fails by less may be a solver that stops early."""
_ORDER = ("error", "warning", "note")


def contract_findings(evidence: CallableEvidence, title: str, verdicts: Sequence[str] = ()) -> list[Finding]:
    """The breaches, one finding for each kind and variable, and what only several points or entries together show.

    ``title`` is the framework's name for people. ``verdicts`` are the words on the gradient at each of the points, the
    worst of its entries; without them what the survey and the confirmed entries say is taken.
    """
    found = [*_broken(evidence, title)]
    if evidence.surrogate:
        told = "the gradient is wrong on purpose: only what it owes to autodiff was checked"
        found.append(finding("GT232", evidence.name, told, source=evidence.source))
    else:
        found += [] if is_right_somewhere(evidence, verdicts) else factors(evidence)
        found += [*elsewhere(evidence, verdicts), *conventions(evidence, title)]
    return sorted(found, key=lambda one: _ORDER.index(one.severity))


def _broken(evidence: CallableEvidence, title: str) -> Iterator[Finding]:
    groups: dict[tuple[str, str], list[Breach]] = {}
    for breach in evidence.breaches:
        groups.setdefault((breach.kind, breach.variable), []).append(breach)
    for (kind, variable), breaches in groups.items():
        worst = max(breaches, key=lambda breach: breach.size)
        points = len({breach.at for breach in breaches})
        told = worst.told.replace("autograd", title, 1) if kind in ("shape_summed", "dtype") else worst.told
        if points > 1:
            told += f" (at {points} points; this at the one called {worst.at})"
        remedy = REMEDIES.get(kind, {}).get(evidence.witness, "")
        severity = _severity(worst, evidence)
        yield finding(CODES[kind], variable or evidence.name, told, remedy, severity=severity, source=evidence.source)


def _severity(breach: Breach, evidence: CallableEvidence) -> str:
    """The rule's own, or a milder one."""
    if breach.kind == "upstream_nonlinear" and evidence.surrogate:
        return "note"
    if breach.kind == "upstream_nonlinear" and breach.size < _INEXACT:
        return "warning"
    if breach.kind in ("shape_summed", "in_place", "random_backward") or (
        breach.kind.startswith("modifies") and breach.size == 0
    ):
        return "warning"
    if breach.kind == "no_forward_mode":
        return "warning" if evidence.kind == "autograd function" else "note"
    if breach.kind == "dtype" and evidence.witness == "torch":
        return "note"
    return RULES[CODES[breach.kind]].severity
