"""What people's training scripts do that a watcher can get wrong: each was once told wrongly."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.verdict.flow.judgement import judge

TWO = """
import torch
from torch import nn
G = nn.Linear(3, 2)
D = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
og, od = torch.optim.Adam(G.parameters(), 1e-3), torch.optim.Adam(D.parameters(), 1e-3)
bce = nn.BCEWithLogitsLoss()
"""


def test_weights_that_change_behind_autograds_back_end_a_step(file: Any) -> None:
    """``.data`` has a version counter of its own; the loss of the first step alone is ln 3 at weights of 0."""
    evidence = file.evidence("""
        import torch
        import torch.nn.functional as F
        W = torch.zeros(8, 3, requires_grad=True)
        for i in range(50):
            x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))
            loss = F.cross_entropy(x @ W, y)
            W.grad = None
            loss.backward()
            W.data += -0.1 * W.grad
    """)
    assert evidence.loss.value == pytest.approx(math.log(3), rel=1e-6)
    assert evidence.zeroed is True


def test_a_step_that_moves_nothing_is_a_step_all_the_same(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        net = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(10):
            loss = torch.tensor(net(torch.ones(4, 2)).pow(2).mean().item() * 0 + 2.0, requires_grad=True)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """)
    assert evidence.loss.value == 2.0
    assert [p.name for p in evidence.parameters] == ["weight", "bias"]
    assert all(p.gradient is None for p in evidence.parameters)
    assert "is a new tensor" in evidence.notes[0]


@pytest.mark.parametrize("cut", ["net(x).detach()", "net(x).argmax(-1).float()"])
def test_a_loss_that_requires_no_gradient_is_evidence(file: Any, cut: str) -> None:
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        net, x = nn.Linear(2, 3), torch.ones(4, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            loss = ({cut}).sum()
            loss.backward()
            optimizer.step()
    """)
    assert all(p.gradient is None for p in evidence.parameters)
    assert "does not require a gradient" in evidence.notes[0]
    assert evidence.loss.source == "model.py:8"


def test_gradients_left_over_by_another_optimizer_are_no_fault(file: Any) -> None:
    """The generator's loss leaves gradients in the discriminator, which its own optimizer clears later."""
    evidence = file.evidence(
        TWO
        + """
for _ in range(5):
    real, fake = torch.randn(16, 2), G(torch.randn(16, 3)).detach()
    loss = bce(D(real), torch.ones(16, 1)) + bce(D(fake), torch.zeros(16, 1))
    od.zero_grad(); loss.backward(); od.step()
    loss = bce(D(fake), torch.ones(16, 1))
    og.zero_grad(); loss.backward(); og.step()
"""
    )
    assert evidence.zeroed is None


def test_a_parameter_that_another_optimizer_holds_is_held(file: Any) -> None:
    evidence = file.evidence(
        TWO
        + """
for _ in range(3):
    og.zero_grad(); od.zero_grad()
    loss = bce(D(G(torch.randn(16, 3))), torch.ones(16, 1))
    loss.backward(); og.step(); od.step()
"""
    )
    groups = {p.name.partition(".")[0]: p.group for p in evidence.parameters}
    assert groups == {"G": 0, "D": 1}


def test_only_what_the_optimizer_holds_is_expected_to_be_cleared(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
        optimizer = torch.optim.SGD(net[0].parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.randn(8, 2)).pow(2).mean().backward()
            optimizer.step()
    """)
    assert evidence.zeroed is True
    assert [p.group for p in evidence.parameters] == [0, 0, None, None]


def test_a_scaled_loss_is_said_to_be_scaled(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        net = nn.Linear(2, 1)
        optimizer, scaler = torch.optim.SGD(net.parameters(), lr=0.1), torch.amp.GradScaler("cpu", init_scale=1024.0)
        for _ in range(3):
            optimizer.zero_grad()
            scaler.scale(net(torch.ones(8, 2)).pow(2).mean()).backward()
            scaler.step(optimizer)
            scaler.update()
    """)
    assert any("GradScaler multiplied the loss by 1024" in note for note in evidence.notes)


def test_two_calls_of_a_function_on_one_line_are_two_layers(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        import torch.nn.functional as F
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1)
                nn.init.constant_(self.b.bias, -10.0)
            def forward(self, x):
                return self.c(F.relu(self.b(F.relu(self.a(x)))))
        model = Net()
    """)
    dead = {layer.name: (layer.dead, layer.units) for layer in evidence.layers if layer.activation == "relu"}
    assert list(dead) == ["relu", "relu_2"]
    assert dead["relu_2"] == (8, 8)


def test_an_activation_in_the_middle_is_not_that_of_the_output(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        import torch.nn.functional as F
        W1, W2 = torch.randn(4, 8, requires_grad=True), torch.randn(8, 3, requires_grad=True)
        x, y = torch.randn(16, 4), torch.randint(0, 3, (16,))
        for _ in range(3):
            loss = F.cross_entropy(torch.tanh(x @ W1) @ W2, y)
            loss.backward()
            for w in (W1, W2):
                w.data -= 0.1 * w.grad
                w.grad = None
    """)
    assert evidence.head.activation == ""


def test_a_program_beside_a_model_is_run_for_its_data_and_its_loss(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        model = nn.Linear(2, 3)
        def train():
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for _ in range(3):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(torch.ones(5, 2)), torch.zeros(5, dtype=torch.long)).backward()
                optimizer.step()
        if __name__ == "__main__":
            train()
    """)
    assert (evidence.route, evidence.batch, evidence.head.classes) == ("script", 5, 1)


def test_compiled_code_runs_as_it_is_written(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        model = torch.compile(nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)))
    """)
    assert [layer.kind for layer in evidence.layers][-3:] == ["Linear", "ReLU", "Linear"]


def test_every_source_of_random_numbers_follows_from_the_seed(file: Any) -> None:
    text = """
        import random
        import numpy as np
        import torch
        from torch import nn
        model, sample_inputs = nn.Linear(1, 1), torch.tensor([[random.random() + np.random.rand()]])
    """
    assert file.evidence(text).norm == file.evidence(text).norm


WRITTEN = """
import torch
from torch import nn
class Squares(nn.Module):
    def forward(self, output, goals):
        return ((output - goals) ** 2).mean()
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 1)
    def forward(self, x):
        out = self.inner(x)
        return out + 0 * (out - torch.ones(len(x))).mean()
net, squares = {net}, Squares()
x, y = torch.randn(32, 4), torch.randn(32)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(2):
    optimizer.zero_grad()
    output = net(x)
    loss = {loss}
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("net", "loss", "shapes"),
    [
        ("nn.Linear(4, 1)", "((output - y) ** 2).mean()", ((32, 1), (32,))),
        ("nn.Linear(4, 1)", "torch.sub(y, output).abs().mean()", ((32, 1), (32,))),
        ("nn.Linear(4, 1)", "squares(output.squeeze(), y[:, None])", ((32,), (32, 1))),
        ("nn.Linear(4, 1)", "squares(output.squeeze(), y)", None),
        ("nn.Linear(4, 1)", "((output - y[:, None]) ** 2).mean()", None),
        ("nn.Linear(4, 1)", "((output - output.squeeze()) ** 2).mean()", None),
        ("nn.Linear(4, 1)", "((output - y.mean()) ** 2).mean()", None),
        ("Net()", "squares(output.squeeze(), y)", None),
    ],
)
def test_a_loss_written_by_hand_that_pairs_each_output_with_each_target(
    file: Any, net: str, loss: str, shapes: Any
) -> None:
    evidence = file.evidence(WRITTEN.replace("{net}", net).replace("{loss}", loss))
    head = evidence.head
    assert (head and (head.shape, head.target_shape)) == shapes
    assert head is None or head.source in {"model.py:6", "model.py:20"}
    assert [row.code for row in judge(evidence)[0] if row.code == "GT135"] == (["GT135"] if shapes else [])


STRAY = """
import torch
from torch import nn
class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = KEEP
    def forward(self, x):
        for part in self.hidden.values() if isinstance(self.hidden, dict) else self.hidden:
            x = part(x) if isinstance(part, nn.Module) else x * part
        return x
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.out = Inner(), nn.Linear(4, 2)
    def forward(self, x):
        return self.out(self.inner(x))
net = Net()
optimizer = torch.optim.SGD([*net.parameters(), MORE], lr=0.1)
for _ in range(2):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(torch.randn(8, 4)), torch.randint(0, 2, (8,))).backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("keep", "more", "names", "severity"),
    [
        ("[nn.Linear(4, 4)]", "", ["net.inner.hidden[0].weight", "net.inner.hidden[0].bias"], "error"),
        ("{'a': nn.Linear(4, 4, bias=False)}", "", ["net.inner.hidden['a'].weight"], "error"),
        ("[nn.Parameter(torch.ones(4))]", "", ["net.inner.hidden[0]"], "error"),
        ("[nn.Parameter(torch.ones(4))]", "*net.inner.hidden", ["net.inner.hidden[0]"], "warning"),
        ("(nn.Sequential(nn.Linear(4, 4, bias=False)),)", "", ["net.inner.hidden[0].0.weight"], "error"),
        ("nn.ModuleList([nn.Linear(4, 4)])", "", [], ""),
        ("nn.ParameterList([torch.ones(4)])", "", [], ""),
        ("[torch.ones(4)]", "", [], ""),
    ],
)
def test_layers_in_a_plain_list_are_called_as_the_program_would(
    file: Any, keep: str, more: str, names: list[str], severity: str
) -> None:
    evidence = file.evidence(STRAY.replace("KEEP", keep).replace("MORE", more))
    assert [p.name for p in evidence.parameters if p.held_in == "net.inner.hidden"] == names
    findings = [row for row in judge(evidence)[0] if row.code in {"GT120", "GT137"}]
    assert [(row.code, row.severity) for row in findings] == ([("GT137", severity)] if names else [])
    assert not findings or "nn.ModuleList" in findings[0].remedy
