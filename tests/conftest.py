"""Witnesses that stay warm for the whole session, and the command line run in this process against them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gradtool.cli.app import app
from gradtool.pipeline import check as pipeline
from gradtool.pipeline import compare as comparing
from gradtool.settings import CheckSettings
from gradtool.target.suite import Target, Unreadable, read_line
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.record import CheckRecord
from gradtool.witness.host import MODEL_WITNESSES, Host

FRAMEWORKS = ("torch", "tensorflow")
CORPUS = Path(__file__).parent / "corpus"


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """One process for each witness, started once."""
    with Host(["torch", "tensorflow", "symbolic"], timeout=120) as witnesses:
        yield witnesses


@pytest.fixture(scope="session")
def torch_models() -> Iterator[Host]:
    """PyTorch's witness of models, started once."""
    with Host(["torch"], timeout=120, registry=MODEL_WITNESSES) as witnesses:
        yield witnesses


Checker = Callable[..., list[CheckRecord]]


@pytest.fixture(scope="session")
def check(host: Host) -> Checker:
    """check(lines, framework=..., dtype=..., ...): the records of a suite, by the warm witnesses."""

    def run(lines: Sequence[str | dict[str, Any]], **options: Any) -> list[CheckRecord]:
        settings = CheckSettings(**{"framework": "torch", **options})
        return list(pipeline.check(_targets(lines, settings), settings, host))

    return run


def _targets(lines: Sequence[str | dict[str, Any]], settings: CheckSettings) -> list[Target | Unreadable]:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return [read_line(text, f"line:{number}", settings) for number, text in enumerate(texts, 1)]


Comparer = Callable[..., list[CompareRecord]]


@pytest.fixture(scope="session")
def compare(host: Host) -> Comparer:
    """compare(lines, dtype=..., ...): the records of a suite, by both warm frameworks."""

    def run(lines: Sequence[str | dict[str, Any]], **options: Any) -> list[CompareRecord]:
        settings = CheckSettings(**options)
        return list(comparing.compare(_targets(lines, settings), settings, host))

    return run


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class _Kept:
    """The warm witnesses where a command would start its own; leaving it leaves them alive."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def __enter__(self) -> Host:
        return self.host

    def __exit__(self, *_: object) -> None:
        pass


Cli = Callable[..., Run]


@pytest.fixture
def cli(host: Host, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """cli("check", "x**2", "--at", "x=3"): exit code, stdout and stderr of a command in this process."""
    for module in (pipeline, comparing):
        monkeypatch.setattr(module, "open_witnesses", lambda _settings: _Kept(host))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*arguments: str, stdin: str | None = None) -> Run:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        return Run(result.exit_code, result.stdout, result.stderr)

    return run


def corpus(name: str) -> list[dict[str, Any]]:
    """The rows of a file of tests/corpus."""
    return [json.loads(line) for line in (CORPUS / name).read_text(encoding="utf-8").splitlines()]
