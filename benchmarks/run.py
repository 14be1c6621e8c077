"""Measures gradtool against named peers in one run, and writes docs/benchmarks.md: python benchmarks/run.py.

With the names of parts (``start scale wrong flow causes suite``) only those are measured again, and the others stay.
Each ratio pairs two whole processes in turn, A B A B ..., so a drift of the machine's speed cancels; the median of the
pairwise ratios is quoted. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from causes import causes
from flow import flow
from scale import scale
from wrong_entry import wrong_entry

ROOT = Path(__file__).resolve().parent.parent
GRADTOOL = str(Path(sys.executable).parent / "gradtool")
PAGE = ROOT / "docs" / "benchmarks.md"
BARE_TYPER = """
import typer
app = typer.Typer()
@app.command()
def check(target: str, at: str = "", seed: int = 0, strict: bool = False) -> None:
    'Check a target.'
@app.command()
def ops(name: str = "") -> None:
    'Show operations.'
app()
"""


def seconds(command: list[str]) -> float:
    """Wall-clock seconds of one whole process."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def ratio(command: list[str], peer: list[str], rounds: int) -> tuple[float, float, float]:
    """(median seconds of command, of peer, median of the pairwise ratios) after one warm-up of each."""
    seconds(command), seconds(peer)
    pairs = [(seconds(command), seconds(peer)) for _ in range(rounds)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def startup(rounds: int) -> list[str]:
    """The lines of the table of whole processes."""
    expression = ["check", "x**2 + 2*x + 1", "--at", "x=3"]
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as script:
        script.write(BARE_TYPER)
    rows = [
        ("check with PyTorch", [GRADTOOL, *expression], 'python -c "import torch"', "import torch", 0.95),
        (
            "check with TensorFlow",
            [GRADTOOL, *expression, "--framework", "tensorflow"],
            'python -c "import tensorflow"',
            "import tensorflow",
            1.0,
        ),
        (
            "compare, both frameworks",
            [GRADTOOL, "compare", "x**2 * sin(y)", "--at", "x=2,y=3"],
            'python -c "import tensorflow"',
            "import tensorflow",
            1.05,
        ),
        ("--help", [GRADTOOL, "--help"], "a bare Typer app's --help", "", 1.3),
    ]
    lines = []
    for name, command, title, code, limit in rows:
        peer = [sys.executable, "-c", code] if code else [sys.executable, script.name, "--help"]
        own, other, share = ratio(command, peer, rounds)
        lines.append(f"| {name} | {own:.2f} s | {title} | {other:.2f} s | {share:.2f} | {limit} |")
    return lines


def throughput() -> str:
    """A suite of 1000 formulas of the corpus, each at its own point: formulas a second after start-up."""
    rows = [json.loads(line) for line in (ROOT / "tests" / "corpus" / "gradients.jsonl").read_text().splitlines()]
    chosen = random.Random(0).sample(rows, 1000)  # noqa: S311  # a repeatable choice
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as suite:
        suite.writelines(json.dumps({key: row[key] for key in ("name", "expression", "at")}) + "\n" for row in chosen)
    whole = statistics.median(seconds([GRADTOOL, "check", f"@{suite.name}", "--format", "jsonl"]) for _ in range(3))
    one = statistics.median(seconds([GRADTOOL, "check", "x**2", "--at", "x=3"]) for _ in range(3))
    return f"{1000 / (whole - one):.0f} formulas a second ({whole:.1f} s for 1000, of which {one:.1f} s are start-up)"


def started() -> list[str]:
    """The lines about start-up."""
    head = ["| command | time | peer | time | ratio | wanted at most |", "|---|---|---|---|---|---|"]
    return ["Whole processes on two cores, in turn with the peer; medians.", "", *head, *startup(rounds=9)]


def suite() -> list[str]:
    """The line about many targets in one process."""
    about = "A suite of 1000 published formulas (`tests/corpus`), each at its own point, with PyTorch"
    return [f"{about}: {throughput()}."]


PARTS: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "start": ("Start-up", started),
    "scale": ("Many entries, high orders", scale),
    "wrong": ("One wrong entry among many", wrong_entry),
    "flow": ("Looking at a model", flow),
    "causes": ("Looking for causes", causes),
    "suite": ("Many targets", suite),
}
"""By the name on the command line: the heading on the page, and what measures."""


def main() -> None:
    """Measure, and write the page part by part."""
    wanted = sys.argv[1:] or list(PARTS)
    page = PAGE.read_text(encoding="utf-8")
    known = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "tensorflow", "sympy"))
    head = (
        "# How fast it is\n\n<!-- Written by benchmarks/run.py on a quiet machine. -->\n\n"
        f"Python {platform.python_version()}, {packages}, on two cores.\n"
    )
    for name in wanted:
        heading, measure = PARTS[name]
        known[heading] = "\n" + "\n".join(measure()) + "\n"
        parts = [f"\n## {title}\n{known[title].rstrip()}\n" for title, _ in PARTS.values() if title in known]
        PAGE.write_text(head + "".join(parts), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
