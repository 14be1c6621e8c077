"""What is seen of a model's layers while it runs, and of its head, equals what the file computes by hand."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.verdict.flow.judgement import judge


def test_the_figures_of_a_layer_are_those_of_its_output_and_of_the_gradient_by_it(file: Any) -> None:
    evidence = file.evidence("""
        import json
        import torch
        from torch import nn
        torch.manual_seed(1)
        first, act, second = nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)
        model = nn.Sequential(first, act, second)
        x, y = torch.randn(9, 3), torch.randn(9, 2)
        def gradtool_case():
            return model, x, y, "mse"
        a = first(x)
        h = a.relu()
        out = h @ second.weight.T + second.bias
        loss = ((out - y) ** 2).mean()
        json.dump({
            "gradients": [float(g.norm()) for g in torch.autograd.grad(loss, [a, h, out])],
            "rms": [float((t ** 2).mean().sqrt()) for t in (a, h, out)],
            "least": [float(t.min()) for t in (a, h, out)], "largest": [float(t.max()) for t in (a, h, out)],
            "dead": int((h == 0).all(0).sum()),
        }, open("truth.json", "w"))
    """)
    told = file.wrote()
    assert [layer.gradient for layer in evidence.layers] == pytest.approx(told["gradients"], rel=1e-5)
    for name in ("rms", "least", "largest"):
        assert [getattr(layer, name) for layer in evidence.layers] == pytest.approx(told[name], rel=1e-6, abs=1e-12)
    assert [layer.name for layer in evidence.layers] == ["0", "1", "2"]
    assert [layer.kind for layer in evidence.layers] == ["Linear", "ReLU", "Linear"]
    assert [layer.shape for layer in evidence.layers] == [(9, 4), (9, 4), (9, 2)]
    hidden = evidence.layers[1]
    assert (hidden.activation, hidden.units, hidden.dead, hidden.samples) == ("relu", 4, told["dead"], 9)


CALLS = {
    "functional.relu(x)": "relu",
    "functional.relu(x + 0, inplace=True)": "relu",
    "x.relu()": "relu",
    "(x + 0).relu_()": "relu",
    "torch.relu(x)": "relu",
    "x.sigmoid()": "sigmoid",
    "torch.tanh(x)": "tanh",
    "functional.gelu(x)": "gelu",
    "functional.silu(x)": "silu",
    "functional.elu(x)": "elu",
    "functional.leaky_relu(x, 0.1)": "leaky_relu",
    "functional.softplus(x)": "softplus",
    "functional.hardtanh(x)": "hardtanh",
    "functional.log_softmax(x, dim=-1)": "log_softmax",
}


@pytest.mark.parametrize("call", CALLS)
def test_an_activation_called_as_a_function_is_a_layer(file: Any, call: str) -> None:
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        from torch.nn import functional
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)
            def forward(self, x):
                x = self.first(x)
                x = {call}
                return self.last(x)
        model, sample_inputs, sample_targets = Net(), torch.randn(8, 3), torch.randn(8, 2)
    """)
    first, act, last = evidence.layers
    assert (first.name, act.name, last.name) == ("first", CALLS[call], "last")
    assert (act.activation, act.kind, act.source, act.calls) == (CALLS[call], CALLS[call], "model.py:11", 1)
    assert act.gradient > 0
    assert (act.units > 0) is (CALLS[call] == "relu")


@pytest.mark.parametrize("inplace", [True, False])
def test_an_activation_in_place_leaves_the_layer_before_it_its_own_figures(file: Any, *, inplace: bool) -> None:
    """(-3, 4) goes through ReLU to a loss of the sum of squares: (0, 4), and gradients (0, 8) on both sides of it."""
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(inplace={inplace}))
        with torch.no_grad():
            model[0].weight.copy_(torch.eye(2))
        def gradtool_case():
            return model, torch.tensor([[-3.0, 4.0]]), None, lambda out: (out ** 2).sum()
    """)
    linear, relu = evidence.layers
    assert (linear.least, linear.largest, linear.gradient) == (-3.0, 4.0, 8.0)
    assert (relu.least, relu.largest, relu.gradient, relu.dead) == (0.0, 4.0, 8.0, 1)


def test_dead_units_are_those_that_no_sample_wakes_and_channels_in_images(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, 4), nn.ReLU(),
            nn.Linear(4, 1))
        with torch.no_grad():
            model[0].bias[:2] = -100.0
            model[3].bias[3] = -1e6
        sample_inputs = torch.rand(8, 1, 8, 8)
    """)
    image, flat = (layer for layer in evidence.layers if layer.activation)
    assert (image.units, flat.units) == (5, 4)
    assert image.dead >= 2
    assert flat.dead >= 1
    assert image.samples == 8


def test_saturation_is_the_share_of_outputs_where_the_slope_is_a_hundredth(file: Any) -> None:
    """Of sigmoids of (0, 5, -5, 1) two are within 0.01 of their bounds; of tanh of (0, 3, -3, 3) three."""
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Gates(nn.Module):
            def __init__(self):
                super().__init__()
                self.w, self.gate, self.tan = nn.Parameter(torch.ones(4)), nn.Sigmoid(), nn.Tanh()
            def forward(self, x, y):
                return self.gate(self.w * x) + self.tan(self.w * y)
        def gradtool_case():
            pair = torch.tensor([[0.0, 5.0, -5.0, 1.0]]), torch.tensor([[0.0, 3.0, -3.0, 3.0]])
            return Gates(), pair, None, lambda out: out.sum()
    """)
    assert [(layer.activation, layer.saturated) for layer in evidence.layers] == [("sigmoid", 0.5), ("tanh", 0.75)]


@pytest.mark.parametrize(
    ("call", "axis"),
    [("nn.Softmax(dim=0)", 8), ("nn.Softmax(dim=1)", 1), ("nn.Softmax(-1)", 1), ("nn.LogSoftmax(dim=0)", 8)],
)
def test_the_axis_of_a_softmax_is_told(file: Any, call: str, axis: int) -> None:
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        model = nn.Sequential(nn.Linear(3, 1), {call})
        sample_inputs, sample_targets = torch.randn(8, 3), torch.rand(8, 1)
    """)
    assert evidence.layers[-1].axis == axis


@pytest.mark.parametrize(
    ("call", "axis"),
    [("functional.softmax(x, dim=0)", 8), ("functional.softmax(x, 1)", 5), ("x.softmax(-1)", 5),
     ("torch.log_softmax(x, 0)", 8)],
)  # fmt: skip
def test_the_axis_of_a_softmax_called_as_a_function_is_told(file: Any, call: str, axis: int) -> None:
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        from torch.nn import functional
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Linear(3, 5)
            def forward(self, x):
                x = self.first(x)
                return {call}
        model, sample_inputs, sample_targets = Net(), torch.randn(8, 3), torch.rand(8, 5)
    """)
    assert evidence.layers[-1].axis == axis


def test_a_layer_called_again_and_again_shows_its_first_output_and_its_last_gradient(file: Any) -> None:
    """x doubles at each of 4 calls from 3: outputs 6, 12, 24, 48, gradients of the last one 8, 4, 2, 1."""
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Loop(nn.Module):
            def __init__(self):
                super().__init__()
                self.cell = nn.Linear(1, 1, bias=False)
                nn.init.constant_(self.cell.weight, 2.0)
            def forward(self, x):
                for _ in range(4):
                    x = self.cell(x)
                return x
        def gradtool_case():
            return Loop(), torch.tensor([[3.0]]), None, lambda out: out.sum()
    """)
    (cell,) = evidence.layers
    assert (cell.calls, cell.rms, cell.first_rms) == (4, 48.0, 6.0)
    assert (cell.gradient, cell.last_gradient) == (8.0, 1.0)


def test_numbers_that_are_not_finite_are_counted_over_all_calls(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Holes(nn.Module):
            def __init__(self):
                super().__init__()
                self.w, self.pass_on = nn.Parameter(torch.ones(2)), nn.Identity()
            def forward(self, x):
                x = x * self.w
                return self.pass_on(x) + self.pass_on(x / 0) + self.pass_on(x.log())
        def gradtool_case():
            return Holes(), torch.tensor([-1.0, 0.0]), None, lambda out: out.sum()
    """)
    assert [(layer.calls, layer.nonfinite) for layer in evidence.layers] == [(3, 4)]


def test_nested_modules_are_named_by_their_paths_and_told_in_the_order_of_execution(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.late, self.early = nn.Linear(4, 4), nn.Linear(4, 4)
            def forward(self, x):
                return x + self.late(self.early(x).tanh())
        model = nn.Sequential(Block(), nn.Sequential(nn.Linear(4, 2)))
    """)
    names = [(layer.name, layer.inner) for layer in evidence.layers]
    assert names == [
        ("0.early", False), ("0.tanh", False), ("0.late", False), ("0", True), ("1.0", False), ("1", True),
    ]  # fmt: skip
    assert evidence.layers[0].source == "model.py:9"


HEADS = {
    ("", "cross_entropy"): ("logits", "", 4),
    ("", "mse"): ("", "", 0),
    ("nn.Softmax(-1)", "cross_entropy"): ("logits", "softmax", 4),
    ("nn.LogSoftmax(-1)", "nll"): ("log_probabilities", "log_softmax", 4),
    ("nn.Sigmoid()", "bce"): ("probabilities", "sigmoid", 0),
    ("nn.Sigmoid()", "bce_with_logits"): ("logits", "sigmoid", 0),
    ("nn.ReLU()", "mse"): ("", "relu", 0),
}


@pytest.mark.parametrize(("final", "loss"), HEADS)
def test_the_head_says_what_the_loss_is_given_and_what_it_takes_it_for(file: Any, final: str, loss: str) -> None:
    expects, activation, classes = HEADS[final, loss]
    targets = "torch.tensor([0, 3, 1])" if classes else "torch.tensor([[0.0, 1, 1, 0]] * 3)"
    evidence = file.evidence(f"""
        import json
        import torch
        from torch import nn
        model = nn.Sequential(nn.Linear(2, 4), {final})
        x, y = torch.randn(3, 2), {targets}
        def gradtool_case():
            return model, x, y, "{loss}"
        out = model(x)
        json.dump([float(out.min()), float(out.max())], open("truth.json", "w"))
    """)
    head = evidence.head
    assert (head.shape, head.activation, head.expects, head.classes) == ((3, 4), activation, expects, classes)
    assert [head.least, head.largest] == pytest.approx(file.wrote())
    assert (head.target_least, head.target_largest) == (0.0, 3.0 if classes else 1.0)
    assert head.target_shape == ((3,) if classes else (3, 4))


def test_a_layer_that_is_checkpointed_counts_once(file: Any) -> None:
    """Its first call is without gradients, its second inside the backward pass."""
    evidence = file.evidence("""
        import torch
        from torch import nn
        from torch.utils.checkpoint import checkpoint
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.inner, self.last = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 1)
            def forward(self, x):
                return self.last(checkpoint(self.inner, self.first(x), use_reentrant=True).relu())
        model, sample_inputs, sample_targets = Net(), torch.randn(8, 3), torch.randn(8, 1)
    """)
    layers = {layer.name: layer for layer in evidence.layers}
    assert layers["inner"].calls == 1
    assert all(p.gradient.norm > 0 for p in evidence.parameters)


def test_a_module_that_returns_its_own_parameter_gains_no_hook_of_the_users(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Prompt(nn.Module):
            def __init__(self):
                super().__init__()
                self.w = nn.Parameter(torch.ones(4))
            def forward(self):
                return self.w
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.prompt, self.last = Prompt(), nn.Linear(4, 1)
            def forward(self, x):
                return self.last(x + self.prompt())
        model, sample_inputs = Net(), torch.ones(8, 4)
    """)
    assert [p.hooks for p in evidence.parameters] == [[], [], []]
    assert {layer.name: layer.gradient for layer in evidence.layers}["prompt"] == pytest.approx(
        evidence.parameters[0].gradient.norm, rel=1e-6
    )


@pytest.mark.parametrize(
    ("output", "goals", "axes"),
    [
        ("linear(x).log_softmax(0)", "(6,)", [0]),
        ("linear(x).log_softmax(1)", "(6,)", [1]),
        ("linear(x).softmax(0).log()", "(6,)", [0]),
        ("linear(x).softmax(-1).log()", "(6,)", [1]),
        ("linear(words).log_softmax(-1).transpose(1, 2)", "(6, 5)", [1]),
        ("linear(words).log_softmax(1).transpose(1, 2)", "(6, 5)", [2]),
        ("linear(words).log_softmax(-1).reshape(-1, 3)", "(30,)", [1]),
        ("linear(words).log_softmax(1).reshape(-1, 3)", "(30,)", []),
        ("linear(words).transpose(1, 2).unsqueeze(2).log_softmax(1)", "(6, 1, 5)", [1]),
        ("linear(words).transpose(1, 2).unsqueeze(2).log_softmax(-1)", "(6, 1, 5)", [3]),
        ("linear(x).to(torch.bfloat16).log_softmax(1)", "(6,)", [1]),
        ("linear(x).to(torch.bfloat16).log_softmax(0)", "(6,)", [0]),
    ],
)
def test_the_axis_over_which_a_softmax_ran_is_seen_behind_any_transposition(
    file: Any, output: str, goals: str, axes: list[int]
) -> None:
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        linear = nn.Linear(4, 3)
        x, words = 3 * torch.randn(6, 4), 3 * torch.randn(6, 5, 4)
        loss = nn.functional.nll_loss({output}, torch.randint(0, 3, {goals}))
        loss.backward()
    """)
    assert (evidence.head.class_axis, evidence.head.sums_to_one) == (1, axes)
    assert [row.code for row in judge(evidence)[0] if row.code == "GT136"] == ([] if axes == [1] else ["GT136"])
