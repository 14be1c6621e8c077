"""What ``gradtool ops``, ``gradtool rule`` and ``gradtool doctor`` print."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
import textwrap

import typer

from gradtool import __version__
from gradtool.problem import ExitCode, Problem, ProblemError
from gradtool.target.operations import ALIASES, OPERATIONS, Operation, operation
from gradtool.target.syntax import suggestion
from gradtool.terminal import terminal_for
from gradtool.verdict.compare.record import WORDS as COMPARE_WORDS
from gradtool.verdict.record import WORDS as CHECK_WORDS
from gradtool.verdict.rules import RULES
from gradtool.witness.host import WITNESSES

__all__ = ["diagnose", "show_operations", "show_rule"]

WORDS = {**COMPARE_WORDS, **CHECK_WORDS}
"""Every verdict of either command; those that both have mean the same."""


def show_operations(name: str) -> None:
    """Every operation in a line, or one with all that its row holds."""
    if not name:
        _all_operations()
        return
    row = operation(name) or next((r for r in OPERATIONS.values() if name in (r.operator, _signature(r))), None)
    if row is None:
        near = suggestion(name, [*(known for known, row in OPERATIONS.items() if not row.hidden), *ALIASES])
        hint = f"did you mean {near}?" if near else "gradtool ops lists them all"
        raise ProblemError(Problem("ops", f"there is no operation called {name}", hint=hint))
    _one_operation(row)


def _all_operations() -> None:
    groups = dict.fromkeys(row.group for row in OPERATIONS.values())
    for group in groups:
        print(f"{group}:")
        for row in OPERATIONS.values():
            if row.group == group and not row.hidden:
                print(f"  {_signature(row):24}{row.doc}")


def _signature(row: Operation) -> str:
    if row.operator:
        return " ".join([row.operator, *row.parameters] if len(row.parameters) == 1 else [
            row.parameters[0], row.operator, row.parameters[1]
        ])  # fmt: skip
    return f"{row.signature[:-1]}, ...)" if row.variadic else row.signature


def _one_operation(row: Operation) -> None:
    print(f"{_signature(row)}: {row.doc}")
    facts = [
        ("also called", ", ".join(row.aliases)),
        ("defined where", row.domain or "everywhere"),
        ("kinks where", " or ".join(f"{kink} = 0" for kink in row.kinks)),
        *((f"derivative by {p}", text) for p, text in zip(row.parameters, row.derivatives, strict=False)),
        ("formula", row.formula if row.shape != "broadcast" else ""),
        ("PyTorch", row.torch or f"{row.formula} (no native function)"),
        ("TensorFlow", row.tensorflow or f"{row.formula} (no native function)"),
        *(
            (f"rounding of {WITNESSES[name].title}'s derivative as of", ", ".join(way))
            for name, way in row.backward.items()
        ),
        *(("known deviation", text) for text in row.deviations.values()),
    ]
    for label, text in facts:
        if text:
            print(f"  {label}: {text.replace('{', '').replace('}', '')}")


def show_rule(code: str) -> None:
    """Every rule in a line, or one with its reasons; verdicts are explained too."""
    wanted = code.strip()
    if not wanted:
        for row in RULES.values():
            print(f"{row.code}  {row.severity:8}{row.name:24}{row.title}")
        return
    found = [row for row in RULES.values() if wanted.lower() in (row.code.lower(), row.name)]
    if not found and wanted in WORDS:
        print(f"{wanted}: {WORDS[wanted]}.")
        return
    if not found:
        near = suggestion(wanted, [*RULES, *(row.name for row in RULES.values()), *WORDS])
        hint = f"did you mean {near}?" if near else "gradtool rule lists them all"
        raise ProblemError(Problem("rule", f"there is no rule called {wanted}", hint=hint))
    for row in found:
        head = f"{row.code} {row.name} ({row.severity}): {row.title}"
        print("\n\n".join(_filled(text) for text in (head, f"Why: {row.why}", f"What to do: {row.remedy}")))


def _filled(text: str) -> str:
    return textwrap.fill(text, terminal_for(sys.stdout).width, break_long_words=False, break_on_hyphens=False)


def diagnose() -> None:
    """What is installed, in which version, and the pip line for what is missing."""
    print(f"gradtool {__version__}, Python {platform.python_version()}, {platform.platform()}")
    print(f"  interpreter: {sys.executable}")
    missing = False
    for package in ("typer", "rich", "numpy", "sympy", "mpmath", "python-flint"):
        print(f"  {package} {_version(package)}")
    for name in ("torch", "tensorflow"):
        if importlib.util.find_spec(name):
            print(f"  {WITNESSES[name].title} {_version(name)}: ready for check, flow and compare, --framework {name}")
        else:
            missing = True
            print(f"  {WITNESSES[name].title} is missing: {WITNESSES[name].install}")
    both_missing = not any(importlib.util.find_spec(name) for name in ("torch", "tensorflow"))
    if missing and both_missing:
        raise typer.Exit(ExitCode.NO_VERDICT)


def _version(name: str) -> str:
    for distribution in (name, f"{name}-cpu", f"{name}_cpu"):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "(version unknown)"
