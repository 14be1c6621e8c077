"""gradtool compare on the example pairs: each fault is named by its rule and its place, each healthy twin agrees."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradtool.pipeline.compare_models import compare_models
from gradtool.pipeline.pair_sides import sides_of
from gradtool.settings import PairSettings
from gradtool.target.model_file import read_model_file
from gradtool.verdict.pairing.parting import first_apart
from gradtool.verdict.pairing.record import ModelComparison
from gradtool.witness.host import Host

EXAMPLES = Path(__file__).parents[2] / "examples" / "pairs"

FOUND = {
    "epsilon.py": [("GT320", "1 / normalise", "epsilon 1e-05 in PyTorch, 0.001 in Keras")],
    "epsilon_healthy.py": [],
    "gelu_form.py": [("GT320", "2 / gelu/gelu", "approximate tanh in PyTorch, none in Keras")],
    "gelu_form_healthy.py": [("GT326", "2 / gelu/gelu", "in float64")],
    "strided_padding.py": [("GT320", "2 / second", "padding 1, 1 in PyTorch, same in Keras")],
    "strided_padding_healthy.py": [],
    "two_torch.py two_keras.py": [],
}
BY_THE_COMMAND = {"one_keras.py"}
"""It needs a worker more: tests/cli runs it."""


def compared(workers: Host, names: str) -> ModelComparison:
    sides = sides_of([read_model_file(str(EXAMPLES / name)) for name in names.split()])
    return compare_models(names, sides, PairSettings(), workers)


@pytest.mark.parametrize("names", FOUND)
def test_an_example_is_diagnosed(workers: Host, names: str) -> None:
    record = compared(workers, names)
    assert record.failures == ()
    assert record.evidence is not None
    assert [(one.code, one.where) for one in record.findings] == [(code, where) for code, where, _ in FOUND[names]]
    for finding, (_, _, told) in zip(record.findings, FOUND[names], strict=True):
        assert told in finding.message
    ill = any(one.severity == "error" for one in record.findings)
    assert (first_apart(record.evidence) is not None) == ill
    assert ill != ("healthy" in names or "two" in names)


def test_the_two_files_share_the_data_and_the_weights(workers: Host) -> None:
    """Else two losses of their own would not be the same number."""
    record = compared(workers, "two_torch.py two_keras.py")
    assert record.evidence is not None
    assert record.evidence.left.inputs == "own"
    ((mine, yours), *_) = record.evidence.values
    assert mine == pytest.approx(yours, rel=1e-14)


def test_every_example_is_told_of() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f"({path.name})" in page
        assert path.name in " ".join(FOUND) or path.name in BY_THE_COMMAND
