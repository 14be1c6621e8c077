"""What the witnesses are asked about a target: one request for each point, and one for the rewritten expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradtool.evidence import Failure, Points, Record, Request, SampleRequest
from gradtool.problem import Problem
from gradtool.settings import CheckSettings
from gradtool.target.expression import parse
from gradtool.target.suite import Target, Unreadable
from gradtool.values import Value
from gradtool.verdict.rewrites import rewrites, rewritten
from gradtool.witness.host import Host

__all__ = ["BATCH", "Job", "with_points"]

BATCH = 64
"""So many targets are handed to the witnesses at once; the first records come while the next are still unread."""

Job = tuple[Target | Unreadable, list[Request]]
"""A target at one point, and what is asked about it."""


def with_points(
    targets: Sequence[Target | Unreadable], framework: str, settings: CheckSettings, host: Host
) -> list[Job]:
    """Each target at each of its points, with its requests; points are drawn where none are given.

    A second request asks about the expression with every known rewrite made, so that advice is only given after it
    was tried.
    """
    wanted = [target for target in targets if isinstance(target, Target) and target.points is None]
    samples = host.ask(
        "symbolic",
        [
            SampleRequest(
                -1, target.expression.text, target.wrt, framework, settings.dtype, settings.seed, settings.points
            )
            for target in wanted
        ],
    )
    jobs: list[Job] = []
    for target in targets:
        if isinstance(target, Unreadable):
            jobs.append((target, []))
            continue
        points = target.points or _drawn(target, next(samples))
        if isinstance(points, Unreadable):
            jobs.append((points, []))
            continue
        for point in points:
            asked = Request(len(jobs), target.expression.text, point, target.wrt, framework, settings.dtype,
                            settings.seed, settings.formulas, target.mode, target.order, target.upstream,
                            settings.against, settings.step, settings.steps)  # fmt: skip
            jobs.append((target, [asked, *_alternative(target, asked)]))
    return jobs


def _alternative(target: Target, asked: Request) -> list[Request]:
    """The expression with every known rewrite made, if any applies and the result uses the same variables."""
    text = target.expression.text
    if not (found := rewrites(text, list(target.expression.variables), asked.point)):
        return []
    better = parse(rewritten(text, found), target.expression.variables)
    if set(better.variables) != set(target.expression.variables):
        return []
    return [replace(asked, expression=better.text, formula=False, against="", steps=False)]


def _drawn(target: Target, records: list[Record]) -> Sequence[dict[str, Value]] | Unreadable:
    """The points that the symbolic witness drew, or why there are none."""
    text = target.expression.text
    for record in records:
        if isinstance(record, Points) and record.points:
            return record.points
        if isinstance(record, Failure):
            problem = Problem("points", f"no point could be drawn: {record.message}", text, hint="give one with --at")
            return Unreadable(target.name, text, (problem,))
    names = ",".join(f"{name}=..." for name in target.expression.variables)
    problem = Problem(
        "points",
        "no point was found at which every operation has a value",
        text,
        (0, len(text)),
        "thousands of points of ordinary and large magnitude were tried",
        f"give one: --at {names}",
    )
    return Unreadable(target.name, text, (problem,))
