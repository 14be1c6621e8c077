"""gradtool check on examples/callables says of each file what the file's own text says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import FRAMEWORKS

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "callables"

BROKEN: dict[str, tuple[str, set[str], set[str]]] = {
    "custom_relu": ("wrong", {"x[0]", "x[1]"}, {"GT001"}),
    "rounding": ("wrong", {"x[0]", "x[1]", "x[2]"}, {"GT001"}),
    "straight_through": ("not judged", set(), {"GT201", "GT232"}),
    "multiply": ("wrong", {"x", "y"}, {"GT001"}),
    "relu_at_zero": ("wrong", {"x[1]"}, {"GT001", "GT233"}),
    "softmax_cross_entropy": (
        "wrong",
        {f"logits[{row},{column}]" for row in range(4) for column in range(3)},
        {"GT001", "GT230"},
    ),
    "layer_norm": ("wrong", {f"x[{row},{column}]" for row in range(2) for column in range(4)}, {"GT001"}),
    "log_sum_exp": ("wrong", {"x[1]"}, {"GT001"}),
    "scaled_linear": ("wrong", {"scale"}, {"GT001"}),
}
"""Of every broken twin its verdict, the entries that have it, and its findings."""

HEALTHY = {"relu_at_zero": "not_differentiable", "straight_through": "not judged"}
"""Those that are not verified, and what they are instead."""


@pytest.fixture(params=FRAMEWORKS)
def told(request: pytest.FixtureRequest, cli: Callable[..., Any]) -> Callable[[str], Any]:
    """told("multiply"): the healthy record, the broken one, and the exit code."""
    pytest.importorskip(request.param)

    def run(name: str) -> Any:
        found = cli("check", str(FOLDER / request.param / f"{name}.py"), "--format", "jsonl")
        right, wrong = (json.loads(line) for line in found.out.splitlines())
        return right, wrong, found.code

    return run


def word(record: Any) -> str:
    return "not judged" if record["callable"]["surrogate"] else str(record["verdict"])


def with_verdict(record: Any, verdict: str) -> set[str]:
    return {one["label"] for one in record["gradients"] if one["verdict"] == verdict}


@pytest.mark.parametrize("name", BROKEN)
def test_the_right_one_is_right_and_the_broken_one_is_told(told: Callable[[str], Any], name: str) -> None:
    right, wrong, code = told(name)
    verdict, entries, codes = BROKEN[name]
    assert word(right) == HEALTHY.get(name, "verified")
    assert not [one for one in right["findings"] if one["severity"] == "error"]
    assert word(wrong) == verdict
    assert with_verdict(wrong, verdict) == entries
    assert {one["code"] for one in wrong["findings"]} >= codes
    assert code == 1


def test_every_example_is_here() -> None:
    for framework in FRAMEWORKS:
        assert {path.stem for path in (FOLDER / framework).glob("*.py")} == set(BROKEN)
