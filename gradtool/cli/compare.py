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
    CodeOption,
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
    ModesOption,
    OrderOption,
    OutputOption,
    PlotOption,
    SeedOption,
    StrictOption,
    TimeoutOption,
    TimingOption,
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
        str | None,
        typer.Argument(
            help="An expression; - for expressions from stdin, @FILE for a file of them, one a line. Or a Python file "
            "with a Keras model, or with torch_model() and keras_model(). Without it, every operation that gradtool "
            "knows, at points of its own.",
            metavar="EXPRESSION|-|@FILE|FILE.py",
            show_default=False,
            rich_help_panel=TARGET,
        ),
    ] = None,
    partner: PartnerArgument = None,
    at: AtOption = None,
    wrt: WrtOption = None,
    order: OrderOption = None,
    hessian: HessianOption = False,
    jacobian: JacobianOption = False,
    upstream: UpstreamOption = None,
    frameworks: FrameworksOption = Frameworks.both,
    code: CodeOption = False,
    modes: ModesOption = False,
    timing: TimingOption = False,
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

    gradtool compare "x**2 * sin(y)" --at x=2,y=3 --code --modes --timing

    gradtool compare training_step --code

    gradtool compare @suite.txt --format jsonl

    gradtool compare --frameworks both

    gradtool compare pair.py

    gradtool compare torch_model.py keras_model.py --dtype float16

    gradtool compare pair.py --code
    """
    status = ExitCode.OK
    with guarded(debug=debug):
        chosen = chosen_format(format, json=json)
        models = target is not None and names_models(target, partner)
        look_at_options(context, target, models=models)
        # Nothing of what follows is needed for the help.
        if target is not None and models:
            from gradtool.cli.run_compare_models import Outlet, chosen_settings, run_compare_models  # noqa: PLC0415

            asked = chosen_settings(
                frameworks.value, dtype.value if given(context, "dtype") else "", seed, mode.value, timeout, select,
                ignore, code=code,
            )  # fmt: skip
            status = run_compare_models(target, partner, asked, Outlet(chosen, output, color.value, all, strict, debug))
            raise typer.Exit(ExitCode.OK if exit_zero else status)
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
            code=code,
            modes=modes,
            timing=timing,
        )
        if target is None:
            from gradtool.cli.run_accuracy import run_accuracy  # noqa: PLC0415

            only = dtype.value if given(context, "dtype") else ""
            status = run_accuracy(only, settings, chosen, output, color.value, strict=strict, debug=debug)
            raise typer.Exit(ExitCode.OK if exit_zero else status)
        if code or modes or timing:
            from gradtool.cli.beside import look_at_beside, tell_idiom  # noqa: PLC0415  # few runs need it

            look_at_beside(settings)
            if code and tell_idiom(target, settings, chosen, output, color.value):
                raise typer.Exit(ExitCode.OK)
        if settings.framework:
            status = run_check(target, settings, chosen, output, plot, None, color.value, strict=strict, debug=debug)
        else:
            status = run_compare(target, settings, chosen, output, plot, color.value, strict=strict, debug=debug)
    raise typer.Exit(ExitCode.OK if exit_zero else status)
