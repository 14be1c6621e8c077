"""The command line: which commands there are. Each command's file holds its signature and its help."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gradtool import __version__
from gradtool.cli.check import check
from gradtool.cli.compare import compare
from gradtool.cli.flow import flow
from gradtool.cli.options import COMPARE_CODES, EXIT_CODES, FLOW_CODES, ExpressionCommand
from gradtool.cli.reference import doctor, ops, rule

__all__ = ["app", "main"]

app = typer.Typer(
    name="gradtool",
    help="Is this gradient right? Evidence from independent witnesses, and a verdict.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"gradtool {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    pass


app.command(cls=ExpressionCommand, no_args_is_help=True, epilog=EXIT_CODES)(check)
app.command(cls=ExpressionCommand, no_args_is_help=True, epilog=FLOW_CODES)(flow)
app.command(cls=ExpressionCommand, no_args_is_help=True, epilog=COMPARE_CODES)(compare)
app.command()(ops)
app.command()(rule)
app.command()(doctor)


def main() -> None:
    """Run the command line; names and expressions that the terminal can't encode are escaped, never fatal."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="gradtool")
