"""``gradtool compare``: do PyTorch and TensorFlow agree, and who is right?"""

from __future__ import annotations

from typing import Annotated

import typer

from gradtool.cli.guard import guarded
from gradtool.cli.options import (
    TABLE,
    TARGET,
    AbsoluteOption,
    AtOption,
    ColorChoice,
    ColorOption,
    DebugOption,
    Dtype,
    DtypeOption,
    ExitZeroOption,
    FormatOption,
    Frameworks,
    FrameworksOption,
    HessianOption,
    JacobianOption,
    JsonOption,
    OrderOption,
    OutputOption,
    PlotOption,
    SeedOption,
    StrictOption,
    TimeoutOption,
    UpstreamOption,
    WrtOption,
)
from gradtool.problem import ExitCode, Problem, ProblemError

__all__ = ["compare"]


def compare(
    target: Annotated[
        str,
        typer.Argument(
            help="An expression; - for expressions from stdin, @FILE for a file of them, one a line.",
            metavar="EXPRESSION|-|@FILE",
            rich_help_panel=TARGET,
        ),
    ],
    at: AtOption = None,
    wrt: WrtOption = None,
    order: OrderOption = None,
    hessian: HessianOption = False,
    jacobian: JacobianOption = False,
    upstream: UpstreamOption = None,
    frameworks: FrameworksOption = Frameworks.both,
    dtype: DtypeOption = Dtype.float64,
    seed: SeedOption = 0,
    timeout: TimeoutOption = 120.0,
    absolute: AbsoluteOption = False,
    format: FormatOption = TABLE,  # noqa: A002  # the option's name
    json: JsonOption = False,
    output: OutputOption = None,
    plot: PlotOption = None,
    strict: StrictOption = False,
    exit_zero: ExitZeroOption = False,
    color: ColorOption = ColorChoice.auto,
    debug: DebugOption = False,
) -> None:
    """Do PyTorch and TensorFlow agree on this gradient, and if not, which one is right?

    gradtool compare "x**2 * sin(y)" --at x=2,y=3

    gradtool compare "max(x, 0)" --at x=0

    gradtool compare "gelu(x)" --at x=1 --dtype float32

    gradtool compare "softmax(x)" --at "x=[1,2,3]" --jacobian

    gradtool compare "softplus(x)" --at x=-40:40:81 --plot errors.png

    gradtool compare @suite.txt --format jsonl
    """
