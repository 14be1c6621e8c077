"""The framework's own gradient checker beside the verdicts: how far apart they are, and where it misleads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gradtool.evidence import Checked
from gradtool.values import Index, flat, indices, shape_of
from gradtool.verdict.record import Entry, Finding
from gradtool.verdict.rules import finding

__all__ = ["differences", "largest", "misleading", "settings_text"]

TOLERANCES = MappingProxyType({"atol": 1e-5, "rtol": 1e-3})
"""Within which a difference counts as none where the checker has no tolerance of its own: those of gradcheck."""

STEPS = ("eps", "delta")
"""What the setting for the step is called."""


def differences(checked: Checked) -> Mapping[tuple[str, Index], float]:
    """The checker's own differences, each under the name of the derivative."""
    return {
        (name, index): number
        for name, value in checked.gradients.items()
        for index, number in zip(indices(shape_of(value)), flat(value), strict=True)
    }


def largest(checked: Checked, entries: Sequence[Entry]) -> float | None:
    """The largest |autodiff - difference|; NaN where one of the two is no number, None where nothing was compared."""
    known = differences(checked)
    gaps = [_gap(entry, known[key]) for entry in entries if (key := (entry.variable, entry.index)) in known]
    if any(math.isnan(gap) for gap in gaps):
        return math.nan
    return max(gaps, default=None)


def settings_text(checked: Checked) -> str:
    """Its settings, as ``eps 1e-06, atol 1e-05, rtol 0.001``."""
    return ", ".join(f"{name} {value:.10g}" for name, value in checked.settings.items())


def misleading(checked: Checked, entries: Sequence[Entry], dtype: str) -> list[Finding]:
    """Where what it says is not what is true: one sentence at most."""
    if checked.outcome == "not_run":
        return []
    known = differences(checked)
    compared = [(entry, known[key]) for entry in entries if (key := (entry.variable, entry.index)) in known]
    close = [entry for entry, number in compared if _close(checked, entry, number)]
    bad = [entry for entry in entries if entry.verdict in ("wrong", "unstable")]
    kinks = [entry for entry in entries if entry.verdict == "not_differentiable"]
    false = [(entry, number) for entry, number in compared if entry.verdict == "verified" and entry not in close]
    passes = checked.outcome == "passed" or (checked.outcome == "compared" and len(close) == len(compared) > 0)
    told = ""
    if passes and bad:
        told = _unseen(checked, bad)
    elif passes and kinks:
        told = f"{_passes(checked)} at {_listed(kinks)}, where there is no derivative: left and right slopes differ"
    elif false and not bad:
        told = _alarm(checked, false, dtype)
    elif checked.outcome == "failed" and kinks and not bad:
        told = f"{checked.tool} fails at {_listed(kinks)}, where no gradient is right: a kink is no fault of autodiff"
    elif checked.outcome == "failed" and all(entry.verdict == "verified" for entry in entries):
        told = f"{checked.tool} fails although every entry is verified: {checked.message}"
    return [finding("GT021", checked.asked, told)] if told else []


def _passes(checked: Checked) -> str:
    return f"{checked.tool} {'passes' if checked.outcome == 'passed' else 'shows no difference'}"


def _unseen(checked: Checked, bad: Sequence[Entry]) -> str:
    words = " and ".join(dict.fromkeys(entry.verdict for entry in bad))
    told = f"{_passes(checked)} although {_listed(bad)} {_are(bad)} {words} by the exact derivative"
    return f"{told} ({settings_text(checked)})"


def _alarm(checked: Checked, false: Sequence[tuple[Entry, float]], dtype: str) -> str:
    """A difference where the gradient is proven: it comes from the step."""
    gaps = [(_gap(entry, number), number) for entry, number in false]
    gap, number = max(gaps, key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0])
    step = next((f" of {value:.10g}" for name, value in checked.settings.items() if name in STEPS), "")
    verb = "fails" if checked.outcome == "failed" else "shows a difference"
    told = f"{checked.tool} {verb} although {_listed([entry for entry, _ in false])} {_are(false)} verified"
    if not math.isfinite(number):
        return f"{told}: its step{step} leads where the function is no number, and the difference is {number:g}"
    return f"{told}: the difference of {gap:.2g} comes from its step{step} in {dtype}, not from the gradient"


def _are(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"


def _listed(entries: Sequence[Entry]) -> str:
    names = [entry.label for entry in entries[:3]]
    return ", ".join(names) + (f" and {len(entries) - 3} more" if len(entries) > 3 else "")


def _gap(entry: Entry, number: float) -> float:
    """|autodiff - difference|; nothing where both are the same infinity."""
    claimed = math.nan if entry.autodiff is None else entry.autodiff
    return 0.0 if claimed == number else abs(claimed - number)


def _close(checked: Checked, entry: Entry, number: float) -> bool:
    tolerances = {**TOLERANCES, **checked.settings}
    return _gap(entry, number) <= tolerances["atol"] + tolerances["rtol"] * abs(number)
