"""A file that can't be used says why in one sentence, at the user's own line, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import InputSpec, Training

HEAD = "import torch\nfrom torch import nn\n"
DENSE = HEAD + "model = nn.Linear(2, 3)\n"
CASE = DENSE + "def gradtool_case():\n    return "

CASES = {
    "no model": ("x = 1\n", "defines no model"),
    "two models": (DENSE.replace("model =", "one =") + "two = nn.Linear(1, 1)\n", "holds 2 models: one, two"),
    "needs an argument": (
        HEAD + "class Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n",
        "needs arguments: width",
    ),
    "raises": ("import torch\nraise ValueError('not today')\n", "ValueError: not today (model.py:2"),
    "exits": ("import sys\nsys.exit(3)\n", "sys.exit(3)"),
    "no input": (
        HEAD + "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.w = nn.Parameter(torch.ones(3))\nmodel = Net()\n",
        "no input for model is known",
    ),
    "nothing to learn": (HEAD + "model = nn.ReLU()\n", "has no parameters"),
    "loss not scalar": (
        DENSE + "def loss_fn(out, y):\n    return (out - y) ** 2\n",
        "the loss loss_fn has shape 8x3, not a single number",
    ),
    "loss is a number": (DENSE + "def loss_fn(out):\n    return out.sum().item()\n", "is float, not a tensor"),
    "loss raises": (DENSE + "def loss_fn(out):\n    return out.nothing\n", "the loss loss_fn failed: AttributeError"),
    "case is odd": (CASE + "7\n", "gradtool_case() in model.py returned int"),
    "loss of the case": (CASE + "model, torch.ones(1, 2), None, 3\n", "can't be called"),
    "call raises": (
        HEAD + "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.w = nn.Parameter(torch.ones(5, 5))\n    def forward(self, x):\n        return x @ self.w\n"
        "sample_inputs = torch.ones(2, 3)\nmodel = Net()\n",
        "calling the model, Net, on 2x3 float32 in 1..1 failed",
    ),
    "no tensor": (
        HEAD + "class Net(nn.Linear):\n    def forward(self, x):\n        return 'text'\nmodel = Net(2, 2)\n"
        "sample_inputs = torch.ones(1, 2)\n",
        "the model returned str, with no floating-point tensor in it",
    ),
    "backward raises": (
        DENSE + "class Bad(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        return x.sum()\n    @staticmethod\n    def backward(ctx, up):\n        raise ValueError('no')\n"
        "loss_fn = lambda out: Bad.apply(out)\n",
        "the backward pass failed: ValueError: no (model.py:10",
    ),
    "not an input": (DENSE, "PyTorch has no dtype complex7"),
    "configure_optimizers raises": (
        HEAD + "class Net(nn.Linear):\n    def configure_optimizers(self):\n        raise ValueError('no')\n"
        "model = Net(2, 2)\n",
        "configure_optimizers failed: ValueError: no (model.py:5",
    ),
    "loader raises": (
        DENSE + "def train_loader():\n    raise OSError('no data')\n",
        "the first batch of train_loader could not be had: OSError: no data (model.py:5",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_failure_says_what_is_wrong(file: Any, name: str) -> None:
    text, told = CASES[name]
    inputs = [InputSpec((2, 2), "complex7")] if name == "not an input" else []
    failure = file.failure(text, inputs=inputs)
    assert told in failure.message
    assert failure.reason == "file"
    assert failure.hint or failure.detail
    assert "gradtool/" not in failure.detail


def test_a_script_without_a_backward_pass(file: Any) -> None:
    assert "runs no backward pass" in file.failure("print('hello')\n", script=True).message


def test_a_script_that_fails_before_its_first_backward_pass_says_where(file: Any) -> None:
    failure = file.failure(DENSE + "model(torch.ones(1, 7))\n", script=True)
    assert failure.message.startswith("model.py could not be run: RuntimeError")
    assert "(model.py:4: model(torch.ones(1, 7)))" in failure.message


def test_an_unknown_loss_or_optimizer_or_label_names_those_that_are_known(file: Any) -> None:
    assert "cross_entropy" in file.failure(DENSE, loss="mean_cube").hint
    assert "adam" in file.failure(DENSE, training=Training(2, "atom")).hint
    assert "classes:10" in file.failure(DENSE, labels="cats").hint


def test_a_device_that_is_not_there(file: Any) -> None:
    assert "could not be moved to cuda:77" in file.failure(DENSE, device="cuda:77").message
    assert "could not be moved to toaster" in file.failure(DENSE, device="toaster").message


def test_a_file_that_is_killed_costs_one_failure_and_the_next_is_answered(file: Any) -> None:
    failure = file.failure("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert "SIGKILL" in failure.message
    assert file.evidence(DENSE).norm > 0
