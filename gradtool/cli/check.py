"""``gradtool check``: is this gradient right?"""

from __future__ import annotations

from typing import Annotated

import typer

from gradtool.cli.guard import guarded
from gradtool.cli.options import (
    TABLE,
    TARGET,
    AbsoluteOption,
    AgainstOption,
    AtOption,
    ColorChoice,
    ColorOption,
    DebugOption,
    Dtype,
    DtypeOption,
    ExitZeroOption,
    FormatOption,
    FrameworkOption,
    GraphOption,
    HessianOption,
    JacobianOption,
    JsonOption,
    OrderOption,
    OutputOption,
    PlotOption,
    SeedOption,
    StepsOption,
    StrictOption,
    TimeoutOption,
    UpstreamOption,
    WrtOption,
    chosen_format,
    chosen_mode,
)
from gradtool.cli.options_callables import SurrogateOption, look_at_options
from gradtool.cli.options_models import given
from gradtool.problem import ExitCode, Problem, ProblemError

__all__ = ["check"]


def check(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            help="An expression; FILE.py:NAME for a function, an operation or a module; - for expressions from stdin, "
            "@FILE for a file of them, one a line.",
            metavar="EXPRESSION|FILE.py:NAME|@FILE|-",
            rich_help_panel=TARGET,
        ),
    ],
    at: AtOption = None,
    wrt: WrtOption = None,
    order: OrderOption = None,
    hessian: HessianOption = False,
    jacobian: JacobianOption = False,
    upstream: UpstreamOption = None,
    steps: StepsOption = False,
    surrogate: SurrogateOption = False,
    framework: FrameworkOption = None,
    dtype: DtypeOption = Dtype.float64,
    seed: SeedOption = 0,
    timeout: TimeoutOption = 120.0,
    absolute: AbsoluteOption = False,
    against: AgainstOption = None,
    format: FormatOption = TABLE,  # noqa: A002  # the option's name
    json: JsonOption = False,
    output: OutputOption = None,
    plot: PlotOption = None,
    graph: GraphOption = None,
    strict: StrictOption = False,
    exit_zero: ExitZeroOption = False,
    color: ColorOption = ColorChoice.auto,
    debug: DebugOption = False,
) -> None:
    """Is this gradient right? Autodiff against exact symbolic derivatives and finite differences, with a verdict.

    gradtool check "x**2 + 2*x + 1" --at x=3

    gradtool check "x**2*y + x*y**2" --at x=2,y=3 --framework tensorflow

    gradtool check "log(1 + exp(x))" --at x=1000

    gradtool check "mean((X @ W - T)**2)" --at "X=normal(5,3),W=normal(3,2),T=normal(5,2)" --wrt W

    gradtool check "x**2*y" --at x=1,y=2 --hessian

    gradtool check "sin(x**2)" --at x=4 --steps --graph chain.mmd

    gradtool check "log(1 + exp(x))" --at x=-1000:1000:41 --plot sweep.png

    gradtool check examples/callables/relu_torch.py:MyReLU --at "x=[1.5,-2,0.3]"

    gradtool check @suite.txt --format jsonl
    """
    code = ExitCode.OK
    with guarded(debug=debug):
        chosen = chosen_format(format, json=json)
        mode = chosen_mode(order, upstream, hessian=hessian, jacobian=jacobian)
        steps = steps or graph is not None
        if steps and mode != "gradient":
            hint = "leave out --order, --hessian and --jacobian; an --upstream goes with it"
            raise ProblemError(Problem("option", "--steps tells the chain rule of a plain gradient", hint=hint))
        # Nothing of what follows is needed for the help.
        from gradtool.cli.against import with_checker  # noqa: PLC0415
        from gradtool.cli.run import run_check  # noqa: PLC0415
        from gradtool.settings import POINTS, CheckSettings  # noqa: PLC0415
        from gradtool.target.model_file import names_python_file  # noqa: PLC0415
        from gradtool.target.point import split_assignments  # noqa: PLC0415

        look_at_options(context, target, order, callables=names_python_file(target))
        settings = CheckSettings(
            at=split_assignments(at) if at else None,
            wrt=tuple(wrt or ()),
            framework=framework.value if framework else None,
            dtype=dtype.value,
            seed=seed,
            timeout=timeout,
            absolute=absolute,
            mode=mode,
            order=1 if order is None else order,
            upstream=upstream,
            steps=steps,
            points=1 if steps else POINTS,
            surrogate=surrogate,
            own_dtype=not given(context, "dtype"),
        )
        settings = with_checker(settings, against)
        code = run_check(target, settings, chosen, output, plot, graph, color.value, strict=strict, debug=debug)
    raise typer.Exit(ExitCode.OK if exit_zero else code)
