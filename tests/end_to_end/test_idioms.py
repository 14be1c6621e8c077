"""The programs of examples/idioms: both frameworks print the same numbers, which are those of NumPy."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from printed import Printers

from gradtool.problem import ProblemError
from gradtool.report.programs.idioms import IDIOMS, idiom

ROOT = Path(__file__).resolve().parents[2]
SIDES = ("torch", "tensorflow")
Numbers = list[tuple[str, list[float]]]


@pytest.fixture(scope="module")
def outputs(printers: Printers) -> dict[str, dict[str, str]]:
    """What each program prints, by name and side: those of a framework in one process."""
    by_side = {side: printers.texts([idiom(name)[side] for name in IDIOMS], side) for side in SIDES}
    return {name: {side: by_side[side][place] for side in SIDES} for place, name in enumerate(IDIOMS)}


def numbers(text: str) -> Numbers:
    """The lines with a number behind an equals sign, in their order."""
    lines = [line.partition(" = ") for line in text.splitlines() if " = " in line]
    return [(label, [float(word) for word in told.split(", ")]) for label, _, told in lines]


def values(text: str, label: str) -> list[float]:
    return [number for own, told in numbers(text) if own == label for number in told]


@pytest.mark.parametrize("name", IDIOMS)
def test_both_frameworks_print_the_same_numbers(outputs: dict[str, dict[str, str]], name: str) -> None:
    """Of PyTorch the weights of a layer come first too, and in the other layout: sums and norms are compared."""
    torch, tensorflow = (numbers(outputs[name][side]) for side in SIDES)
    assert len(torch) >= 3 or name == "none_gradients"
    assert [label for label, _ in torch] == [label for label, _ in tensorflow]
    for (label, one), (_, other) in zip(torch, tensorflow, strict=True):
        assert one == pytest.approx(other, abs=1.01e-10, nan_ok=True), (name, label)


def test_every_file_is_in_the_list_and_starts_with_what_it_shows() -> None:
    for side in SIDES:
        found = {path.stem for path in (ROOT / "examples" / "idioms" / side).glob("*.py")}
        assert found == set(IDIOMS)
    for name in IDIOMS:
        torch, tensorflow = idiom(name).values()
        assert re.match('"""[^"]+"""\n\nimport torch\n', torch)
        assert re.match('"""[^"]+"""\n\nimport (keras\n|tensorflow as tf\n)', tensorflow)


def test_an_idiom_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ProblemError) as raised:
        idiom("../../secret")
    assert "training_step" in raised.value.problems[0].hint


def test_the_page_shows_what_they_print(outputs: dict[str, dict[str, str]]) -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    generate: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = (ROOT / "docs" / "idioms.md").read_text(encoding="utf-8")
    own = generate.with_models(generate._run)  # the command as make docs runs it
    assert page == generate.idioms_page(outputs, own), "docs/idioms.md: run make docs"


# ---- the same in NumPy

X = np.array([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.8], [2.0, -0.5]])
Y = np.array([[1.0], [0.0], [0.5], [-1.0]])
WEIGHTS = [
    np.array([[0.4, 0.2, 0.8], [-0.6, 0.3, -0.5]]), np.array([0.1, 0.0, -0.2]), np.array([[0.7], [-0.4], [0.9]]),
    np.array([0.05]),
]  # fmt: skip
Weights = Sequence[Any]


def loss(weights: Weights) -> float:
    w1, b1, w2, b2 = weights
    return float(np.mean((np.tanh(X @ w1 + b1) @ w2 + b2 - Y) ** 2))


def gradient(weights: Weights) -> list[Any]:
    """The backward pass by hand."""
    w1, b1, w2, b2 = weights
    hidden = np.tanh(X @ w1 + b1)
    above = 2 * (hidden @ w2 + b2 - Y) / len(X)
    below = (above @ w2.T) * (1 - hidden**2)
    return [X.T @ below, below.sum(0), hidden.T @ above, above.sum(0)]


def norms(parts: Weights) -> list[float]:
    return [float(np.linalg.norm(part)) for part in parts]


def close(found: Sequence[float], wanted: Sequence[float], tolerance: float = 1.01e-10) -> bool:
    return np.shape(found) == np.shape(wanted) and np.allclose(found, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("side", SIDES)
def test_the_numbers_are_those_of_numpy(outputs: dict[str, dict[str, str]], side: str) -> None:
    told = {name: texts[side] for name, texts in outputs.items()}
    weights, losses = list(WEIGHTS), []
    for _ in range(3):
        losses.append(loss(weights))
        weights = [w - 0.1 * g for w, g in zip(weights, gradient(weights), strict=True)]
    assert close([values(told["training_step"], f"loss at step {n}")[0] for n in range(3)], losses)
    assert close(values(told["training_step"], "weights"), [float(np.sum(w)) for w in weights])

    slopes = gradient(WEIGHTS)
    before = float(np.sqrt(sum(np.sum(g**2) for g in slopes)))
    assert close(values(told["clipping"], "global norm before"), [before])
    assert values(told["clipping"], "global norm after") == [0.5]
    clipped = sum(np.sum(w - 0.1 * g * 0.5 / before) for w, g in zip(WEIGHTS, slopes, strict=True))
    assert close(values(told["clipping"], "weights"), [float(clipped)], 1e-4)
    assert close(values(told["accumulation"], "accumulated, full"), np.repeat(norms(slopes), 2).tolist())

    step = 1e-5
    ahead, behind = (gradient([w + sign * step for w in WEIGHTS]) for sign in (1, -1))
    product = [(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]
    assert close(values(told["hessian_vector"], "H v"), norms(product), 1e-7)
    assert close(values(told["hessian_vector"], "v H v"), [float(sum(map(np.sum, product)))], 1e-7)
    assert close(values(told["hessian_vector"], "gradient along v"), [float(sum(map(np.sum, slopes)))])

    w1, b1, w2, _ = WEIGHTS
    by_input = ((1 - np.tanh(X @ w1 + b1) ** 2) * w2.T) @ w1.T
    assert close(values(told["gradient_penalty"], "penalty"), [np.mean((np.linalg.norm(by_input, axis=1) - 1) ** 2)])

    assert close(values(told["freezing"], "frozen layer"), [float(np.sum(w1))])
    assert close(values(told["freezing"], "last layer"), [float(np.sum(w2 - 0.1 * slopes[2]))])
    assert values(told["freezing"], "trainable parameters") == [4]

    assert close(values(told["none_gradients"], "loss"), [np.mean((X @ [[0.5], [0.5]] + 0.1 - Y) ** 2)])
    assert values(told["none_gradients"], "without a gradient") == [2]
    assert len(re.findall("unused.* has no gradient", told["none_gradients"])) == 2

    for point in (-2.0, 0.5, 100.0):
        wanted = 1 / (1 + np.exp(-point))
        assert close(values(told["custom_gradient"], f"at {point}: plain, custom"), [wanted, wanted])
    plain, custom = values(told["custom_gradient"], "at 1000.0: plain, custom")
    assert np.isnan(plain)
    assert custom == 1
