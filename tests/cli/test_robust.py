"""What a hostile user tried once: each of these broke something."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradtool.cli import targets as reading
from gradtool.pipeline import check as pipeline
from gradtool.witness.host import WITNESSES, Host, Witness

Cli = Callable[..., Any]


def entry(cli: Cli, expression: str, point: str, *options: str) -> dict[str, Any]:
    record = cli("check", expression, "--at", point, "--json", *options).json
    return {"failures": record["failures"], **record["gradients"][0]}


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_an_expression(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "suite.txt").write_bytes(b"\xef\xbb\xbfx**2\r\nsin(x)\r\n")
    assert cli("check", f"@{tmp_path / 'suite.txt'}", "--at", "x=2").code == 0


def test_a_binary_file_is_told_once(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "suite.txt").write_bytes(bytes(range(256)) * 10)
    done = cli("check", f"@{tmp_path / 'suite.txt'}")
    assert (done.code, done.err.count("error:")) == (2, 1)
    assert "is not UTF-8 text" in " ".join(done.err.split())


@pytest.mark.parametrize("content", [b"x**2\n" * 100_001, b"x" * (reading.MAX_SUITE + 1)], ids=["lines", "bytes"])
def test_a_suite_beyond_all_bounds_is_refused_at_once(cli: Cli, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "suite.txt").write_bytes(content)
    done = cli("check", f"@{tmp_path / 'suite.txt'}")
    assert done.code == 2
    assert "too large for one run" in " ".join(done.err.split())


def test_markdown_has_lines(cli: Cli) -> None:
    lines = cli("check", "x", "--at", "x=1", "--format", "markdown").out.splitlines()
    assert lines[0] == "## `x`"
    assert "|---|---|---|---|---|---|---|" in lines


def test_two_formats_at_once_are_refused(cli: Cli) -> None:
    assert cli("check", "x", "--at", "x=1", "--json", "--format", "markdown").code == 2


@pytest.mark.parametrize("seconds", ["inf", "nan", "0", "-1", "1e30"])
def test_a_deadline_that_is_none_is_a_usage_error(cli: Cli, seconds: str) -> None:
    assert cli("check", "x", "--at", "x=1", "--timeout", seconds).code == 2


def test_a_clip_of_a_constant_works_in_tensorflow(cli: Cli) -> None:
    """tf.clip_by_value does not broadcast its first argument to the points of a finite difference."""
    found = entry(cli, "clip(0, x, 1)", "x=-1", "--framework", "tensorflow")
    assert (found["failures"], found["verdict"], found["autodiff"]) == ([], "verified", 0.0)


def test_a_subnormal_that_is_correctly_rounded_is_verified(cli: Cli) -> None:
    """exp(-100) is 3.7200759760208e-44, and float32 has numbers 1.4e-45 apart there."""
    found = entry(cli, "exp(x)", "x=-100", "--dtype", "float32")
    assert found["verdict"] == "verified"
    assert found["autodiff"] == pytest.approx(math.exp(-100), abs=1.4e-45)


def test_a_domain_is_told_in_the_users_words(cli: Cli) -> None:
    assert "needs x != 0, and here y = 3, x = 0" in entry(cli, "y/x", "x=0,y=3")["reason"]


def test_an_internal_operation_is_told_by_the_name_the_user_wrote(cli: Cli) -> None:
    """PyTorch has no cbrt and runs sign(x)*abs(x)**(1/3) for it."""
    assert "a vertical tangent of cbrt" in entry(cli, "cbrt(x)", "x=0")["reason"]


def test_a_large_number_stands_on_a_jump_too(cli: Cli) -> None:
    assert entry(cli, "floor(x)", "x=1e100")["verdict"] == "not_differentiable"


@pytest.mark.parametrize(
    ("expression", "point", "framework"),
    [
        ("asinh(x)", "x=1e50", "tensorflow"),
        ("acosh(abs(x) + 1)", "x=1e10", "tensorflow"),
        ("hypot(x, x)", "x=1e-310", "torch"),
    ],
)
def test_the_last_digits_of_a_sensible_backward_are_not_called_wrong(
    cli: Cli, expression: str, point: str, framework: str
) -> None:
    assert entry(cli, expression, point, "--framework", framework)["verdict"] == "verified"


@pytest.mark.parametrize(
    ("expression", "point", "framework"),
    [
        ("asinh(x)", "x=1e160", "torch"),
        ("atan2(y, x)", "y=1e200,x=1e200", "torch"),
        ("max(x, 0)", "x=-1e-310", "tensorflow"),
    ],
)
def test_overflow_and_flushed_subnormals_inside_a_backward_are_unstable(
    cli: Cli, expression: str, point: str, framework: str
) -> None:
    assert entry(cli, expression, point, "--framework", framework)["verdict"] == "unstable"


def test_a_failed_witness_is_in_the_last_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = {**WITNESSES, "symbolic": Witness("no_such_module", "the symbolic witness")}
    monkeypatch.setattr(pipeline, "open_witnesses", lambda _: Host(["torch", "symbolic"], 60, registry))
    done = cli("check", "x**2", "--at", "x=3")
    assert done.code == 3
    assert "1 without all the evidence" in " ".join(done.out.split())
