"""Runs printed programs: all of them in one process, each in a namespace of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ran", "texts"]

_NUMBER = re.compile(r"None|nan|-?inf|-?\d[\d.]*(?:e[-+]?\d+)?")


def ran(programs: Sequence[str]) -> list[dict[str, list[float | None]]]:
    """What each program prints: by the label before the equals sign the numbers behind it."""
    return [_numbers(text) for text in texts(programs)]


def texts(programs: Sequence[str], folder: Path | None = None) -> list[str]:
    """What each program prints; in ``folder`` it finds files of its own, anew each time."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
                   "KERAS_BACKEND": "tensorflow"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, __file__], input=json.dumps(programs), capture_output=True, text=True, check=True,
        env=environment, cwd=folder,
    )  # fmt: skip
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def _numbers(text: str) -> dict[str, list[float | None]]:
    lines = (line.partition(" = ") for line in text.splitlines())
    return {label: [None if word == "None" else float(word) for word in _NUMBER.findall(numbers)]
            for label, _, numbers in lines}  # fmt: skip


def main() -> None:
    """Programs come as JSON on stdin; what they print leaves as JSON on the last line of stdout."""
    told, kept = [], set(sys.modules)
    sys.path.insert(0, str(Path.cwd()))
    for program in json.load(sys.stdin):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                exec(compile(program, "<printed>", "exec"), {"__name__": "__main__"})  # noqa: S102  # our own text
            except Exception as error:  # noqa: BLE001  # told with the program that raised it
                print(f"{type(error).__name__} = {error}\n{program}", file=sys.stderr)
                print(f"raised {type(error).__name__}: {error}")
        told.append(out.getvalue())
        for name, module in list(sys.modules.items()):
            if name not in kept and Path(getattr(module, "__file__", None) or "/").parent == Path.cwd():
                del sys.modules[name]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
