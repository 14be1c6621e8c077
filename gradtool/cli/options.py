"""Options that several commands share, and the command class that takes expressions with a leading minus."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from gradtool.problem import Problem, ProblemError
from gradtool.report import FORMATS

__all__ = [
    "COMPARE_CODES",
    "EVIDENCE",
    "EXIT_CODES",
    "FLOW_CODES",
    "OUTPUT",
    "TABLE",
    "TARGET",
    "AbsoluteOption",
    "AgainstOption",
    "AtOption",
    "CodeOption",
    "ColorChoice",
    "ColorOption",
    "DebugOption",
    "Dtype",
    "DtypeOption",
    "ExitZeroOption",
    "ExpressionCommand",
    "Format",
    "FormatOption",
    "Framework",
    "FrameworkOption",
    "Frameworks",
    "FrameworksOption",
    "GraphOption",
    "HessianOption",
    "JacobianOption",
    "JsonOption",
    "ModesOption",
    "OrderOption",
    "OutputOption",
    "PlotOption",
    "SeedOption",
    "StepsOption",
    "StrictOption",
    "TimeoutOption",
    "TimingOption",
    "UpstreamOption",
    "WrtOption",
    "chosen_format",
    "chosen_mode",
]  # fmt: skip

TARGET, EVIDENCE, OUTPUT = "Target", "Evidence", "Output"

EXIT_CODES = (
    "Exit codes: 0 all verified; 1 a wrong or unstable gradient (with --strict also a warning); 2 could not run: bad "
    "expression, point or option; 3 no verdict: not differentiable, undefined, out of range, inconclusive, or a "
    "witness failed; 4 a bug in gradtool; 130 interrupted."
)

FLOW_CODES = (
    "Exit codes: 0 no finding is an error; 1 a finding of severity error (with --strict also a warning); 2 could not "
    "run: bad file or option; 3 the framework's process died or took too long; 4 a bug in gradtool; 130 interrupted."
)

COMPARE_CODES = (
    "Exit codes: 0 the frameworks agree; 1 one of them is wrong or unstable, or their functions or two models differ "
    "(with --strict also a warning); 2 could not run: bad expression, point, file or option; 3 no verdict: different "
    "conventions at a point without a derivative, undefined, out of range, inconclusive, or a witness failed; 4 a bug "
    "in gradtool; 130 interrupted."
)

Framework = enum.Enum("Framework", {"torch": "torch", "tensorflow": "tensorflow"}, type=str)
Frameworks = enum.Enum("Frameworks", {"both": "both", "torch": "torch", "tensorflow": "tensorflow"}, type=str)
Dtype = enum.Enum(
    "Dtype",
    {"float64": "float64", "float32": "float32", "float16": "float16", "bfloat16": "bfloat16"},
    type=str,
)
Format = enum.Enum("Format", {name: name for name in FORMATS}, type=str)  # type: ignore[misc]  # rows of the registry
TABLE = Format("table")
ColorChoice = enum.Enum("ColorChoice", {"auto": "auto", "always": "always", "never": "never"}, type=str)

AtOption = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="NAME=VALUE,...",
        help="The point: x=2,y=[1,2], X=normal(2,3), a sweep x=-3:3:101. Without it five points are drawn.",
        show_default=False,
        rich_help_panel=TARGET,
    ),
]
WrtOption = Annotated[
    list[str] | None,
    typer.Option(
        "--wrt",
        metavar="NAME,...",
        help="Differentiate by these variables only.",
        show_default=False,
        rich_help_panel=TARGET,
    ),
]
OrderOption = Annotated[
    int | None,
    typer.Option(
        "--order",
        metavar="N",
        help="Every derivative by one number up to order N, at most 5.",
        show_default=False,
        rich_help_panel=TARGET,
    ),
]
HessianOption = Annotated[
    bool, typer.Option("--hessian", help="All second derivatives, and their symmetry.", rich_help_panel=TARGET)
]
JacobianOption = Annotated[
    bool, typer.Option("--jacobian", help="The derivatives of every entry of the value.", rich_help_panel=TARGET)
]
UpstreamOption = Annotated[
    str | None,
    typer.Option(
        "--upstream",
        metavar="ARRAY",
        help="The gradient that comes from above, as [1,0,1]; without it ones.",
        show_default=False,
        rich_help_panel=TARGET,
    ),
]
StepsOption = Annotated[
    bool, typer.Option("--steps", help="The chain rule at one point, node by node.", rich_help_panel=TARGET)
]
FrameworkOption = Annotated[
    Framework | None,
    typer.Option(help="Whose autodiff is checked.", show_default="torch if installed", rich_help_panel=EVIDENCE),
]
FrameworksOption = Annotated[
    Frameworks,
    typer.Option(help="Which are compared; with one of them it is a check.", rich_help_panel=EVIDENCE),
]
DtypeOption = Annotated[Dtype, typer.Option(help="The arithmetic it runs in.", rich_help_panel=EVIDENCE)]
SeedOption = Annotated[
    int, typer.Option(metavar="N", help="Every random choice follows from it.", rich_help_panel=EVIDENCE)
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        min=0.001,
        max=1e6,
        metavar="SECONDS",
        help="Seconds a witness may take for one target.",
        rich_help_panel=EVIDENCE,
    ),
]
AbsoluteOption = Annotated[
    bool,
    typer.Option("--absolute", help="Also warn below 1e-6 and above 10, as tutorials do.", rich_help_panel=EVIDENCE),
]
AgainstOption = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="gradcheck[:STEP]",
        help="Also run the framework's own checker, and say where it misleads.",
        show_default=False,
        rich_help_panel=EVIDENCE,
    ),
]
CodeOption = Annotated[
    bool,
    typer.Option(
        "--code",
        help="Also both programs, as one would write them; of an idiom these alone; of models what one does with them.",
        rich_help_panel=EVIDENCE,
    ),
]
ModesOption = Annotated[
    bool,
    typer.Option(
        "--modes",
        help="Also reverse mode against forward, batched, recomputed and compiled gradients.",
        rich_help_panel=EVIDENCE,
    ),
]
TimingOption = Annotated[
    bool,
    typer.Option(
        "--timing", help="Also the times of value, gradient and formula, eager and compiled.", rich_help_panel=EVIDENCE
    ),
]
FormatOption = Annotated[Format, typer.Option(help="How the report is written.", rich_help_panel=OUTPUT)]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.", rich_help_panel=OUTPUT)]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write the report to a file.", show_default=False, rich_help_panel=OUTPUT
    ),
]
PlotOption = Annotated[
    str | None,
    typer.Option(
        "--plot",
        metavar="FILE|-",
        help="Draw a sweep to a .png or .svg file; - draws in the terminal.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
GraphOption = Annotated[
    Path | None,
    typer.Option(
        "--graph",
        metavar="FILE",
        help="Also draw the steps to a .mmd (Mermaid) or .dot (Graphviz) file.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Warnings count as findings (exit code 1).", rich_help_panel=OUTPUT)
]
ExitZeroOption = Annotated[
    bool, typer.Option("--exit-zero", help="Exit with 0 whatever is found.", rich_help_panel=OUTPUT)
]
ColorOption = Annotated[ColorChoice, typer.Option(help="Colour in the report.", rich_help_panel=OUTPUT)]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show tracebacks and what workers printed.", rich_help_panel=OUTPUT)
]


def chosen_format(chosen: enum.Enum, *, json: bool) -> str:
    """The name of the format that ``--format`` and ``--json`` ask for together."""
    name = str(chosen.value)
    if json and name not in {"table", "json"}:
        raise ProblemError(Problem("option", f"--json and --format {name} exclude each other"))
    return "json" if json else name


class ExpressionCommand(TyperCommand):
    """A command whose argument may begin with a minus: ``-x**2`` and ``-o*x`` are expressions, not options.

    A token counts as an option only if it is exactly one of the command's own, or begins with two dashes.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move expressions behind ``--``, where nothing is read as an option."""
        options: list[str] = []
        expressions: list[str] = []
        takes_value = {
            name for param in self.params if isinstance(param, TyperOption) and not param.is_flag for name in param.opts
        }
        known = {name for param in self.params for name in param.opts}
        tokens = iter(args)
        for token in tokens:
            if token == "--":  # noqa: S105  # the end of the options, no password
                expressions += tokens
            elif token in takes_value:
                options += [token, *([value] if (value := next(tokens, None)) is not None else [])]
            elif token.startswith("-") and not token.startswith("--") and token not in known | {"-h", "-"}:
                expressions.append(token)
            else:
                options.append(token)
        return super().parse_args(ctx, [*options, "--", *expressions] if expressions else options)


def chosen_mode(order: int | None, upstream: str | None, *, hessian: bool, jacobian: bool) -> str:
    """What the settings call the derivatives asked for: ``orders``, ``hessian``, ``jacobian``, or the ``gradient``."""
    modes = {"orders": order is not None, "hessian": hessian, "jacobian": jacobian}
    if sum(modes.values()) > 1 or (upstream is not None and any(modes.values())):
        hint = "each asks for other derivatives; run gradtool once for each"
        told = "take one of --order, --hessian, --jacobian and --upstream"
        raise ProblemError(Problem("option", told, hint=hint))
    return next((mode for mode, wanted in modes.items() if wanted), "gradient")
