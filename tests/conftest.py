"""Witnesses that stay warm for the whole session, and the command line run in this process against them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from printed import Printers
from typer.testing import CliRunner

from gradtool.cli.app import app
from gradtool.pipeline import check as pipeline
from gradtool.pipeline import check_callables as checking_callables
from gradtool.pipeline import compare as comparing
from gradtool.pipeline import compare_models as comparing_models
from gradtool.pipeline.flow import flow, requested
from gradtool.settings import CheckSettings, FlowSettings
from gradtool.target.model_file import read_model_file
from gradtool.target.suite import Target, Unreadable, read_line
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.flow.record import FlowRecord
from gradtool.verdict.record import CheckRecord
from gradtool.witness.host import CALLABLE_WITNESSES, MODEL_WITNESSES, PAIR_WITNESSES, Host

# Beside another busy process the threads of one model wait for each other, and models take twice as long and more.
for _threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_threads, "1")


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """One process for each witness, started once."""
    with Host(["torch", "tensorflow", "symbolic"], timeout=120) as witnesses:
        yield witnesses


@pytest.fixture(scope="session")
def torch_models() -> Iterator[Host]:
    """PyTorch's witness of models, started once."""
    with Host(["torch"], timeout=200, registry=MODEL_WITNESSES) as witnesses:
        yield witnesses


@pytest.fixture(scope="session")
def tensorflow_models() -> Iterator[Host]:
    """TensorFlow's witness of models, started once, as its users run it.

    Test files that draw shapes in this very process switch oneDNN off for it, and a worker must not inherit that.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
        witnesses = Host(["tensorflow"], timeout=200, registry=MODEL_WITNESSES)
    with witnesses:
        yield witnesses


@pytest.fixture(scope="session")
def torch_callables() -> Iterator[Host]:
    """PyTorch's witness of callables and the symbolic one, started once."""
    with Host(["torch", "symbolic"], timeout=200, registry=CALLABLE_WITNESSES) as witnesses:
        yield witnesses


@pytest.fixture(scope="session")
def tensorflow_callables() -> Iterator[Host]:
    """TensorFlow's witness of callables and the symbolic one, started once."""
    with Host(["tensorflow", "symbolic"], timeout=200, registry=CALLABLE_WITNESSES) as witnesses:
        yield witnesses


@pytest.fixture(scope="session")
def workers() -> Iterator[Host]:
    """Both sides of two models and the room that compares, started once."""
    with Host(["torch", "keras", "pairing"], timeout=120, registry=PAIR_WITNESSES) as host:
        yield host


@pytest.fixture(scope="session")
def printers() -> Iterator[Printers]:
    """Who runs printed programs, with a framework that was imported once."""
    with Printers() as processes:
        yield processes


Looked = Callable[..., FlowRecord]


@pytest.fixture(scope="session")
def looked(torch_models: Host, tensorflow_models: Host) -> Looked:
    """looked(target, framework, train=..., ...): what flow finds in FILE.py or FILE.py:NAME, by the warm witnesses."""
    models = {"torch": torch_models, "tensorflow": tensorflow_models}

    def look(target: str | Path, framework: str, **options: Any) -> FlowRecord:
        settings = FlowSettings(framework=framework, **options)
        file = read_model_file(str(target))
        return flow(str(target), requested(file, framework, settings), settings, models[framework])

    return look


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
def cli(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Cli:
    """cli("check", "x**2", "--at", "x=3"): exit code, stdout and stderr of a command in this process."""
    for module in (pipeline, comparing):
        monkeypatch.setattr(module, "open_witnesses", lambda _settings: _Kept(request.getfixturevalue("host")))
    monkeypatch.setattr(
        checking_callables,
        "open_witnesses",
        lambda framework, *_: _Kept(request.getfixturevalue(f"{framework}_callables")),
    )
    monkeypatch.setattr(comparing_models, "open_pair", lambda *_: _Kept(request.getfixturevalue("workers")))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*arguments: str, stdin: str | None = None) -> Run:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        return Run(result.exit_code, result.stdout, result.stderr)

    return run
