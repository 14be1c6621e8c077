"""``gradtool check FILE.py:NAME`` names the line on which a gradient is lost; the line carries ``# <- here``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gradtool.cli.app import app

TORCH = {
    "detached": (
        "none", "detach",
        """\
import torch
def f(x):
    p = torch.sigmoid(x)
    q = p.detach()  # <- here
    return (q * 2).sum()
""",
    ),
    "numpy": (
        "none", "numpy",
        """\
import torch
def double(x):
    return torch.from_numpy(2 * x.detach().numpy())  # <- here
def f(x):
    return double(x).sum()
""",
    ),
    "a part alone": (
        "cut", "detach",
        """\
import torch
def f(x):
    y = (x**2).detach() + x  # <- here
    return y.sum()
""",
    ),
}  # fmt: skip

HEALTHY = {
    "torch": """\
import torch
def f(x):
    with torch.no_grad():
        scale = torch.ones(3, dtype=x.dtype)
    return (torch.sigmoid(x) * scale.detach()).sum()
""",
}


def records(folder: Path, text: str, *options: str) -> list[dict[str, object]]:
    path = folder / "ops.py"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["check", f"{path}:f", "--format", "json", *options])
    found = json.loads(result.stdout)
    return found if isinstance(found, list) else [found]


def causes(folder: Path, text: str, *options: str) -> list[dict[str, object]]:
    """Those of every finding."""
    return [one["cause"] for record in records(folder, text, *options) for one in record["findings"] if "cause" in one]  # type: ignore[attr-defined,index]


@pytest.mark.parametrize("name", TORCH)
def test_the_kind_and_the_line(name: str, tmp_path: Path) -> None:
    fate, kind, text = TORCH[name]
    number = next(place for place, line in enumerate(text.splitlines(), 1) if "# <- here" in line)
    found = causes(tmp_path, text, "--framework", "torch")
    assert [(one["fate"], one["kind"], one["line"]["source"]) for one in found] == [(fate, kind, f"ops.py:{number}")]  # type: ignore[index]
    assert found[0]["parameters"] == ["x"]


def test_where_all_is_in_order_nothing_is_blamed(tmp_path: Path) -> None:
    assert causes(tmp_path, HEALTHY["torch"], "--framework", "torch") == []
