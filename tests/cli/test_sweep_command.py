"""Sweeps and pictures on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SOFTPLUS = ("check", "log(1 + exp(x))", "--at", "x=-1000:1000:41")


def test_a_sweep_is_told_in_stretches(cli: Any) -> None:
    run = cli(*SOFTPLUS)
    assert run.code == 1
    assert "41 points, x in [-1000, 1000]: 6 unstable, 35 verified" in run.out
    assert "x in [750, 1000] unstable, 6 points" in run.out
    told = " ".join(run.out.split())
    assert "write softplus(x) instead of log(1 + exp(x)): verified at all of these 6 points" in told


def test_json_lines_hold_one_record_a_point(cli: Any) -> None:
    run = cli(*SOFTPLUS, "--format", "jsonl")
    records = [json.loads(line) for line in run.out.splitlines()]
    assert [record["point"]["x"] for record in records] == [-1000 + 50 * place for place in range(41)]
    assert [record["verdict"] for record in records] == ["verified"] * 35 + ["unstable"] * 6


def test_two_swept_variables_make_every_combination(cli: Any) -> None:
    run = cli("check", "abs(x)*y", "--at", "x=-1:1:3,y=0:1:2", "--format", "jsonl", "--exit-zero")
    records = [json.loads(line) for line in run.out.splitlines()]
    points = [(record["point"]["x"], record["point"]["y"]) for record in records]
    assert points == [(-1, 0), (-1, 1), (0, 0), (0, 1), (1, 0), (1, 1)]
    verdicts = [record["verdict"] for record in records]
    assert verdicts == ["verified", "verified", "verified", "not_differentiable", "verified", "verified"]


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_picture_is_drawn_to_a_file_beside_the_report(cli: Any, tmp_path: Path, suffix: str, magic: bytes) -> None:
    path = tmp_path / f"sweep.{suffix}"
    run = cli("check", "abs(x)", "--at", "x=-1:1:9", "--plot", str(path))
    assert "9 points" in run.out
    assert path.read_bytes().startswith(magic)


def test_a_picture_in_the_terminal_fits_it(cli: Any) -> None:
    run = cli("check", "sin(x)/x", "--at", "x=-6:6:25", "--plot", "-")
    assert "error in ulp" in run.out
    assert max(map(len, run.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x**2", "--at", "x=1", "--plot", "a.png"), "one expression at many points"),
        (("x**2", "--plot", "a.png"), "one expression at many points"),
        (("x**2", "--at", "x=0:1:5", "--plot", "a.pdf"), ".png or a .svg"),
        (("x**2", "--at", "x=0:1:5", "--plot", "-", "--json"), "not into json"),
        (("x**2", "--at", "x=0:1:5", "--plot", "/nowhere/a.png"), "can't be written"),
        (("x*y", "--at", "x=0:1:500,y=0:1:500"), "250000 points together"),
        (("x", "--at", "x=0:1"), "a start, a stop and a number of points"),
        (("x", "--at", "x=1:1:5"), "two different finite numbers"),
    ],
)
def test_what_can_not_be_drawn_or_swept_is_said(cli: Any, arguments: tuple[str, ...], said: str) -> None:
    run = cli("check", *arguments)
    assert run.code == 2
    assert said in run.err
