"""Options of ``gradtool check`` for callables, and which options go with callables and which with expressions."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperOption

from gradtool.cli.options import TARGET
from gradtool.cli.options_models import given
from gradtool.problem import Problem, ProblemError

__all__ = ["SurrogateOption", "look_at_options"]

FOR_EXPRESSIONS_ALONE = {
    "hessian": "a second derivative is checked with --order 2",
    "jacobian": "--upstream picks what the outputs are weighed by",
    "steps": "the chain rule is told of an expression",
    "graph": "the chain rule is told of an expression",
    "plot": "a sweep is drawn of an expression",
}
"""Options that say nothing about a callable, and what to do instead."""

FOR_CALLABLES_ALONE = {"surrogate": "name a Python file: gradtool check ops.py:NAME"}

HIGHEST = 2
"""The order of derivatives to which callables are checked."""

SurrogateOption = Annotated[
    bool,
    typer.Option(
        "--surrogate",
        help="Of FILE.py:NAME: its gradient is wrong on purpose (straight-through, reversal); check the rest.",
        rich_help_panel=TARGET,
    ),
]


def look_at_options(context: typer.Context, target: str, order: int | None, *, callables: bool) -> None:
    """Raise ProblemError for every option given that says nothing about such a target."""
    kind, other = ("a Python file", "an expression") if callables else ("an expression", "a Python file")
    refused = FOR_EXPRESSIONS_ALONE if callables else FOR_CALLABLES_ALONE
    problems = [
        Problem("option", f"{param.opts[0]} goes with {other}, and {target} is {kind}", hint=refused[param.name])
        for param in context.command.params
        if isinstance(param, TyperOption) and param.name in refused and given(context, param.name)
    ]
    if callables and order is not None and not 1 <= order <= HIGHEST:
        hint = "--order 2 checks the gradient of the gradient too"
        problems.append(Problem("option", "a callable is checked up to order 2", f"--order {order}", hint=hint))
    if problems:
        raise ProblemError(*problems)
