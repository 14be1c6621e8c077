"""``gradtool ops``, ``gradtool rule``, ``gradtool doctor``: what there is to look up."""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from typing import Annotated

import typer

from gradtool import __version__
from gradtool.cli.guard import guarded
from gradtool.problem import ExitCode, Problem, ProblemError
from gradtool.target.operations import ALIASES, OPERATIONS, Operation, operation
from gradtool.target.syntax import suggestion
from gradtool.terminal import terminal_for
from gradtool.verdict.record import WORDS
from gradtool.verdict.rules import RULES
from gradtool.witness.host import WITNESSES

__all__ = ["doctor", "ops", "rule"]


def ops(
    name: Annotated[str, typer.Argument(help="One operation; without it, all of them.", show_default=False)] = "",
) -> None:
    """The operations that an expression may hold: what they compute, where, and how each witness runs them.

    gradtool ops

    gradtool ops softplus
    """
    with guarded(debug=False):
        if not name:
            _all_operations()
            return
        row = operation(name) or next((r for r in OPERATIONS.values() if name in (r.operator, _signature(r))), None)
        if row is None:
            near = suggestion(name, [*OPERATIONS, *ALIASES])
            hint = f"did you mean {near}?" if near else "gradtool ops lists them all"
            raise ProblemError(Problem("ops", f"there is no operation called {name}", hint=hint))
        _one_operation(row)


def _all_operations() -> None:
    groups = dict.fromkeys(row.group for row in OPERATIONS.values())
    for group in groups:
        print(f"{group}:")
        for row in OPERATIONS.values():
            if row.group == group:
                print(f"  {_signature(row):24}{row.doc}")


def _signature(row: Operation) -> str:
    if row.operator:
        return " ".join([row.operator, *row.parameters] if len(row.parameters) == 1 else [
            row.parameters[0], row.operator, row.parameters[1]
        ])  # fmt: skip
    return f"{row.name}({', '.join(row.parameters)}{', ...' if row.variadic else ''})"


def _one_operation(row: Operation) -> None:
    print(f"{_signature(row)}: {row.doc}")
    facts = [
        ("also called", ", ".join(row.aliases)),
        ("defined where", row.domain or "everywhere"),
        ("kinks where", " or ".join(f"{kink} = 0" for kink in row.kinks)),
        *((f"derivative by {p}", text) for p, text in zip(row.parameters, row.derivatives, strict=False)),
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


def rule(
    code: Annotated[str, typer.Argument(help="A code such as GT002, or a verdict; without it, all.")] = "",
) -> None:
    """What a finding means, why it matters and what to do.

    gradtool rule

    gradtool rule GT002
    """
    with guarded(debug=False):
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


def doctor() -> None:
    """Which frameworks are installed, in which versions, and the pip line for what is missing."""
    with guarded(debug=False):
        _diagnose()


def _diagnose() -> None:
    import platform  # noqa: PLC0415  # only here, and not before a check has started

    print(f"gradtool {__version__}, Python {platform.python_version()}, {platform.platform()}")
    print(f"  interpreter: {sys.executable}")
    missing = False
    for package in ("typer", "rich", "numpy", "sympy", "mpmath"):
        print(f"  {package} {_version(package)}")
    for name in ("torch", "tensorflow"):
        if importlib.util.find_spec(name):
            print(f"  {WITNESSES[name].title} {_version(name)}: ready for gradtool check --framework {name}")
        else:
            missing = True
            print(f"  {WITNESSES[name].title} is missing: {WITNESSES[name].install}")
    both_missing = not any(importlib.util.find_spec(name) for name in ("torch", "tensorflow"))
    if missing and both_missing:
        raise typer.Exit(ExitCode.NO_VERDICT)


def _version(name: str) -> str:
    import importlib.metadata  # noqa: PLC0415  # likewise

    for distribution in (name, f"{name}-cpu", f"{name}_cpu"):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "(version unknown)"
