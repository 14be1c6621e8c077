"""``gradtool ops``, ``gradtool rule``, ``gradtool doctor``: what there is to look up."""

from __future__ import annotations

from typing import Annotated

import typer

from gradtool.cli.guard import guarded

__all__ = ["doctor", "ops", "rule"]


def ops(
    name: Annotated[str, typer.Argument(help="One operation; without it, all of them.", show_default=False)] = "",
) -> None:
    """The operations that an expression may hold: what they compute, where, and how each witness runs them.

    gradtool ops

    gradtool ops softplus
    """
    with guarded(debug=False):
        from gradtool.cli.lookup import show_operations  # noqa: PLC0415  # the help needs none of it

        show_operations(name)


def rule(
    code: Annotated[str, typer.Argument(help="A code such as GT002, or a verdict; without it, all.")] = "",
) -> None:
    """What a finding means, why it matters and what to do.

    gradtool rule

    gradtool rule GT002
    """
    with guarded(debug=False):
        from gradtool.cli.lookup import show_rule  # noqa: PLC0415  # likewise

        show_rule(code)


def doctor() -> None:
    """Which frameworks are installed, in which versions, and the pip line for what is missing."""
    with guarded(debug=False):
        from gradtool.cli.lookup import diagnose  # noqa: PLC0415  # likewise

        diagnose()
