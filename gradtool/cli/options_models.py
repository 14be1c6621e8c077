"""Options of ``gradtool compare`` for models, and which options go with models and which with expressions."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperOption

from gradtool.cli.options import EVIDENCE, TARGET, Dtype
from gradtool.problem import Problem, ProblemError

__all__ = ["ComparedDtypeOption", "PartnerArgument", "given", "look_at_options", "names_models"]

FOR_MODELS = frozenset(
    {
        "frameworks", "dtype", "seed", "timeout", "mode", "select", "ignore", "all", "format", "json", "output",
        "strict", "exit_zero", "color", "debug",
    }
)  # fmt: skip
"""Options that say something about two models; every other one is about expressions."""

FOR_MODELS_ALONE = frozenset({"mode", "select", "ignore", "all"})

PartnerArgument = Annotated[
    str | None,
    typer.Argument(
        help="The other model's file: of two, one is PyTorch's and one Keras's.",
        metavar="FILE.py",
        show_default=False,
        rich_help_panel=TARGET,
    ),
]
ComparedDtypeOption = Annotated[
    Dtype,
    typer.Option(
        "--dtype",
        help="The arithmetic it runs in; models run in float64 first.",
        show_default="float64; of models float32; of all operations both",
        rich_help_panel=EVIDENCE,
    ),
]


def given(context: typer.Context, name: str) -> bool:
    """Whether the option stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def look_at_options(context: typer.Context, target: str, *, models: bool) -> None:
    """Raise ProblemError for every option given that says nothing about such a target."""
    kind, other = ("a model's file", "an expression") if models else ("an expression", "models' files")
    problems = [
        Problem("option", f"{param.opts[0]} goes with {other}, and {target} is {kind}", hint=_instead(models=models))
        for param in context.command.params
        if isinstance(param, TyperOption) and param.name and given(context, param.name)
        if (param.name not in FOR_MODELS if models else param.name in FOR_MODELS_ALONE)
    ]
    if problems:
        raise ProblemError(*problems)


def _instead(*, models: bool) -> str:
    if models:
        return "the models' inputs and loss are their files' own; gradtool compare --help lists what else there is"
    return "name a Python file: gradtool compare pair.py"


def names_models(target: str, partner: str | None) -> bool:
    """Whether ``target`` is a model's file; raises ProblemError where only the second of two names is one, or neither.

    A plain name is a variable, even beside a folder that is called so.
    """
    wrong = next((one for one in (target, partner) if one is not None and not _is_file(one)), None)
    if wrong is None:
        return True
    if partner is None:
        return False
    told = f"{wrong} is no Python file, and two words name the files of two models"
    raise ProblemError(Problem("target", told, hint="quote an expression that has spaces"))


def _is_file(text: str) -> bool:
    from gradtool.target.model_file import is_model_file  # noqa: PLC0415  # the help needs no records

    return not text.isidentifier() and is_model_file(text)
