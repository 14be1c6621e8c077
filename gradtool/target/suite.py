"""Targets, one or many: an expression from the command line, or a suite with one target a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gradtool.problem import Problem, ProblemError
from gradtool.settings import CheckSettings
from gradtool.target.asked import asked_for
from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.expression import Call, Expression, Number, Tree, parse
from gradtool.target.inference import label_variables, output_shape
from gradtool.target.point import normal, parse_points, wanted_variables
from gradtool.values import Shape, Value, shape_of

__all__ = ["Target", "Unreadable", "read_line", "read_suite", "read_target"]

KEYS = ("name", "expression", "at", "wrt", "order")


@dataclass(frozen=True, slots=True)
class Target:
    """An expression to differentiate by ``wrt``; ``points`` None means that points are to be drawn.

    ``shape`` is that of the value. ``at`` holds the texts that gave the points.
    """

    name: str
    expression: Expression
    points: list[dict[str, Value]] | None
    wrt: list[str]
    shape: Shape = ()
    at: Mapping[str, str] = field(default_factory=dict)
    mode: str = "gradient"
    order: int = 1
    upstream: Value | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line of a suite that is no target, and why."""

    name: str
    text: str
    problems: tuple[Problem, ...]


def read_target(text: str, settings: CheckSettings, name: str = "") -> Target:
    """The target that ``text`` describes. Raises ProblemError where the expression or the point is wrong."""
    expression = parse(text, settings.at or ())
    _fit(expression, settings.dtype)
    labels = label_variables(expression)
    points = parse_points(settings.at, expression, settings.dtype, settings.seed) if settings.at else None
    shape = output_shape(expression, points[0] if points else {})
    wrt = wanted_variables(settings.wrt, expression, labels)
    asked = asked_for(settings, expression, shape, {name: shape_of((points or [{}])[0].get(name, 0.0)) for name in wrt})
    return Target(name or text, expression, points, wrt, shape, settings.at or {}, *asked)


def _fit(expression: Expression, dtype: str) -> None:
    """Raise ProblemError where a literal does not fit ``dtype``."""
    nodes: list[Tree] = [expression.tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Call):
            nodes += node.arguments
        elif isinstance(node, Number) and not node.name and math.isinf(rounded(node.value, dtype)):
            why = f"its largest is {FORMATS[dtype].largest:.2g}"
            message = f"this number does not fit {dtype}"
            raise ProblemError(Problem("number-size", message, expression.text, node.span, why, "use --dtype float64"))


def read_suite(lines: Iterable[str], origin: str, settings: CheckSettings) -> list[Target | Unreadable]:
    """One target for each line that is not blank and no ``#`` comment; a bad line never stops the others."""
    found: list[Target | Unreadable] = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            found.append(read_line(line.strip(), f"{origin}:{number}", settings))
    return found


def read_line(line: str, origin: str, settings: CheckSettings) -> Target | Unreadable:
    """A line of a suite: a plain expression, or a JSON object with the keys of ``KEYS``."""
    name = line
    try:
        if not line.startswith("{"):
            return read_target(line, settings)
        item = _object(line)
        name = str(item.get("name") or item["expression"])
        return read_target(item["expression"], _of_line(item, settings), name)
    except ProblemError as error:
        placed = tuple(
            Problem(p.code, p.message, p.source, p.span, p.why, p.hint, origin=origin) for p in error.problems
        )
        return Unreadable(name, line, placed)


def _of_line(item: Mapping[str, Any], settings: CheckSettings) -> CheckSettings:
    """The settings of the run with what a line of its own says."""
    if "at" in item:
        settings = replace(settings, at={normal(str(key)): str(value) for key, value in item["at"].items()})
    if "wrt" in item:
        chosen = item["wrt"]
        settings = replace(settings, wrt=(chosen,) if isinstance(chosen, str) else tuple(map(str, chosen)))
    if item.get("order", 1) != 1:
        settings = replace(settings, mode="orders", order=item["order"])
    return settings


def _object(line: str) -> dict[str, Any]:
    hint = 'as in {"name": "square", "expression": "x**2", "at": {"x": "3"}}'
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        at = getattr(error, "pos", 0)
        raise ProblemError(Problem("suite", f"this is not JSON: {error}", line, (at, at + 1), hint=hint)) from None
    if not isinstance(item, dict) or not isinstance(item.get("expression"), str):
        raise ProblemError(Problem("suite", "a JSON line needs an expression", line, (0, len(line)), hint=hint))
    unknown = [key for key in item if key not in KEYS]
    if unknown:
        at = line.find(f'"{unknown[0]}"')
        known = f"the keys are {', '.join(KEYS)}"
        span = (at, at + len(unknown[0]) + 2)
        raise ProblemError(Problem("suite", f"there is no key {unknown[0]}", line, span, hint=known))
    for key, kinds in (("at", dict), ("wrt", (list, str)), ("name", str), ("order", int)):
        if key in item and (not isinstance(item[key], kinds) or isinstance(item[key], bool)):
            at = line.find(f'"{key}"')
            raise ProblemError(Problem("suite", f"{key} has the wrong shape", line, (at, at + len(key) + 2), hint=hint))
    return item
