"""``python -m gradtool``, and the console script.

The witnesses of a check are started before anything else is imported: a framework takes a second and more to start,
and the rest of the program is imported and the expression read meanwhile.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

__all__ = ["main"]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C.

    After a plain KeyboardInterrupt inside ``exec`` of a text, as when a dataclass is made on import, Python dies of the
    signal at its very end, caught or not, and its exit code is lost. It does not after a subclass.
    """


def main() -> None:
    """Run the command line. A closed stdin, stdout or stderr is an empty one; Ctrl-C at any time exits with 130."""
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as under nohup
            signal.signal(signal.SIGINT, _interrupt)
        _open_closed()
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)


def _interrupt(*_: object) -> NoReturn:
    raise Interrupted


def _open_closed() -> None:
    for place, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # open to the end
            with contextlib.suppress(OSError):
                os.dup2(getattr(sys, name).fileno(), place)


def _run(arguments: list[str]) -> None:
    command = arguments[0] if arguments else ""
    if command in ("check", "compare", "flow") and len(arguments) > 1 and not {"-h", "--help"} & set(arguments):
        from gradtool.witness import process  # noqa: PLC0415  # where an interrupt is caught

        joined = "=".join(arguments).replace("--frameworks=", "--framework=")
        if command == "flow":
            torch = _wants_torch(joined + _imported(arguments))
            process.start_early([process.TORCH_MODEL if torch else process.TENSORFLOW_MODEL])
        elif command == "check" and _names_file(arguments[1:]):
            torch = _wants_torch(joined + _imported(arguments))
            own = process.CALLABLE_TORCH if torch else process.CALLABLE_TENSORFLOW
            process.start_early([own, process.SYMBOLIC])
        elif command == "compare" and (sides := _sides(arguments[1:])):
            process.start_early([getattr(process, name) for name in (*sides, "PAIRING")])
        elif command == "compare" and not any(f"--framework={name}" in joined for name in ("torch", "tensorflow")):
            process.start_early([process.TENSORFLOW, process.TORCH, process.SYMBOLIC])  # the slowest one first
        else:
            process.start_early([process.TORCH if _wants_torch(joined) else process.TENSORFLOW, process.SYMBOLIC])
    from gradtool.cli.app import main as run  # noqa: PLC0415  # after the witnesses have been started

    run()


def _wants_torch(joined: str) -> bool:
    """Whether the words of the command line seem to ask for PyTorch. A wrong guess costs a process ended unused."""
    if "--framework=tensorflow" in joined:
        return False
    return "--framework=torch" in joined or importlib.util.find_spec("torch") is not None


def _names_file(words: list[str]) -> bool:
    """Whether a word is a Python file, or a name in one."""
    return any(word.partition(":")[0].endswith(".py") for word in words if not word.startswith(("-", "@")))


def _sides(words: list[str]) -> tuple[str, ...]:
    """The workers of two models, as far as the names of Python files show them; a pair says so in its text."""
    paths = [one.partition(".py")[0] + ".py" for one in words if ".py" in one and not one.startswith(("-", "@"))]
    text = ""
    with contextlib.suppress(OSError, ValueError):
        text = Path(paths[0]).read_text(encoding="utf-8", errors="replace") if len(paths) == 1 else ""
    if len(paths) == 2 or "torch_model" in text or "keras_model" in text:
        return ("KERAS_SIDE", "TORCH_SIDE")
    return ("KERAS_SIDE", "KERAS_TORCH_SIDE") if paths else ()


def _imported(arguments: list[str]) -> str:
    """``--framework=tensorflow`` if the model's file imports it or Keras, and not PyTorch."""
    path = next((one.partition(".py")[0] + ".py" for one in arguments if ".py" in one), "")
    with contextlib.suppress(OSError, ValueError):
        text = Path(path).read_text(encoding="utf-8", errors="replace")
        found = {
            name for name in ("torch", "tensorflow", "keras") if f"import {name}" in text or f"from {name}" in text
        }
        if found and "torch" not in found:
            return "--framework=tensorflow"
    return ""


if __name__ == "__main__":
    main()
