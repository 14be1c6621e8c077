"""The codes behind ``--select`` and ``--ignore``."""

from __future__ import annotations

import difflib

from gradtool.problem import Problem, ProblemError
from gradtool.verdict.rules import RULES

__all__ = ["codes"]


def codes(texts: list[str] | None, option: str) -> tuple[str, ...]:
    """The codes in ``GT103,GT104``, in capitals. Raises ProblemError at one that no rule has."""
    found = [code.strip().upper() for text in texts or [] for code in text.split(",") if code.strip()]
    for code in found:
        if code not in RULES:
            close = difflib.get_close_matches(code, RULES, n=1)
            hint = f"did you mean {close[0]}?" if close else "gradtool rule lists them"
            text = f"{option} {code}"
            raise ProblemError(
                Problem("rule", f"there is no rule {code}", text, (len(option) + 1, len(text)), hint=hint)
            )
    return tuple(found)
