"""Where a report goes and how it is written; and the commands that look things up."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from gradtool import __version__
from gradtool.cli import files
from gradtool.cli import run as running
from gradtool.target.operations import ALIASES, OPERATIONS
from gradtool.verdict.compare.record import WORDS as COMPARE_WORDS
from gradtool.verdict.record import WORDS
from gradtool.verdict.rules import RULES

CHECK = ("check", "x**2", "--at", "x=3")


def test_json_is_short_for_format_json(cli: Any) -> None:
    short, long = cli(*CHECK, "--json").json, cli(*CHECK, "--format", "json").json
    assert {**short, "seconds": 0} == {**long, "seconds": 0}


@pytest.mark.parametrize(
    ("form", "begins"), [("table", "x**2\n"), ("json", "{"), ("jsonl", '{"schema"'), ("markdown", "## `x**2`\n")]
)
def test_a_report_goes_to_a_file(cli: Any, tmp_path: Path, form: str, begins: str) -> None:
    path = tmp_path / "report"
    for option in ("-o", "--output"):
        run = cli(*CHECK, "--format", form, option, str(path))
        assert (run.code, run.out, run.err) == (0, "", "")
        assert path.read_text(encoding="utf-8").startswith(begins)
        assert "verified" in path.read_text(encoding="utf-8")


OUTPUTS = {
    "-o": (*CHECK, "-o", "report.txt"),
    "--plot": ("check", "x**2", "--at", "x=0:1:5", "--plot", "sweep.svg"),
    "--graph": (*CHECK, "--graph", "chain.dot"),
}
"""A command for each file that can be written, its name last."""


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a witness was asked")

    monkeypatch.setattr(running.pipeline, "check", refuse)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("option", OUTPUTS)
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("missing folder", "there is no folder"),
        ("folder", "it is a folder"),
        ("protected", "it is write-protected"),
        ("protected folder", "it is write-protected"),
    ],
)
def test_a_file_that_cannot_be_written_is_said_before_anything_runs(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, kind: str, why: str
) -> None:
    *command, name = OUTPUTS[option]
    path = tmp_path / "none" / name if kind == "missing folder" else tmp_path / name
    if kind == "folder":
        path.mkdir()
    if kind == "protected":
        path.write_text("older", encoding="utf-8")
    if kind.startswith("protected"):  # stood in for: root may write everywhere
        closed = tmp_path if kind == "protected folder" else path
        monkeypatch.setattr(files.os, "access", lambda place, mode: Path(place) != closed or mode != files.os.W_OK)
    run = cli(*command, str(path))
    told = " ".join(run.err.split())
    assert (run.code, run.out) == (2, "")
    assert f"can't be written: {why}" in told
    assert "^^^" in told
    assert "hint:" in told
    assert kind != "protected" or path.read_text(encoding="utf-8") == "older"


def test_a_mistake_leaves_an_older_report_alone(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("older", encoding="utf-8")
    assert cli("check", "x^2", "-o", str(path)).code == 2
    assert path.read_text(encoding="utf-8") == "older"


@pytest.mark.parametrize(
    ("option", "environment", "coloured"),
    [
        ("auto", {}, False),
        ("never", {"FORCE_COLOR": "1"}, False),
        ("always", {"NO_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_asked_for_by_option_before_environment(
    cli: Any, monkeypatch: pytest.MonkeyPatch, option: str, environment: dict[str, str], coloured: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in cli(*CHECK, "--color", option).out) == coloured


@pytest.mark.parametrize("width", ["40", "120"])
def test_the_width_is_that_of_columns(cli: Any, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = cli("check", "tanh(x)*exp(y)", "--at", "x=0.3,y=0.7").out.splitlines()
    assert 30 < max(map(len, lines)) <= int(width)


def test_an_error_has_what_where_why_and_hint_on_stderr(cli: Any) -> None:
    run = cli("check", "2*sni(x)", "--at", "x=1")
    assert (run.code, run.out) == (2, "")
    assert run.err == ("error: there is no function called sni\n    2*sni(x)\n      ^^^\n  hint: did you mean sin?\n")


def test_a_traceback_is_shown_with_debug_only(cli: Any) -> None:
    assert "Traceback" not in cli("check", "x^2").err
    assert "Traceback" in cli("check", "x^2", "--debug").err


@pytest.mark.parametrize(
    "arguments", [(), ("-h",), ("--help",), ("check", "-h"), ("check", "--help"), ("check",)], ids=str
)
def test_help_is_there(cli: Any, arguments: tuple[str, ...]) -> None:
    run = cli(*arguments)
    assert run.code == (0 if arguments and arguments[-1].startswith("-") else 2)
    assert "Usage:" in run.out + run.err
    if arguments[:1] == ("check",):
        words = (run.out + run.err).replace("│", " ")
        for option in ("--at", "--wrt", "--framework", "--dtype", "--seed", "--timeout", "--strict", "--exit-zero"):
            assert option in words
        assert "gradtool check" in words
        assert "Exit codes" in words


UNSTABLE = ("check", "log(1 + exp(x))", "--at", "x=1000")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("ops",), 0),
        (("rule",), 0),
        (("doctor",), 0),
        (CHECK, 0),
        (UNSTABLE, 1),
        (("check", "log(1 + exp(x))", "--at", "x=0:1000:5", "--plot", "-"), 1),
        (("check", "log(1 + exp(x))", "--at", "x=0:1000:5", "--format", "jsonl"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_closed_pipe_is_quiet_and_changes_no_exit_code(arguments: tuple[str, ...], code: int) -> None:
    """As in gradtool ops | head -1: the reader has gone. Of a sweep the first points are verified, the last is not."""
    command = [sys.executable, "-m", "gradtool", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # a process of its own
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait()) == (b"", code)


def test_version(cli: Any) -> None:
    run = cli("--version")
    assert (run.code, run.out) == (0, f"gradtool {__version__}\n")
    assert version("gradtool") == __version__


def test_ops_lists_every_operation(cli: Any) -> None:
    run = cli("ops")
    assert (run.code, run.err) == (0, "")
    for row in OPERATIONS.values():
        assert (row.doc in run.out) != row.hidden


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("softplus", ["softplus(x)", "torch.nn.functional.softplus(x)", "tf.math.softplus(x)", "known deviation"]),
        ("arcsin", ["asin(x)", "also called: arcsin", "-1 <= x and x <= 1"]),
        ("**", ["x ** y", "torch.pow(x, y)"]),
        ("max", ["max(x, y, ...)", "kinks where: x - y = 0"]),
        ("cbrt", ["no native function", "sign(x)*abs(x)**(1/3)"]),
    ],
)
def test_ops_tells_about_one_operation(cli: Any, name: str, parts: list[str]) -> None:
    """By its name, an alias or its operator."""
    run = cli("ops", name)
    assert run.code == 0
    assert [part for part in parts if part not in run.out] == []


@pytest.mark.parametrize("name", [*(name for name, row in OPERATIONS.items() if not row.hidden), *ALIASES])
def test_ops_knows_every_name(cli: Any, name: str) -> None:
    run = cli("ops", name)
    assert run.code == 0
    assert not set("{}") & set(run.out)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("ops", "softpluss"), "did you mean softplus?"),
        (("ops", "arcsine"), "did you mean arcsin?"),
        (("ops", "zzzz"), "gradtool ops lists them all"),
        (("rule", "GT0020"), "did you mean GT020?"),
        (("rule", "wrong-gradiant"), "did you mean wrong-gradient?"),
        (("rule", "unstabel"), "did you mean unstable?"),
        (("rule", "zzzz"), "gradtool rule lists them all"),
    ],
    ids=" ".join,
)
def test_an_unknown_name_gets_the_nearest_one(cli: Any, arguments: tuple[str, ...], hint: str) -> None:
    run = cli(*arguments)
    assert (run.code, run.out) == (2, "")
    assert f"hint: {hint}" in run.err


def test_rule_lists_and_explains(cli: Any) -> None:
    listing = cli("rule").out.splitlines()
    assert [line.split()[0] for line in listing] == list(RULES)
    for row in RULES.values():
        explained = [cli("rule", word) for word in (row.code, row.code.lower(), row.name)]
        assert {(run.code, run.out) for run in explained} == {(0, explained[0].out)}
        told = " ".join(explained[0].out.split())
        assert all(text in told for text in (row.code, row.severity, row.title, row.why, row.remedy))


@pytest.mark.parametrize("word", COMPARE_WORDS)
def test_rule_explains_every_verdict_of_a_comparison(cli: Any, word: str) -> None:
    run = cli("rule", word)
    assert run.code == 0
    assert {**COMPARE_WORDS, **WORDS}[word].lower() in run.out.lower()


@pytest.mark.parametrize("word", WORDS)
def test_rule_explains_every_verdict(cli: Any, word: str) -> None:
    run = cli("rule", word)
    assert run.code == 0
    assert WORDS[word].lower() in run.out.lower()


def test_doctor_names_versions(cli: Any) -> None:
    run = cli("doctor")
    assert run.code == 0
    for name in ("torch", "sympy", "mpmath", "numpy"):
        assert version(name).split("+")[0] in run.out
    assert "ready for check, flow and compare, --framework torch" in run.out
    assert "ready for check, flow and compare, --framework tensorflow" in run.out
