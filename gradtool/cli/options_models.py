"""Options of ``gradtool compare`` for models, and which options go with an expression, with models, or without both."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import typer
from typer.core import TyperOption

from gradtool.cli.options import EVIDENCE, TARGET, Dtype
from gradtool.problem import Problem, ProblemError

__all__ = ["ComparedDtypeOption", "PartnerArgument", "given", "look_at_options", "names_models"]

EXPRESSION, MODELS, NOTHING = "an expression", "models' files", ""
"""What a comparison is of: named on the command line, or every operation."""
NAMED = "an expression or models' files"

ONE_KIND: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("at", "wrt", "order", "hessian", "jacobian", "upstream", "modes", "timing", "absolute",
                         "plot"), EXPRESSION),
        **dict.fromkeys(("mode", "select", "ignore", "all"), MODELS),
        "code": NAMED,
    }
)  # fmt: skip
"""The options that don't go with every kind of target."""

INSTEAD: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (EXPRESSION, MODELS): "name a Python file: gradtool compare pair.py",
        (MODELS, EXPRESSION): (
            "the models' inputs and loss are their files' own; gradtool compare --help lists what else there is"
        ),
        (NOTHING, EXPRESSION): (
            'without one, each operation is compared at points of its own; as in gradtool compare "exp(x)" --at x=1'
        ),
        (NOTHING, NAMED): 'as in gradtool compare "exp(x)" --at x=1 --code, or gradtool compare pair.py --code',
        (NOTHING, MODELS): "without them, every operation is compared; as in gradtool compare pair.py",
    }
)
"""By the kind of the target and the kind that an option goes with: what to do."""

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


def look_at_options(context: typer.Context, target: str | None, *, models: bool) -> None:
    """Raise ProblemError for every option given that says nothing about such a target, or without one."""
    kind = NOTHING if target is None else MODELS if models else EXPRESSION
    own = "a model's file" if models else kind
    problems = []
    for param in context.command.params:
        wanted = ONE_KIND.get(param.name or "", kind)
        fits = wanted == kind or (wanted == NAMED and kind != NOTHING)
        if isinstance(param, TyperOption) and not fits and given(context, str(param.name)):
            told = (
                f"{param.opts[0]} goes with {wanted}, and {target} is {own}"
                if kind
                else f"{param.opts[0]} needs {wanted}"
            )
            problems.append(Problem("option", told, hint=INSTEAD[kind, wanted]))
    if problems:
        raise ProblemError(*problems)


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

    return bool(text.strip()) and not text.isidentifier() and is_model_file(text)
