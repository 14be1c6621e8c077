"""``gradtool flow``: does the gradient get through the model?"""

from __future__ import annotations

from typing import Annotated

import typer

from gradtool.cli.guard import guarded
from gradtool.cli.options import (
    TABLE,
    TARGET,
    AbsoluteOption,
    ColorChoice,
    ColorOption,
    DebugOption,
    ExitZeroOption,
    FormatOption,
    FrameworkOption,
    JsonOption,
    OutputOption,
    SeedOption,
    StrictOption,
    TimeoutOption,
    chosen_format,
)
from gradtool.cli.options_flow import (
    AccumulateOption,
    ArgumentsArgument,
    ClipOption,
    DeviceOption,
    EveryOption,
    HtmlOption,
    IgnoreOption,
    InputOption,
    LabelsOption,
    LayersOption,
    LossOption,
    Mode,
    ModelDtypeOption,
    ModeOption,
    MomentsOption,
    OptimizerOption,
    PictureOption,
    RateOption,
    ScriptOption,
    SelectOption,
    SortOption,
    StartOption,
    TrainOption,
    VerifyOption,
)
from gradtool.problem import ExitCode

__all__ = ["flow"]


def flow(
    target: Annotated[
        str,
        typer.Argument(
            help="A Python file that defines or trains a model; NAME picks one of it. Or an expression.",
            metavar="FILE.py[:NAME]|EXPRESSION",
            rich_help_panel=TARGET,
        ),
    ],
    arguments: ArgumentsArgument = None,
    at: StartOption = None,
    input: InputOption = None,  # noqa: A002  # the option's name
    loss: LossOption = "",
    labels: LabelsOption = "",
    script: ScriptOption = False,
    framework: FrameworkOption = None,
    dtype: ModelDtypeOption = None,
    device: DeviceOption = "",
    mode: ModeOption = Mode.train,
    seed: SeedOption = 0,
    timeout: TimeoutOption = 120.0,
    train: TrainOption = 0,
    optimizer: OptimizerOption = "",
    lr: RateOption = None,
    clip: ClipOption = None,
    accumulate: AccumulateOption = 0,
    verify: VerifyOption = False,
    absolute: AbsoluteOption = False,
    layers: LayersOption = False,
    moments: MomentsOption = False,
    sort: SortOption = False,
    all: EveryOption = False,  # noqa: A002  # likewise
    format: FormatOption = TABLE,  # noqa: A002  # likewise
    json: JsonOption = False,
    output: OutputOption = None,
    plot: PictureOption = None,
    html: HtmlOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    strict: StrictOption = False,
    exit_zero: ExitZeroOption = False,
    color: ColorOption = ColorChoice.auto,
    debug: DebugOption = False,
) -> None:
    """Does the gradient get through the model, and if not, where does it stop? Findings, each with a remedy.

    gradtool flow model.py

    gradtool flow model.py:Net --input 32,1,28,28 --loss cross_entropy --labels classes:10

    gradtool flow train.py --script --train 20

    gradtool flow train.py -- --epochs 1 data/

    gradtool flow model.py --train 50 --optimizer adam --lr 1e-3 --clip 1.0

    gradtool flow "(x - 5)**2" --at x=0 --train 20 --optimizer sgd --lr 0.1 --plot descent.png

    gradtool flow model.py --layers --plot flow.png --html report.html
    """
    code = ExitCode.OK
    with guarded(debug=debug):
        chosen = chosen_format(format, json=json)
        # Nothing of what follows is needed for the help.
        from gradtool.cli.codes import codes  # noqa: PLC0415
        from gradtool.cli.run_flow import Outlet, run_flow  # noqa: PLC0415
        from gradtool.settings import FlowSettings, FlowView  # noqa: PLC0415

        settings = FlowSettings(
            framework=framework.value if framework else None,
            dtype=dtype.value if dtype else "",
            device=device,
            seed=seed,
            timeout=timeout,
            absolute=absolute,
            mode=mode.value,
            script=script,
            arguments=tuple(arguments or ()),
            inputs=tuple(input or ()),
            loss=loss,
            labels=labels,
            moments=moments or plot is not None or html is not None,
            clip=clip,
            accumulate=accumulate,
            train=train,
            optimizer=optimizer,
            rate=lr,
            verify=verify,
            at=tuple(at or ()),
            select=codes(select, "--select"),
            ignore=codes(ignore, "--ignore"),
        )
        view = FlowView(layers, moments, "worst" if sort else "forward", all)
        outlet = Outlet(chosen, output, plot, html, color.value, debug)
        code = run_flow(target, settings, view, outlet, strict=strict)
    raise typer.Exit(ExitCode.OK if exit_zero else code)
