"""``gradtool compare`` with ``--code``, ``--modes`` and ``--timing``: what is told, and what can't be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import gradtool.report.compare
from gradtool.evidence import Failure, MeasureRequest, Mode, Request, Timed
from gradtool.pipeline import compare as pipeline
from gradtool.report.programs.idioms import IDIOMS, idiom
from gradtool.report.programs.pair import programs
from gradtool.witness.host import Host

Cli = Callable[..., Any]
SCHEMA = json.loads(
    (Path(gradtool.report.compare.__file__).parent / "compare-1.0.schema.json").read_text(encoding="utf-8")
)
ASKED = ("compare", "x**2 * sin(y)", "--at", "x=2,y=3")
PAIR = programs(Request(0, "x**2 * sin(y)", {"x": 2.0, "y": 3.0}, ["x", "y"], "torch"))


def test_code_shows_the_programs_of_the_very_point_behind_the_comparison(cli: Cli) -> None:
    run = cli(*ASKED, "--code")
    assert run.code == 0
    report, _, rest = run.out.partition(" s)\n\n")
    assert report.splitlines()[-1].startswith("✓ 2 gradient entries")
    assert rest == f"# PyTorch\n{PAIR['torch']}\n# TensorFlow\n{PAIR['tensorflow']}"


def test_code_in_json_and_markdown(cli: Cli, tmp_path: Path) -> None:
    record = cli(*ASKED, "--code", "--json").json
    jsonschema.validate(record, SCHEMA)
    assert record["code"] == PAIR
    assert (record["modes"], record["timing"]) == (None, None)
    assert record["command"].endswith(" --code")
    path = tmp_path / "report.md"
    cli(*ASKED, "--code", "--format", "markdown", "-o", str(path))
    text = path.read_text(encoding="utf-8")
    assert text.endswith(f"```python\n{PAIR['tensorflow']}```\n")
    assert f"```python\n{PAIR['torch']}```\n" in text


def test_without_the_options_nothing_of_it_is_there(cli: Cli) -> None:
    record = cli(*ASKED, "--json").json
    assert [record[key] for key in ("code", "modes", "timing")] == [None, None, None]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sin(x)", "--code"), "--code needs a point"),
        (("x**2", "--at", "x=0:1:3", "--code"), "--code tells one point, and there are 3"),
        (("x**2", "--at", "x=0:1:3", "--modes"), "--modes tells one point, and there are 3"),
        (("@examples/differences.txt", "--timing"), "--timing tells one expression, no suite"),
        (("x**2", "--at", "x=1", "--modes", "--hessian"), "--modes is about the gradient"),
        (("x**2", "--at", "x=1", "--code", "--frameworks", "torch"), "--code tells both frameworks"),
        (("traning_step", "--code"), "there is no idiom traning_step"),
        (("clipping", "--code", "--at", "x=1"), "--at goes with an expression, and clipping is an idiom"),
        (("training_step", "--code", "--json"), "of the idiom training_step there are two programs and no more"),
        (("sum(x)", "--at", "x=zeros(2000)", "--code"), "the point has 2000 numbers"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_told_is_refused_before_any_work(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    def no_work(_: Any) -> Any:
        raise AssertionError("a witness was asked")

    monkeypatch.setattr(pipeline, "open_witnesses", no_work)
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    run = cli("compare", *arguments)
    assert (run.code, run.out) == (2, "")
    assert told in " ".join(run.err.split())


def test_a_wrong_idiom_names_those_that_are(cli: Cli) -> None:
    told = cli("compare", "clip", "--code").err
    assert all(name in told for name in IDIOMS)


@pytest.mark.parametrize("name", IDIOMS)
def test_an_idiom_is_two_programs(cli: Cli, name: str) -> None:
    run = cli("compare", name, "--code")
    torch, tensorflow = idiom(name).values()
    assert (run.code, run.out) == (0, f"# PyTorch\n{torch}\n# TensorFlow\n{tensorflow}")
    markdown = cli("compare", name, "--code", "--format", "markdown").out
    assert markdown.startswith(f"## {IDIOMS[name]}\n\n### PyTorch\n\n```python\n")


def test_with_a_value_the_name_of_an_idiom_is_a_variable(cli: Cli) -> None:
    assert "clipping = 2" in cli("compare", "clipping", "--at", "clipping=2", "--code").out


# ---- modes and times, with answers made by hand in place of the frameworks'

TIMES = {"median": 1e-5, "low": 9e-6, "high": 1.2e-5, "runs": 500, "first": 2.5}


def answered(slope: float, *rest: Any) -> list[Any]:
    """What a framework answers: reverse mode gives 6 for x**2 at 3, the compiled mode ``slope``."""
    from gradtool.evidence import Spread  # noqa: PLC0415  # only here

    time = Spread(**TIMES)
    rows = [
        Mode(0, "torch", "2", mode, f"by {mode}", 9.0, {"x": number}, ulp=0.0, ulp_of_largest=0.0, time=time, peak=2048)
        for mode, number in (("reverse", 6.0), ("compiled", slope))
    ]
    times = [Timed(0, "torch", "2", work, "eager", "PyTorch", time) for work in ("value", "gradient", "formula")]
    return [*rows, *times, *rest]


@pytest.fixture
def measuring(cli: Cli, host: Host, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """measuring(answers of torch, ...): the command, where measures are answered by hand and all else by the host."""

    def run(torch: list[Any], *arguments: str) -> Any:
        ask = host.ask

        def asked(name: str, requests: Any) -> Iterator[list[Any]]:
            requests = list(requests)
            if any(isinstance(one, MeasureRequest) for one in requests):
                return iter([torch if name == "torch" else answered(6.0)])
            return ask(name, requests)

        monkeypatch.setattr(host, "ask", asked)
        return cli("compare", "x**2", "--at", "x=3", "--modes", "--timing", *arguments)

    return run


def test_modes_that_agree_and_times_are_tables(measuring: Callable[..., Any]) -> None:
    run = measuring(answered(6.0))
    told = " ".join(run.out.split())
    assert run.code == 0
    for part in ("The gradient by every mode of PyTorch", "The gradient by every mode of TensorFlow",
                 "Times of PyTorch", "10.0 µs ± 1.50 µs", "2.50 s", "2.05 kB", "9.00 µs to 12.0 µs", "1.00", "500",
                 "autodiff takes 10.0 µs, the derivative written by hand 10.0 µs: 1.0 times as much"):  # fmt: skip
        assert part in told, part


@pytest.mark.parametrize("arguments", [(), ("--format", "markdown")], ids=["table", "markdown"])
def test_a_planted_fault_in_a_mode_is_a_finding_and_exit_code_1(
    measuring: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    run = measuring(answered(6.000006), *arguments)
    told = " ".join(run.out.replace("\\", "").split())
    assert run.code == 1
    assert "error GT301 compiled: by compiled gives 6.000006 for the derivative by x, reverse mode 6.0" in told
    assert told.count("GT301") == 1
    assert "✓" not in told


def test_a_planted_fault_in_json(measuring: Callable[..., Any]) -> None:
    record = measuring(answered(6.000006), "--json").json
    jsonschema.validate(record, SCHEMA)
    assert [one["verdict"] for one in record["modes"]["torch"]] == ["reference", "differs"]
    assert [one["verdict"] for one in record["modes"]["tensorflow"]] == ["reference", "agrees"]
    assert [one["code"] for one in record["sides"]["torch"]["findings"]] == ["GT301"]
    assert record["sides"]["tensorflow"]["findings"] == []
    assert record["timing"]["torch"][0]["time"] == TIMES
    assert record["command"].endswith(" --modes --timing")


def test_a_framework_that_is_stopped_keeps_what_it_has(measuring: Callable[..., Any]) -> None:
    message = "PyTorch gave no answer within 1 s, running torch.compile, and was stopped"
    run = measuring([*answered(6.0)[:1], Failure(0, "torch", "timeout", message)])
    told = " ".join(run.out.split())
    assert run.code == 3
    assert f"no evidence: {message}" in told
    assert "The gradient by every mode of PyTorch" in told
    assert "Times of TensorFlow" in told


@pytest.mark.parametrize("width", ["40", "80", "120"])
def test_nothing_is_cut_at_any_width(
    measuring: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    run = measuring(answered(7.0))
    assert max(map(len, run.out.splitlines())) <= int(width)
    assert "…" not in run.out
    for part in ("by compiled", "10.0 µs ± 1.50 µs", "9.00 µs to 12.0 µs", "2.50 s", "differs"):
        assert part in run.out
