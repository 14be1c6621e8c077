"""Targets, one or many: an expression from the command line, or a suite with one target a line."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gradtool.problem import Problem, ProblemError
from gradtool.settings import CheckSettings
from gradtool.target.asked import asked_for
from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.expression import Call, Expression, Number, Tree, parse
from gradtool.target.inference import label_variables, output_shape
from gradtool.target.point import normal, parse_points, split_assignments, wanted_variables
from gradtool.target.syntax import suggestion
from gradtool.values import Shape, Value, shape_of

__all__ = ["Target", "Unreadable", "read_line", "read_suite", "read_target"]

KEYS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "name": ((str,), "a text"),
    "expression": ((str,), "a text"),
    "at": ((dict,), 'an object of names and values, as {"x": "3", "y": [1, 2]}'),
    "wrt": ((list, str), 'a list of names, as ["x", "y"]'),
    "order": ((int,), "a whole number"),
    "jacobian": ((bool,), "true or false"),
    "hessian": ((bool,), "true or false"),
    "upstream": ((str, list, int, float), 'an array, as [1, 0, 1] or "normal(3)"'),
}
"""The keys of a JSON line: of which types their values are, and the same in words."""

MODES = ("order", "jacobian", "hessian", "upstream")
"""The keys that say which derivatives are asked for; a line has one of them."""

MODE_OF = {"order": "orders", "jacobian": "jacobian", "hessian": "hessian"}
"""What the settings call them; an upstream gradient goes with a plain gradient."""

_OPTION = re.compile(r"(?<=\s)--(at|wrt|order|jacobian|hessian|upstream)\b")

EXAMPLE = 'as in {"name": "square", "expression": "x**2", "at": {"x": "3"}}'


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
            return _read_plain(line, settings)
        name = _name(line)
        item = _json(line)
        name = _told(item) or name
        _look_at_keys(line, item)
        return read_target(item["expression"], _of_line(line, item, settings), name)
    except ProblemError as error:
        placed = tuple(
            Problem(p.code, p.message, p.source, p.span, p.why, p.hint, origin=origin) for p in error.problems
        )
        return Unreadable(name, line, placed)


def _read_plain(line: str, settings: CheckSettings) -> Target:
    """A line that is no JSON; where it can't be read because of an option, that is what is told."""
    try:
        return read_target(line, settings)
    except ProblemError:
        found = _OPTION.search(line)
        if found is None:
            raise
        told = f"a line of a suite is an expression, and takes no --{found[1]}"
        item = {"expression": line[: found.start()].strip(), found[1]: _as_json(found[1], line[found.end() :].strip())}
        hint = f"write a JSON object: {json.dumps(item)}"
        raise ProblemError(Problem("suite", told, line, found.span(), hint=hint)) from None


def _as_json(key: str, text: str) -> object:
    """The value of an option as that of a key; an example where it is none."""
    if bool in KEYS[key][0]:
        return True
    if key == "at":
        with contextlib.suppress(ProblemError):
            return split_assignments([text])
        return {"x": "3"}
    return int(text) if text.isdecimal() else text


def _name(line: str) -> str:
    """What a line seems to call itself, which may be no JSON; else the line."""
    found = re.search(r'"name"\s*:\s*"([^"\\]+)"', line)
    return found[1] if found else line


def _told(item: Any) -> str:
    """What the object of a line calls itself: its name, else its expression, else nothing."""
    told = [item.get(key) for key in ("name", "expression")] if isinstance(item, dict) else []
    return next((text for text in told if isinstance(text, str) and text), "")


def _of_line(line: str, item: Mapping[str, Any], settings: CheckSettings) -> CheckSettings:
    """The settings of the run with what a line of its own says."""
    if "at" in item:
        settings = replace(settings, at={normal(str(key)): str(value) for key, value in item["at"].items()})
    if "wrt" in item:
        chosen = item["wrt"]
        settings = replace(settings, wrt=(chosen,) if isinstance(chosen, str) else tuple(map(str, chosen)))
    if not (own := [key for key in MODES if key in item]):
        return settings
    asked = [key for key in own if item[key] is not False and (key, item[key]) != ("order", 1)]
    if len(asked) > 1:
        hint = "each asks for other derivatives; write one line for each"
        raise _pointed(line, asked[1], f"take one of {', '.join(MODES[:-1])} and {MODES[-1]}", hint)
    mode = next((MODE_OF[key] for key in asked if key in MODE_OF), "gradient")
    upstream = str(item["upstream"]) if "upstream" in asked else None
    return replace(settings, mode=mode, order=item["order"] if "order" in asked else 1, upstream=upstream)


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        at = getattr(error, "pos", 0)
        raise ProblemError(Problem("suite", f"this is not JSON: {error}", line, (at, at + 1), hint=EXAMPLE)) from None


def _look_at_keys(line: str, item: Any) -> None:
    """Raise ProblemError where a line has no expression, a key that is not known, or a value of the wrong kind."""
    if not isinstance(item, dict) or not isinstance(item.get("expression"), str):
        raise ProblemError(Problem("suite", "a JSON line needs an expression", line, (0, len(line)), hint=EXAMPLE))
    for key in item:
        if key not in KEYS:
            near = suggestion(key, list(KEYS))
            known = f"the keys are {', '.join(KEYS)}"
            raise _pointed(line, key, f"there is no key {key}", f"did you mean {near}? {known}" if near else known)
    for key, (kinds, meaning) in KEYS.items():
        if key in item and (not isinstance(item[key], kinds) or (isinstance(item[key], bool) and kinds != (bool,))):
            raise _pointed(line, key, f"{key} has the wrong shape", f"{key} is {meaning}")


def _pointed(line: str, key: str, message: str, hint: str) -> ProblemError:
    found = re.search(rf'"{re.escape(key)}"\s*:', line)  # with its colon: a name may be called as a key is
    at = found.start() if found else 0
    return ProblemError(Problem("suite", message, line, (at, at + len(key) + 2), hint=hint))
