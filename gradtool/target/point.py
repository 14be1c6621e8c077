"""The point at which an expression is differentiated: what ``--at`` says, checked against the expression."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from gradtool.problem import Problem, ProblemError
from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.expression import CONSTANTS, Expression
from gradtool.target.syntax import suggestion

__all__ = ["normal", "parse_point", "split_assignments", "wanted_variables"]


def split_assignments(texts: Iterable[str]) -> dict[str, str]:
    """``["x=1,y=2", "z=3"]`` as names to texts. Raises ProblemError for a part that is not ``name=value``."""
    found: dict[str, str] = {}
    for text in texts:
        start = 0
        for part in text.split(","):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            name = normal(name)
            span = (start, start + max(len(part), 1))
            start += len(part) + 1
            if not equals or not name.isidentifier() or not value:
                hint = "write name=value, as in --at x=3 or --at x=2,y=3"
                raise ProblemError(Problem("point", "--at needs a name and a value", text, span, hint=hint))
            if name in found:
                raise ProblemError(Problem("point", f"{name} is given twice", text, span, hint="give it once"))
            found[name] = value
    return found


def normal(name: str) -> str:
    """A name as Python's parser reads it: the micro sign is the letter mu, and full-width letters are plain ones."""
    return unicodedata.normalize("NFKC", name)


def parse_point(at: Mapping[str, str], expression: Expression, dtype: str) -> dict[str, float]:
    """The numbers of ``at`` in ``dtype``, one for each variable. Raises ProblemError listing all that is wrong."""
    problems = [
        Problem(
            "point-missing",
            f"{name} has no value",
            expression.text,
            _first(expression, name),
            hint=f"add it to the point: --at {name}=1",
        )
        for name in expression.variables
        if name not in {normal(given) for given in at}
    ]
    values: dict[str, float] = {}
    for name, text in ((normal(name), text) for name, text in at.items()):
        if name not in expression.variables:
            near = suggestion(name, list(expression.variables))
            hint = f"did you mean {near}?" if near else f"its variables are {', '.join(expression.variables)}"
            assignment = f"{name}={text}"
            problems.append(
                Problem("point-extra", f"{name} is not in the expression", assignment, (0, len(name)), hint=hint)
            )
        else:
            number = _number(name, text, dtype)
            if isinstance(number, Problem):
                problems.append(number)
            else:
                values[name] = number
    if problems:
        raise ProblemError(*problems)
    return {name: values[name] for name in expression.variables}


def wanted_variables(wrt: Sequence[str], expression: Expression) -> list[str]:
    """The variables to differentiate by: those of ``wrt`` (comma-joined, repeatable), or all of them."""
    names = [normal(name.strip()) for text in wrt for name in text.split(",") if name.strip()]
    for name in names:
        if name not in expression.variables:
            near = suggestion(name, list(expression.variables))
            hint = f"did you mean {near}?" if near else f"its variables are {', '.join(expression.variables)}"
            message = f"--wrt names {name}, which is not in the expression"
            raise ProblemError(Problem("wrt", message, ", ".join(wrt), None, hint=hint))
    return list(dict.fromkeys(names)) or list(expression.variables)


def _number(name: str, text: str, dtype: str) -> float | Problem:
    source, start = f"{name}={text}", len(name) + 1
    span = (start, start + len(text))
    bare = text.lstrip("+-")
    try:
        value = CONSTANTS[bare] * (-1 if text[: -len(bare)].count("-") % 2 else 1) if bare in CONSTANTS else float(text)
    except ValueError:
        hint = "write a number, as 3, 0.5, 1e-3, pi or -pi"
        return Problem("point-value", f"the value of {name} is not a number", source, span, hint=hint)
    if math.isnan(value) or bare.lower() in ("inf", "infinity"):
        what = "not a number" if math.isnan(value) else "infinite"
        why = "a derivative exists only at a point of the real line"
        return Problem("point-value", f"the value of {name} is {what}", source, span, why, "give a finite number")
    form, kept = FORMATS[dtype], rounded(value, dtype)
    typed = re.search("[1-9]", bare.lower().partition("e")[0]) or bare in CONSTANTS
    if math.isinf(kept) or (typed and not kept):
        limit = f"largest is {form.largest:.2g}" if kept else f"smallest is {form.smallest:.2g}"
        hint = "use --dtype float64, or move the point" if dtype != "float64" else "move the point"
        return Problem("point-value", f"the value of {name} does not fit {dtype}", source, span, f"its {limit}", hint)
    return kept


def _first(expression: Expression, name: str) -> tuple[int, int]:
    """Where ``name`` stands first in the text."""
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", expression.text)
    return match.span() if match else (0, len(expression.text))
