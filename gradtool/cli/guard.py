"""What happens when a command can't go on: one clear message on stderr, and the right exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import typer

from gradtool.problem import ExitCode, ProblemError
from gradtool.terminal import terminal_for

__all__ = ["guarded", "unread"]


@contextmanager
def guarded(*, debug: bool) -> Iterator[None]:
    """Turn what the block raises into a message and a typer.Exit; a traceback only with ``debug``."""
    try:
        yield
    except ProblemError as error:
        width = terminal_for(sys.stderr).width
        for problem in error.problems:
            for line in problem.lines(width):
                _say(line)
        if debug:
            traceback.print_exc()
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        _say("interrupted")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        _hush(sys.stdout)
        raise typer.Exit(ExitCode.OK) from None
    except OSError as error:
        _say(f"error: the report can't be written: {error.strerror or error}")
        raise typer.Exit(ExitCode.UNUSABLE) from None
    except typer.Exit:
        raise
    except Exception as error:  # noqa: BLE001  # the last net: a bug becomes one message and exit code 4
        if debug:
            traceback.print_exc()
        _say(f"error: a bug in gradtool: {type(error).__name__}: {error}")
        _say("  hint: run it again with --debug, and report what it prints")
        raise typer.Exit(ExitCode.BUG) from None


@contextmanager
def unread(stream: TextIO) -> Iterator[None]:
    """End the block quietly where the reader of ``stream`` has gone; what is still written there goes nowhere."""
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        _hush(stream)


def _hush(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # or the interpreter complains at its end


def _say(line: str) -> None:
    encoding = sys.stderr.encoding or "ascii"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)
