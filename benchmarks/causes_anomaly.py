"""Which line is guilty of a NaN or an infinity: gradtool's finder beside ``torch.autograd.detect_anomaly``.

    python benchmarks/causes_anomaly.py

Both see the programs of tests/corpus/causes_nonfinite_torch.py, each of which marks its guilty line. The peer is right
if the last of the program's lines in its traceback is that line; it names no kind, and looks for NaN in the backward
pass alone, so where only infinities are it says nothing. On the healthy twins any accusation is a false alarm. Seconds.
"""

from __future__ import annotations

import re
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "witness"), str(TESTS.parent)]

# The programs are those of the tests, which can only be found from here on: hence E402.
from causes_run import alone, told  # noqa: E402
from corpus.causes_nonfinite_torch import CASES  # noqa: E402
from corpus.programs import marked, written  # noqa: E402

from gradtool.witness.model.user_file import UserFileError, execute  # noqa: E402
from gradtool.witness.pytorch.causes.births import BirthFinder  # noqa: E402

LINE = re.compile(r'File "([^"]+)", line (\d+)')


def peer(text: str, folder: Path) -> str:
    """The line that detect_anomaly accuses, as ``main.py:12``; empty if it says nothing."""
    file = written(text, folder)
    with alone(), warnings.catch_warnings(record=True) as caught, torch.autograd.set_detect_anomaly(True):
        warnings.simplefilter("always")
        try:
            execute(str(file), as_main=False)
        except UserFileError as error:
            if "returned nan values" not in error.message:
                raise
        else:
            return ""
    traces = [str(one.message) for one in caught if "Error detected in" in str(one.message)]
    lines = [(Path(name), number) for trace in traces for name, number in LINE.findall(trace)]
    own = [f"{name.name}:{number}" for name, number in lines if name.parent == folder.resolve()]
    return own[-1] if own else "somewhere"


def ours(text: str, folder: Path) -> set[tuple[str, str]]:
    """The kind and the line of everything that the finder accuses."""
    causes, _, _ = told(BirthFinder(), text, folder)
    return {(one.kind, one.line.source) for one in causes}


def scores(cases: Sequence[Any]) -> dict[str, tuple[int, int, int]]:
    """By tool: how many lines are right, how many are wrong or not told, and how many healthy twins are accused."""
    rights = dict.fromkeys(("gradtool", "detect_anomaly"), 0)
    alarms = dict.fromkeys(rights, 0)
    torch._dynamo.config.disable = True  # noqa: SLF001  # both see the same plain operations
    for case in cases:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            folder, twin = Path(one), Path(other)
            accused = peer(case.program(), folder)
            right = marked(folder)
            rights["detect_anomaly"] += accused == right
            rights["gradtool"] += ours(case.program(), folder) == {(case.kind, right)}
            (twin / "marked.py").write_text("# <- here\n")
            alarms["detect_anomaly"] += bool(peer(case.twin(), twin))
            alarms["gradtool"] += bool(ours(case.twin(), twin))
            print(f"{case.name}: detect_anomaly {'right' if accused == right else accused or 'silent'}")
    return {tool: (rights[tool], len(cases) - rights[tool], alarms[tool]) for tool in rights}


def main() -> None:
    """Print both scores; with a number N, of every Nth program."""
    cases = CASES[:: int(sys.argv[1]) if len(sys.argv) > 1 else 1]
    for tool, (right, wrong, alarms) in scores(cases).items():
        print(f"{tool}: {right} of {right + wrong} lines right, {alarms} of {right + wrong} healthy twins accused")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
