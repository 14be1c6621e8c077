"""The point at which an expression is differentiated: what ``--at`` says, checked against the expression."""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence

from gradtool.problem import Problem, ProblemError
from gradtool.target.expression import Expression
from gradtool.target.syntax import suggestion
from gradtool.target.value_text import MAX_SWEEP, Sweep, read_value
from gradtool.values import Value

__all__ = ["normal", "parse_points", "split_assignments", "wanted_variables"]


def split_assignments(texts: Iterable[str]) -> dict[str, str]:
    """``["x=1,y=[2,3]", "z=3"]`` as names to texts. Raises ProblemError for a part that is not ``name=value``."""
    found: dict[str, str] = {}
    for text in texts:
        start = 0
        for part in _parts(text):
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


def _parts(text: str) -> list[str]:
    """``text`` cut at the commas outside of all brackets."""
    parts, depth, start = [], 0, 0
    for place, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth <= 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def normal(name: str) -> str:
    """A name as Python's parser reads it: the micro sign is the letter mu, and full-width letters are plain ones."""
    return unicodedata.normalize("NFKC", name)


def parse_points(at: Mapping[str, str], expression: Expression, dtype: str, seed: int) -> list[dict[str, Value]]:
    """The points that ``at`` gives, in ``dtype``: one, or with sweeps one for each combination of their values.

    Raises ProblemError listing all that is wrong.
    """
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
    values: dict[str, Value | Sweep] = {}
    for name, text in ((normal(name), text) for name, text in at.items()):
        if name not in expression.variables:
            near = suggestion(name, list(expression.variables))
            hint = f"did you mean {near}?" if near else f"its variables are {', '.join(expression.variables)}"
            assignment = f"{name}={text}"
            problems.append(
                Problem("point-extra", f"{name} is not in the expression", assignment, (0, len(name)), hint=hint)
            )
        else:
            value = read_value(name, text, dtype, seed)
            if isinstance(value, Problem):
                problems.append(value)
            else:
                values[name] = value
    choices = [value.values if isinstance(value, Sweep) else (value,) for value in values.values()]
    if (count := math.prod(map(len, choices))) > MAX_SWEEP:
        told = f"the sweeps make {count} points together"
        problems.append(Problem("point-value", told, hint=f"at most {MAX_SWEEP} can be swept"))
    if problems:
        raise ProblemError(*problems)
    points = (dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*choices))
    return [{name: point[name] for name in expression.variables} for point in points]


def wanted_variables(wrt: Sequence[str], expression: Expression, labels: Container[str] = ()) -> list[str]:
    """The variables to differentiate by: those of ``wrt`` (comma-joined, repeatable), or all that are no ``labels``."""
    names = [normal(name.strip()) for text in wrt for name in text.split(",") if name.strip()]
    for name in names:
        if name not in expression.variables:
            near = suggestion(name, list(expression.variables))
            hint = f"did you mean {near}?" if near else f"its variables are {', '.join(expression.variables)}"
            message = f"--wrt names {name}, which is not in the expression"
            raise ProblemError(Problem("wrt", message, ", ".join(wrt), None, hint=hint))
        if name in labels:
            message = f"{name} holds class labels: there is nothing to differentiate by"
            raise ProblemError(Problem("wrt", message, ", ".join(wrt), None, hint="leave it out of --wrt"))
    return list(dict.fromkeys(names)) or [name for name in expression.variables if name not in labels]


def _first(expression: Expression, name: str) -> tuple[int, int]:
    """Where ``name`` stands first in the text."""
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", expression.text)
    return match.span() if match else (0, len(expression.text))
