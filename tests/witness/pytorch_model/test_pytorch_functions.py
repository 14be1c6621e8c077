"""Plain functions over tensors of the file: named by the program's names, run on its data, judged as any model."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import Training
from gradtool.verdict.flow.judgement import judge

LINE = """
import torch
x, y = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[5.0], [8.0], [11.0]])
W, b = torch.zeros(1, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
"""
WHOLE = "def loss(x, y):\n    return (x @ W + b - y).pow(2).mean()\n"
TWO_LAYERS = """
import torch
torch.manual_seed(0)
params = {
    "layer.w": torch.randn(4, 8, requires_grad=True), "layer.b": torch.zeros(8, requires_grad=True),
    "head": torch.randn(8, 2, requires_grad=True),
}
x, y = torch.randn(16, 4), torch.randn(16, 2)
def forward(params, x):
    return torch.tanh(x @ params["layer.w"]CUT + params["layer.b"]) @ params["head"]
"""
LOSS = """
def loss(params, x, y):
    return 100 * (forward(params, x) - y).pow(2).mean()
"""


@pytest.mark.parametrize(
    ("text", "name", "factor"),
    [
        ("def model(x):\n    return x @ W + b\n", "", 1),
        ("model = lambda x: x @ W + b\nloss_fn = torch.nn.MSELoss(reduction='sum')\n", "", 3),
        ("def loss(x, y):\n    return (x @ W + b - y).pow(2).mean() * 2\n", "", 2),
        ("def loss():\n    return (x @ W + b - y).pow(2).mean() * 2\n", "", 2),
        ("def one(x):\n    return x @ W + b\ndef two(x):\n    return one(x) * 0\n", "one", 1),
        ("def f(x):\n    return x @ W + b\ndef gradtool_case():\n    return f, x, y, torch.nn.MSELoss()\n", "", 1),
        (
            WHOLE + "def gradtool_case():\n    return {'model': loss}\n",
            "",
            1,
        ),
    ],
)
def test_the_gradient_of_a_line_is_that_of_the_formula(file: Any, text: str, name: str, factor: int) -> None:
    """For y = 3 x + 2 from 0: the mean square is (25 + 64 + 121) / 3, its gradient -2 (5 + 16 + 33) / 3 and -16."""
    evidence = file.evidence(LINE + text, name=name)
    assert [p.name for p in evidence.parameters] == ["W", "b"]
    assert evidence.loss.value == pytest.approx(70 * factor)
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx([36 * factor, 16 * factor])
    assert evidence.descent.after < evidence.descent.before


def test_a_training_goes_on_from_the_files_own_tensors(file: Any) -> None:
    text = LINE + "def model(x):\n    return x @ W + b\noptimizer = torch.optim.SGD([W, b], lr=0.01)\n"
    evidence = file.evidence(text, training=Training(2), verify=True)
    assert evidence.steps[1].point == pytest.approx({"W[0,0]": 0.36, "b[0]": 0.16})
    assert evidence.optimizer.kind == "SGD"
    assert evidence.verified.agree


@pytest.mark.parametrize(("loss", "name", "factor"), [("", "", 1), (LOSS, "", 100), (LOSS, "forward", 1)])
def test_a_dictionary_of_parameters_is_named_by_its_keys(
    file: Any, truth: str, loss: str, name: str, factor: int
) -> None:
    text = TWO_LAYERS.replace("CUT", "") + loss
    own = "truth(lambda: (forward(params, x) - y).pow(2).mean(), params.values())\n"
    file.evidence(truth + text + own, name="forward")  # by name, the file's own gradients are not looked at
    told, evidence = file.wrote(), file.evidence(text, name=name)
    assert [p.name for p in evidence.parameters] == ["params['layer.w']", "params['layer.b']", "params['head']"]
    assert [p.gradient.norm / factor for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-5)
    assert [layer.activation for layer in evidence.layers] == ["tanh"]
    assert (evidence.batch, evidence.route) == (16, "function")
    assert [row.code for row in judge(evidence)[0]] == []


def test_a_parameter_that_is_cut_off_inside_a_function_is_found(file: Any) -> None:
    evidence = file.evidence(TWO_LAYERS.replace("CUT", ".detach()") + LOSS)
    ((code, severity, where),) = [(row.code, row.severity, row.where) for row in judge(evidence)[0]]
    assert (code, severity, where) == ("GT106", "error", "params['layer.w']")


def test_another_dtype_reaches_the_tensors_behind_the_function(file: Any) -> None:
    evidence = file.evidence(LINE + "def model(x):\n    return x @ W + b\n", dtype="float64")
    assert (evidence.dtype, evidence.digits) == ("float64", [])
    assert "a function keeps its own tensors" in evidence.notes[0]


def test_a_function_whose_data_are_not_there_says_what_it_needs(file: Any) -> None:
    text = "import torch\nW = torch.ones(3, 2, requires_grad=True)\ndef model(x):\n    return x @ W\n"
    assert "--input" in file.failure(text).hint
