"""Runs printed programs: each call in a process of its own, forked from one that has imported the framework already."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

__all__ = ["Printers"]

IMPORTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"torch": ("numpy", "torch"), "tensorflow": ("tensorflow", "keras")}
)
"""What is there before the fork, by side; Keras on PyTorch is imported by the program, which chooses it."""
_NUMBER = re.compile(r"None|nan|-?inf|-?\d[\d.]*(?:e[-+]?\d+)?")


class Printers:
    """A process for each side, started when it is first asked. Use it as a context manager."""

    def __init__(self) -> None:
        self._started: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Printers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._started.values():
            process.communicate()

    def ran(self, programs: Sequence[str], side: str) -> list[dict[str, list[float | None]]]:
        """What each program prints: by the label before the equals sign the numbers behind it."""
        return [_numbers(text) for text in self.texts(programs, side)]

    def texts(self, programs: Sequence[str], side: str, folder: Path | None = None) -> list[str]:
        """What each program prints; in ``folder`` it finds files of its own, anew each time."""
        process = self._started.get(side) or self._start(side)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([str(folder or Path.cwd()), *programs]) + "\n")
        process.stdin.flush()
        found: list[str] | None = json.loads(process.stdout.readline())
        assert found is not None, f"{side}: the programs ended their process"
        return found

    def _start(self, side: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
                       "KERAS_BACKEND": "tensorflow"}  # fmt: skip
        self._started[side] = subprocess.Popen(
            [sys.executable, __file__, *IMPORTED[side]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip
        return self._started[side]


def _numbers(text: str) -> dict[str, list[float | None]]:
    lines = (line.partition(" = ") for line in text.splitlines())
    return {label: [None if word == "None" else float(word) for word in _NUMBER.findall(numbers)]
            for label, _, numbers in lines}  # fmt: skip


def main() -> None:
    """A folder and programs come as JSON, a line of stdin each time; what they print leaves as a line of stdout."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # what a user's file writes below Python is no answer
        for name in sys.argv[1:]:
            importlib.import_module(name)
        for line in sys.stdin:
            folder, *programs = json.loads(line)
            if child := os.fork():
                _, status = os.waitpid(child, 0)
                if status:
                    print("null", file=out, flush=True)
                continue
            status = 1
            with contextlib.suppress(Exception):
                print(json.dumps(_told(folder, programs)), file=out, flush=True)
                status = 0
            os._exit(status)


def _told(folder: str, programs: Sequence[str]) -> list[str]:
    """What each program prints, each in a namespace of its own."""
    os.chdir(folder)
    told, kept = [], set(sys.modules)
    sys.path.insert(0, folder)
    for program in programs:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                exec(compile(program, "<printed>", "exec"), {"__name__": "__main__"})  # noqa: S102  # our own text
            except Exception as error:  # noqa: BLE001  # told to the test
                print(f"raised {type(error).__name__}: {error}")
        told.append(out.getvalue())
        for name, module in list(sys.modules.items()):
            if name not in kept and _lies_in(module, folder):
                del sys.modules[name]
    return told


def _lies_in(module: Any, folder: str) -> bool:
    return Path(getattr(module, "__file__", None) or "/").parent == Path(folder)


if __name__ == "__main__":
    main()
