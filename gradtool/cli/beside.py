"""``--code``, ``--modes`` and ``--timing``: what is told beside a comparison, of one expression at one point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gradtool.cli.files import look_at_file, opened
from gradtool.cli.guard import unread
from gradtool.evidence import Request
from gradtool.problem import Problem, ProblemError
from gradtool.report.programs.idioms import IDIOMS, idiom
from gradtool.settings import CheckSettings
from gradtool.target.suite import Target, Unreadable
from gradtool.terminal import terminal_for

__all__ = ["look_at_beside", "look_at_target", "programs_of", "tell_idiom"]


def look_at_beside(settings: CheckSettings) -> None:
    """Raise ProblemError where another option excludes what is asked for."""
    asked = _asked(settings)
    if settings.framework:
        hint = "leave out --frameworks"
        raise ProblemError(Problem("option", f"{asked} tells both frameworks, and one is chosen", hint=hint))
    if settings.mode != "gradient" and (settings.modes or settings.timing):
        hint = "leave out --order, --hessian and --jacobian"
        raise ProblemError(Problem("option", f"{asked} is about the gradient, not other derivatives", hint=hint))


def look_at_target(targets: Sequence[Target | Unreadable], settings: CheckSettings) -> Target:
    """The one target at one point; raises ProblemError where there are more."""
    asked = _asked(settings)
    target = targets[0] if len(targets) == 1 else None
    if not isinstance(target, Target):
        raise ProblemError(Problem("option", f"{asked} tells one expression, no suite", hint="give it by itself"))
    names = target.expression.variables
    if target.points is None:
        text, hint = target.expression.text, f"give one: --at {','.join(f'{name}=...' for name in names)}"
        raise ProblemError(Problem("option", f"{asked} needs a point", text, hint=hint))
    if len(target.points) > 1:
        hint = "give each variable one value, as --at x=4"
        raise ProblemError(Problem("option", f"{asked} tells one point, and there are {len(target.points)}", hint=hint))
    return target


def programs_of(target: Target, settings: CheckSettings) -> Mapping[str, str]:
    """The program of each framework; raises ProblemError where the point is too large to be written out."""
    from gradtool.report.programs.pair import programs  # noqa: PLC0415  # only with --code

    (point,) = target.points or ({},)
    asked = Request(0, target.expression.text, point, target.wrt, "torch", settings.dtype, settings.seed,
                    mode=target.mode, order=target.order, upstream=target.upstream)  # fmt: skip
    return programs(asked)


def tell_idiom(target: str, settings: CheckSettings, chosen: str, output: Path | None, color: str) -> bool:
    """Write the programs of the idiom that ``target`` names; False where it is an expression at a point.

    A name alone, without a point, can be nothing else: ProblemError where there is no such idiom. An idiom has no
    point: with one, its name is a variable, and ProblemError where that has no value.
    """
    if target in IDIOMS and settings.at and target not in settings.at:
        hint = f"leave out --at; as a variable, {target} needs a value: --at {target}=1"
        raise ProblemError(Problem("option", f"--at goes with an expression, and {target} is an idiom", hint=hint))
    if settings.at or not (target in IDIOMS or str(target).isidentifier()):
        return False
    if settings.modes or settings.timing or chosen not in ("table", "markdown"):
        hint = "leave out --modes, --timing and other formats than table and markdown"
        raise ProblemError(Problem("option", f"of the idiom {target} there are two programs and no more", hint=hint))
    from gradtool.report.programs.pair import markdown, write  # noqa: PLC0415  # only with --code

    if output is not None:
        look_at_file(output, "--output")
    texts = idiom(target)
    with opened(output) as stream, unread(stream):
        if chosen == "markdown":
            stream.write(f"## {IDIOMS[target]}\n\n{markdown(texts)}")
        else:
            write(texts, terminal_for(stream, color))
    return True


def _asked(settings: CheckSettings) -> str:
    return next(f"--{name}" for name in ("code", "modes", "timing") if getattr(settings, name))
