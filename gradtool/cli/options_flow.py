"""Options of ``gradtool flow`` alone."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from gradtool.cli.options import EVIDENCE, OUTPUT, TARGET, Dtype

__all__ = [
    "AccumulateOption", "ArgumentsArgument", "ClipOption", "DeviceOption", "EveryOption", "HtmlOption",
    "IgnoreOption", "InputOption", "LabelsOption", "LayersOption", "LossOption", "Mode", "ModeOption",
    "ModelDtypeOption", "MomentsOption", "OptimizerOption", "PictureOption", "RateOption", "ScriptOption",
    "SelectOption", "SortOption", "StartOption", "TrainOption", "VerifyOption",
]  # fmt: skip

EXPERIMENTS = "Experiments"

Mode = enum.Enum("Mode", {"train": "train", "eval": "eval"}, type=str)


def _text(flag: str, metavar: str, told: str, panel: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=told, show_default=False, rich_help_panel=panel)


StartOption = Annotated[
    list[str] | None, _text("--at", "NAME=VALUE,...", "Where an expression's descent begins: x=0,y=[1,2].", TARGET)
]
InputOption = Annotated[
    list[str] | None,
    _text("--input", "SHAPE[:DTYPE[<N]]", "An input: 32,1,28,28 or 8,16:int64<500; once for each.", TARGET),
]
LossOption = Annotated[
    str, _text("--loss", "NAME", "cross_entropy, bce, bce_with_logits, mse, ... or a function of the file.", TARGET)
]
LabelsOption = Annotated[str, _text("--labels", "classes:N|binary|normal", "What the drawn targets are.", TARGET)]
ArgumentsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="-- ARGUMENTS",
        help="The command line of the file, where it reads one; paths are those of its own folder.",
        show_default=False,
        rich_help_panel=TARGET,
    ),
]
ScriptOption = Annotated[
    bool,
    typer.Option("--script", help="Run the file as a program, until its first backward pass.", rich_help_panel=TARGET),
]
ModelDtypeOption = Annotated[
    Dtype | None,
    typer.Option("--dtype", help="Run the model in this dtype.", show_default="its own", rich_help_panel=EVIDENCE),
]
DeviceOption = Annotated[
    str, _text("--device", "cpu|cuda|cuda:N|mps", "Where the model runs; its own place if left out.", EVIDENCE)
]
ModeOption = Annotated[Mode, typer.Option(help="As in training, or as in use.", rich_help_panel=EVIDENCE)]
TrainOption = Annotated[
    int,
    typer.Option(
        "--train",
        min=0,
        max=100_000,
        metavar="N",
        help="Take N optimizer steps and look at every one.",
        show_default=False,
        rich_help_panel=EXPERIMENTS,
    ),
]
OptimizerOption = Annotated[
    str, _text("--optimizer", "sgd|adam|adamw|...", "For --train; the file's own if it has one.", EXPERIMENTS)
]
RateOption = Annotated[
    float | None,
    typer.Option(
        "--lr", min=0.0, metavar="RATE", help="Its learning rate.", show_default=False, rich_help_panel=EXPERIMENTS
    ),
]
ClipOption = Annotated[
    float | None,
    typer.Option(
        "--clip",
        min=0.0,
        metavar="NORM",
        help="Clip to this global norm; shows before and after.",
        show_default=False,
        rich_help_panel=EXPERIMENTS,
    ),
]
AccumulateOption = Annotated[
    int,
    typer.Option(
        "--accumulate",
        min=0,
        max=4096,
        metavar="K",
        help="K micro-batches against the full batch.",
        show_default=False,
        rich_help_panel=EXPERIMENTS,
    ),
]
VerifyOption = Annotated[
    bool,
    typer.Option("--verify", help="Check the model's gradient along random directions.", rich_help_panel=EXPERIMENTS),
]
LayersOption = Annotated[bool, typer.Option("--layers", help="The profile over depth.", rich_help_panel=OUTPUT)]
SelectOption = Annotated[
    list[str] | None, _text("--select", "CODES", "Tell only findings of these codes: GT103,GT104.", OUTPUT)
]
IgnoreOption = Annotated[list[str] | None, _text("--ignore", "CODES", "Leave out findings of these codes.", OUTPUT)]
MomentsOption = Annotated[
    bool, typer.Option("--moments", help="Mean, mean size and deviation of each gradient.", rich_help_panel=OUTPUT)
]
SortOption = Annotated[bool, typer.Option("--sort", help="The worst rows first.", rich_help_panel=OUTPUT)]
EveryOption = Annotated[bool, typer.Option("--all", help="Every parameter, however many.", rich_help_panel=OUTPUT)]
PictureOption = Annotated[
    str | None, _text("--plot", "FILE|-", "Draw the gradients to a .png or .svg file; - in the terminal.", OUTPUT)
]
HtmlOption = Annotated[Path | None, _text("--html", "FILE", "Also write the report as one page for a browser.", OUTPUT)]
