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
    chosen_format,
    chosen_mode,
)
from gradtool.cli.options_flow import EveryOption, IgnoreOption, Mode, ModeOption, SelectOption
from gradtool.cli.options_models import ComparedDtypeOption, PartnerArgument, given, look_at_options, names_models
from gradtool.problem import ExitCode

__all__ = ["compare"]


def compare(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            help="An expression; - for expressions from stdin, @FILE for a file of them, one a line. Or a Python file "
            "with a Keras model, or with torch_model() and keras_model().",
            metavar="EXPRESSION|-|@FILE|FILE.py",
            rich_help_panel=TARGET,
        ),
    ],
    partner: PartnerArgument = None,
    at: AtOption = None,
    wrt: WrtOption = None,
    order: OrderOption = None,
    hessian: HessianOption = False,
    jacobian: JacobianOption = False,
    upstream: UpstreamOption = None,
    frameworks: FrameworksOption = Frameworks.both,
    dtype: ComparedDtypeOption = Dtype.float64,
    seed: SeedOption = 0,
    timeout: TimeoutOption = 120.0,
    mode: ModeOption = Mode.train,
    absolute: AbsoluteOption = False,
    format: FormatOption = TABLE,  # noqa: A002  # the option's name
    json: JsonOption = False,
    output: OutputOption = None,
    plot: PlotOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    all: EveryOption = False,  # noqa: A002  # likewise
    strict: StrictOption = False,
    exit_zero: ExitZeroOption = False,
    color: ColorOption = ColorChoice.auto,
    debug: DebugOption = False,
) -> None:
    """Do PyTorch and TensorFlow agree on this gradient, and if not, which one is right? Do two models?

    gradtool compare "x**2 * sin(y)" --at x=2,y=3

    gradtool compare "max(x, 0)" --at x=0

    gradtool compare "gelu(x)" --at x=1 --dtype float32

    gradtool compare "softmax(x)" --at "x=[1,2,3]" --jacobian

    gradtool compare "softplus(x)" --at x=-40:40:81 --plot errors.png

    gradtool compare @suite.txt --format jsonl

    gradtool compare pair.py

    gradtool compare torch_model.py keras_model.py --dtype float16
    """
    code = ExitCode.OK
    with guarded(debug=debug):
        chosen = chosen_format(format, json=json)
        models = names_models(target, partner)
        look_at_options(context, target, models=models)
        # Nothing of what follows is needed for the help.
        if models:
            from gradtool.cli.run_compare_models import Outlet, chosen_settings, run_compare_models  # noqa: PLC0415

            asked = chosen_settings(
                frameworks.value, dtype.value if given(context, "dtype") else "", seed, mode.value, timeout, select,
                ignore,
            )  # fmt: skip
            code = run_compare_models(target, partner, asked, Outlet(chosen, output, color.value, all, strict, debug))
            raise typer.Exit(ExitCode.OK if exit_zero else code)
        from gradtool.cli.run import run_check  # noqa: PLC0415
        from gradtool.cli.run_compare import run_compare  # noqa: PLC0415
        from gradtool.settings import CheckSettings  # noqa: PLC0415
        from gradtool.target.point import split_assignments  # noqa: PLC0415

        settings = CheckSettings(
            at=split_assignments(at) if at else None,
            wrt=tuple(wrt or ()),
            framework=None if frameworks is Frameworks.both else frameworks.value,
            dtype=dtype.value,
            seed=seed,
            timeout=timeout,
            absolute=absolute,
            mode=chosen_mode(order, upstream, hessian=hessian, jacobian=jacobian),
            order=1 if order is None else order,
            upstream=upstream,
        )
        if settings.framework:
            code = run_check(target, settings, chosen, output, plot, None, color.value, strict=strict, debug=debug)
        else:
            code = run_compare(target, settings, chosen, output, plot, color.value, strict=strict, debug=debug)
    raise typer.Exit(ExitCode.OK if exit_zero else code)
