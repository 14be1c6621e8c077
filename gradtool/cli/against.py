"""``--against gradcheck``: which of the framework's own checkers is run beside autodiff, and with which step."""

from __future__ import annotations

import math
from dataclasses import replace

from gradtool.pipeline.check import chosen_framework
from gradtool.problem import Problem, ProblemError
from gradtool.settings import CheckSettings
from gradtool.witness.checkers import CHECKERS, MODES

__all__ = ["with_checker"]


def with_checker(settings: CheckSettings, text: str | None) -> CheckSettings:
    """``settings`` with the checker that ``text`` names, as ``gradcheck`` or ``gradcheck:1e-5``.

    Raises ProblemError where there is none of that name, or it has nothing to say about what is asked.
    """
    if text is None:
        return settings
    name, colon, step = text.partition(":")
    framework = chosen_framework(settings)
    known = [checker for checker, row in CHECKERS.items() if framework in row]
    if name not in known:
        hint = f"write --against {' or '.join(known)}"
        raise _problem(f"there is no checker {name!r} to compare with in {framework}", hint)
    if settings.mode not in MODES:
        told = f"{CHECKERS[name][framework]} compares first derivatives only"
        raise _problem(told, "leave out --hessian and --order, or --against")
    return replace(settings, against=name, step=_step(text, step) if colon else None)


def _step(text: str, step: str) -> float:
    try:
        found = float(step)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found > 0):
        raise _problem(f"{text}: the step of the differences is a positive number", "as in gradcheck:1e-5")
    return found


def _problem(message: str, hint: str) -> ProblemError:
    return ProblemError(Problem("option", f"--against: {message}", hint=hint))
