"""Writes what the documentation shows from the program itself: ``make docs``.

In README.md and docs/*.md every block fenced as ``console`` holds commands after ``$``; what follows them is replaced
by their real output at 80 columns. docs/cli.md, docs/operations.md, docs/rules.md and docs/causes.md are written
whole, and docs/sweep.svg is drawn. docs/idioms.md shows the programs of examples/idioms with what a run of each prints,
and one of them with the models of examples/pairs.
docs/accuracy.md takes minutes and depends on the processor, and is written only by ``make accuracy``
(``python docs/generate.py accuracy``).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from gradtool.report.programs.idioms import IDIOMS, idiom
from gradtool.report.programs.pair import TITLES
from gradtool.target.operations import OPERATIONS, Operation
from gradtool.verdict.compare.record import WORDS as COMPARE_WORDS
from gradtool.verdict.flow.kinds.births import BIRTHS
from gradtool.verdict.flow.kinds.cuts import CUTS
from gradtool.verdict.flow.kinds.kind import Kind
from gradtool.verdict.flow.kinds.zeros import ZEROS
from gradtool.verdict.record import WORDS
from gradtool.verdict.rules import RULES

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = "<!-- Written by docs/generate.py; change the program and run make docs. -->"

ACCURACY_NOTE = GENERATED.replace("make docs", "make accuracy")
ACCURACY = """\
Every operation of gradtool's table, run and differentiated by both frameworks at points of its own: ordinary ones,
edges of its domain, kinks, large and tiny magnitudes, zeros of both signs, subnormal numbers; of arrays ties, equal
entries, zeros and large offsets. Each value and each derivative is compared with the exact one.

- `ulp` is the largest error of a framework, of the value or of any derivative, in units in the last place of the exact
  number; `nan` where NaN or infinity stands for a number. Points with a subnormal number have no part in it.
- `same`, `rounding`: both are right, with the same numbers or with rounding between them; `same_convention`,
  `convention`: some points have no derivative, and the frameworks put the same number in its place, or another one.
- `PyTorch right 6`: at six points PyTorch alone is right, and TensorFlow is off by more than rounding explains, or
  loses more than half of its digits; `both off 2`: at two points neither is right.
- `flushed 2`: at two points TensorFlow errs because it takes a subnormal number for 0, and PyTorch does not err.

An operation that a framework lacks is run as its formula ([operations](operations.md)), and is judged as that. Where a
derivative is computed from the value y, as `y*(1 - y)` for sigmoid or `1 - y*y` for tanh, it loses all digits where the
operation saturates: this is what "neither is right" means there, and it seldom matters in training. A large error may
also be a lawful one: where large offsets cancel, as in `var` and `logsumexp`, rounding explains it.

A clip whose limits coincide is a constant function of x, and yet both frameworks give 1 where x meets them.
[Comparing PyTorch and TensorFlow](compare.md) tells how each verdict follows."""
"""What stands above the figures of docs/accuracy.md."""

CAUSES = """\
Where [flow](flow.md#why-is-it-none-zero-or-nan) finds a gradient that is missing, zero in every entry or not finite, it
looks at the same pass again and names the line and the kind of the cause. These are the kinds, by the word that
`--format json` has for them, with what to do. The epsilon is the one for float32: 1e-15 in float64, 1e-3 in float16,
1e-2 in bfloat16; a smaller one is rounded away beside 1."""
"""What stands above the kinds of docs/causes.md."""

PICTURE = ("log(1 + exp(x))", "--at", "x=-1000:1000:41")
"""The sweep that docs/examples.md shows as a picture."""

MODELS = ("examples/pairs/two_torch.py", "examples/pairs/two_keras.py")
"""The models with which docs/idioms.md shows a training step."""

_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)

Runner = Callable[[list[str]], str]
"""Runs the arguments of gradtool, and returns what a person would see: stdout, then stderr."""


def shown(text: str, run: Runner) -> str:
    """``text`` with the output of every command in its console blocks written anew."""

    def block(match: re.Match[str]) -> str:
        parts = []
        for line in match.group(1).splitlines():
            if line.startswith("$ "):
                words = shlex.split(line[2:])
                output = run(words[1:]).strip("\n") if words[0] == "gradtool" else ""
                parts.append(f"{line}\n{output}".rstrip())
        return "```console\n" + "\n\n".join(parts) + "\n```"

    return _BLOCK.sub(block, text)


def cli_page(run: Runner) -> str:
    """The reference of every command: its help text."""
    parts = ["# The command line", GENERATED]
    for command in ("check", "flow", "compare", "ops", "rule", "doctor"):
        parts += [f"## gradtool {command}", f"```text\n{run([command, '--help']).strip()}\n```"]
    return "\n\n".join("\n".join(line.rstrip() for line in part.splitlines()) for part in parts) + "\n"


def operations_page() -> str:
    """The table of operations, with what each framework runs."""
    parts = ["# Operations", GENERATED, "What an expression may hold. An empty framework cell runs the formula."]
    parts.append(
        "Of an operation over whole arrays it is told what each argument gets of the gradient G of the result."
    )
    groups = dict.fromkeys(row.group for row in OPERATIONS.values())
    for group in groups:
        rows = [row for row in OPERATIONS.values() if row.group == group and not row.hidden]
        lines = ["| operation | meaning | defined where | derivatives | PyTorch | TensorFlow |", "|---" * 6 + "|"]
        lines += [_operation_line(row) for row in rows]
        parts += [f"## {group.capitalize()}", "\n".join(lines)]
    known = [f"- `{row.name}`, {key}: {text}." for row in OPERATIONS.values() for key, text in row.deviations.items()]
    parts += ["## Known deviations", "\n".join(known)]
    return "\n\n".join(parts) + "\n"


def _operation_line(row: Operation) -> str:
    name = row.operator or f"{row.name}({', '.join(row.parameters)})"
    told = row.derivatives or row.pullback
    derivatives = ", ".join(f"by {p}: `{text}`" for p, text in zip(row.parameters, told, strict=False))
    natives = [f"`{re.sub(r'[{}]', '', cell)}`" if cell else f"`{row.formula}`" for cell in (row.torch, row.tensorflow)]
    cells = [f"`{name}`", row.doc, f"`{row.domain}`" if row.domain else "everywhere", derivatives, *natives]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def accuracy_page(run: Runner) -> str:
    """How exact both frameworks are at every operation, with the date and the versions; takes about two minutes."""
    figures = run(["compare", "--frameworks", "both", "--format", "markdown", "--exit-zero"])
    return "\n\n".join(
        [
            "# How exact the gradients of PyTorch and TensorFlow are",
            GENERATED.replace("make docs", "make accuracy"),
            ACCURACY,
            figures,
        ]
    )


def rules_page() -> str:
    """The verdicts of a check and of a comparison, and every finding."""
    parts = ["# Verdicts and findings", GENERATED]
    for title, words in (("Verdicts", WORDS), ("Verdicts of a comparison", COMPARE_WORDS)):
        parts += [f"## {title}", "Worst first.", "\n".join(f"- `{word}`: {told}." for word, told in words.items())]
    parts += ["## Findings", "`gradtool rule CODE` shows one of them."]
    for rule in RULES.values():
        parts += [
            f"### {rule.code} {rule.name}",
            f"{rule.severity.capitalize()}. {rule.title}.",
            rule.why,
            f"What to do: {rule.remedy}",
        ]
    return "\n\n".join(parts) + "\n"


def causes_page() -> str:
    """Every kind of cause of a gradient that is None, zero or not finite, with what to do in each framework."""
    parts = ["# Why a gradient is None, zero or not finite", GENERATED, CAUSES]
    for title, rows in (("No gradient", CUTS), ("Exactly zero", ZEROS), ("NaN and infinities", BIRTHS)):
        parts += [f"## {title}", *map(_cause, rows)]
    return "\n\n".join(parts) + "\n"


def _cause(row: Kind) -> str:
    """A remedy that is the same in both frameworks is told once."""

    def shown(text: str) -> str:
        return text.format(operation="the operation", epsilon="1e-7")

    told = shown(row.told)
    remedies = [f"- What to do: {shown(row.torch)}"]
    if row.tensorflow:
        remedies = [f"- PyTorch: {shown(row.torch)}", f"- TensorFlow: {shown(row.tensorflow)}"]
    return "\n".join([f"`{row.kind}`: {told}.", "", *remedies])


def with_models(run: Runner) -> dict[str, str]:
    """The training step with the models of MODELS, by side."""
    found: dict[str, str] = json.loads(run(["compare", *MODELS, "--code", "--json"]))["code"]["training_step"]
    return found


def idioms_page(outputs: Mapping[str, Mapping[str, str]], own: Mapping[str, str]) -> str:
    """What people do with gradients, in both frameworks.

    ``outputs`` are what the programs print, by name and side; ``own`` is a training step with models of a file's own.
    """
    parts = ["# The same in both frameworks", GENERATED]
    parts.append("Each pair has the same weights, the same numbers and the same results; the files are in "
                 "[examples/idioms](../examples/idioms).")  # fmt: skip
    for name, title in IDIOMS.items():
        parts.append(f"## {title}")
        for side, text in idiom(name).items():
            parts += [
                f"### {TITLES[side]}",
                f"```python\n{text.strip()}\n```",
                f"```text\n{outputs[name][side].strip()}\n```",
            ]
    parts.append("## With models of your own")
    parts.append("`gradtool compare` of two models tells with `--code` the training step, clipping, the Hessian-vector "
                 "product and the search for missing gradients with these very models, their inputs and their loss "
                 "([how](compare-models.md#the-same-as-programs)). Of "
                 f"`gradtool compare {' '.join(MODELS)} --code` this is the training step:")  # fmt: skip
    for side, text in own.items():
        parts += [f"### {TITLES[side]}", f"```python\n{text.strip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _outputs() -> dict[str, dict[str, str]]:
    """What every program of examples/idioms prints."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
    return {
        name: {
            side: subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, encoding="utf-8",
                                 env=environment, check=True).stdout
            for side, text in idiom(name).items()
        }
        for name in IDIOMS
    }  # fmt: skip


def _run(arguments: list[str]) -> str:
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    environment.pop("FORCE_COLOR", None)
    done = subprocess.run(
        [sys.executable, "-m", "gradtool", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        cwd=ROOT,
        check=False,
    )
    return done.stdout + done.stderr


def main() -> None:
    """Write every page, or that on accuracy alone."""
    if sys.argv[1:] == ["accuracy"]:
        (ROOT / "docs" / "accuracy.md").write_text(accuracy_page(_run), encoding="utf-8")
        return
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(shown(text, _run), encoding="utf-8")
    _run(["check", *PICTURE, "--plot", str(ROOT / "docs" / "sweep.svg")])
    pages = {
        "cli": cli_page(_run), "operations": operations_page(), "rules": rules_page(),
        "causes": causes_page(),
        "idioms": idioms_page(_outputs(), with_models(_run)),
    }  # fmt: skip
    for name, text in pages.items():
        (ROOT / "docs" / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
