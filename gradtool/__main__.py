"""``python -m gradtool``, and the console script.

The witnesses of a check are started before anything else is imported: a framework takes a second and more to start,
and the rest of the program is imported and the expression read meanwhile.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from pathlib import Path

from gradtool.witness.process import SYMBOLIC, TENSORFLOW, TORCH, start_early

__all__ = ["main"]


def main() -> None:
    """Run the command line. A closed stdin, stdout or stderr is an empty one."""
    for place, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # open to the end
            with contextlib.suppress(OSError):
                os.dup2(getattr(sys, name).fileno(), place)
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: list[str]) -> None:
    if arguments[:1] == ["check"] and len(arguments) > 1 and not {"-h", "--help"} & set(arguments):
        start_early([_framework(arguments), SYMBOLIC])
    from gradtool.cli.app import main as run  # noqa: PLC0415  # after the witnesses have been started

    run()


def _framework(arguments: list[str]) -> str:
    """The framework that the command line seems to ask for. A wrong guess costs a process that is ended unused."""
    joined = "=".join(arguments)
    if "--framework=tensorflow" in joined:
        return TENSORFLOW
    return TORCH if "--framework=torch" in joined or importlib.util.find_spec("torch") else TENSORFLOW


if __name__ == "__main__":
    main()
