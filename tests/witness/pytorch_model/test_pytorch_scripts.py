"""Unmodified training scripts: their own data, loss and optimizer, up to the first step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradtool.evidence import Training

NET = """
import json
import torch
from torch import nn

torch.manual_seed(1)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).double()
criterion = nn.CrossEntropyLoss()
x, y = torch.randn(16, 4).double(), torch.randint(0, 3, (16,))
"""
OWN = "truth(lambda: criterion(net(x), y), net.parameters())\n"
LOOP = """
optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
for epoch in range(3):
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
    optimizer.step()
raise AssertionError("trained to the end")
"""
MAIN = """
def train(net, data):
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
    for inputs, goals in data:
        optimizer.zero_grad()
        output = net(inputs)
        loss = criterion(output, goals)
        loss.backward()
        optimizer.step()

def main():
    train(net, [(x, y)] * 3)
    print("done")

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(("loop", "line", "script"), [(LOOP, 15, False), (MAIN, 17, True)])
def test_a_loop_is_seen_before_it_clips_and_ends_at_the_second_pass(
    file: Any, truth: str, loop: str, line: int, script: bool
) -> None:
    file.evidence(truth + NET + OWN, name="net")
    evidence = file.evidence(NET + loop, script=script)
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-12)
    assert [p.name for p in evidence.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert evidence.norm == pytest.approx(told["global"], rel=1e-12)
    assert evidence.loss.value == pytest.approx(told["loss"], rel=1e-12)
    assert (evidence.route, evidence.model, evidence.batch) == ("script", "net", 16)
    assert evidence.loss.source == f"model.py:{line}"
    assert (evidence.optimizer.kind, evidence.optimizer.rate) == ("Adam", 3e-4)
    assert [(p.group, p.rate) for p in evidence.parameters] == [(0, 3e-4)] * 4
    assert [layer.name for layer in evidence.layers] == ["0", "1", "2"]
    assert (evidence.head.expects, evidence.head.classes) == ("logits", 3)
    assert evidence.zeroed is True


@pytest.mark.parametrize("steps", [0, 2])
def test_the_steps_of_a_script_are_not_clipped_by_us_and_that_is_said(file: Any, steps: int) -> None:
    evidence = file.evidence(NET + MAIN, script=True, clip=1e-2, training=Training(steps) if steps else None)
    assert evidence.clipped.own == pytest.approx(1e-2, rel=1e-3)
    assert all(step.norm > 1e-2 and step.clipped is None for step in evidence.steps)
    told = "--clip shows what clipping would do; the script's own steps are not clipped by it"
    assert (told in evidence.notes) is bool(steps)


def test_a_class_that_a_main_guard_trains_is_looked_at_as_it_is_trained(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.last = nn.Linear(3, 1)
            def forward(self, x):
                return self.last(x)
        if __name__ == "__main__":
            net = Net()
            optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
            for _ in range(2):
                optimizer.zero_grad()
                net(torch.ones(5, 3)).sum().backward()
                optimizer.step()
    """)
    assert (evidence.route, evidence.model, evidence.kind, evidence.batch) == ("script", "net", "Net", 5)
    assert evidence.norm == pytest.approx(5 * 2)


def test_a_class_whose_main_guard_fails_is_looked_at_by_itself(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Net(nn.Linear):
            def __init__(self):
                super().__init__(3, 1)
        if __name__ == "__main__":
            open("no such data")
    """)
    assert (evidence.route, evidence.model) == ("class", "Net")


def test_several_steps_of_a_script_are_told_where_they_are_asked_for(file: Any) -> None:
    text = NET + LOOP.replace("1e-3", "1e9").replace("range(3)", "range(9)")
    evidence = file.evidence(text, training=Training(4))
    own = "losses, norms = [], []\n" + LOOP.replace(
        "    nn.utils.clip_grad_norm_(net.parameters(), 1e-3)\n",
        "    losses.append(float(loss.detach()))\n"
        "    norms.append(float(nn.utils.clip_grad_norm_(net.parameters(), 1e9)))\n",
    ).replace('raise AssertionError("trained to the end")', "json.dump([losses, norms], open('truth.json', 'w'))")
    file.evidence(NET + own, name="net")
    losses, norms = file.wrote()
    assert [step.step for step in evidence.steps] == [1, 2, 3, 4]
    assert [step.loss for step in evidence.steps[:3]] == pytest.approx(losses, rel=1e-12)
    assert [step.norm for step in evidence.steps[:3]] == pytest.approx(norms, rel=1e-12)
    assert (evidence.norm, evidence.loss.value) == (evidence.steps[0].norm, evidence.steps[0].loss)


def test_a_step_of_a_script_whose_gradient_is_not_finite_names_the_parameter(file: Any) -> None:
    evidence = file.evidence(
        """
        import torch
        v = torch.tensor(1.0, requires_grad=True)
        w = torch.tensor(4.0, requires_grad=True)
        for _ in range(5):
            v.grad = w.grad = None
            (v + w.sqrt()).backward()
            with torch.no_grad():
                w -= 8
        """,
        training=Training(3),
    )
    assert [step.nonfinite for step in evidence.steps] == ["", "w", "w"]
    assert evidence.norm == pytest.approx((1 + 1 / 16) ** 0.5)


def test_bare_tensors_updated_by_hand(file: Any) -> None:
    text = """
        import torch
        w = torch.tensor([10.0, 10.0], dtype=torch.float64, requires_grad=True)
        b = torch.zeros((), dtype=torch.float64, requires_grad=True)
        x = torch.tensor([[10.0, 10], [5, 5], [-10, -10]], dtype=torch.float64)
        y = torch.tensor([1.0, 0.5, -1.0], dtype=torch.float64)
        for i in range(5):
            loss = ((x @ w + b - y) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
                b -= 0.1 * b.grad
                w.grad.zero_()
                b.grad.zero_()
    """
    evidence = file.evidence(text)
    assert [p.name for p in evidence.parameters] == ["w", "b"]
    # residuals 199, 99.5 and -199
    assert evidence.loss.value == pytest.approx((199**2 * 2 + 99.5**2) / 3, rel=1e-12)
    dw, db = 2 * (199 * 10 * 2 + 99.5 * 5) / 3, 2 * 99.5 / 3
    assert evidence.norm == pytest.approx((2 * dw**2 + db**2) ** 0.5, rel=1e-12)
    assert evidence.zeroed is True
    several = file.evidence(text, training=Training(5))
    assert [step.norm for step in several.steps] == pytest.approx(
        [4221.95, 122468, 3.5525e6, 1.0305e8, 2.9892e9], rel=1e-3
    )


def test_tensors_inside_plain_classes_are_named_by_their_attributes(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        class Net:
            def __init__(self):
                self.w, self.more = torch.ones(3, 4, requires_grad=True), {"b": torch.zeros(4, requires_grad=True)}
        class Trainer:
            def __init__(self):
                self.net = Net()
            def run(self):
                loss = torch.relu(torch.ones(2, 3) @ self.net.w + self.net.more["b"]).sum()
                loss.backward()
        Trainer().run()
    """)
    assert [p.name for p in evidence.parameters] == ["net.w", "net.more['b']"]
    assert [layer.activation for layer in evidence.layers] == ["relu"]
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx([2 * 12**0.5, 2 * 4**0.5])


def test_a_model_that_a_trainer_keeps_is_found(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Trainer:
            def __init__(self):
                self.net = nn.Linear(2, 1)
                self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.5)
            def step(self, x):
                self.optimizer.zero_grad()
                self.loss = self.net(x).pow(2).mean()
                self.loss.backward()
                self.optimizer.step()
        trainer = Trainer()
        for _ in range(3):
            trainer.step(torch.ones(4, 2))
    """)
    assert (evidence.model, evidence.kind, evidence.batch) == ("net", "Linear", 4)
    assert [p.name for p in evidence.parameters] == ["weight", "bias"]
    assert [p.rate for p in evidence.parameters] == [0.5, 0.5]


def test_several_losses_before_one_step_count_together(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for part in (3.0, 4.0):
            (part * w).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        (100 * w).sum().backward()
    """)
    assert evidence.norm == pytest.approx(7 * 2**0.5)
    assert evidence.loss.value == pytest.approx(21.0)


@pytest.mark.parametrize("parts", [2, 4])
def test_accumulation_over_several_backward_passes_is_the_full_batch(file: Any, truth: str, parts: int) -> None:
    file.evidence(truth + NET + OWN, name="net")
    evidence = file.evidence(
        NET
        + f"""
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for i, (a, b) in enumerate(list(zip(x.chunk({parts}), y.chunk({parts}))) * 3):
    (criterion(net(a), b) / {parts}).backward()
    if (i + 1) % {parts} == 0:
        optimizer.step()
        optimizer.zero_grad()
"""
    )
    told = file.wrote()
    assert evidence.norm == pytest.approx(told["global"], rel=1e-12)
    assert evidence.loss.value == pytest.approx(told["loss"], rel=1e-12)
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-12)
    assert evidence.zeroed is True


@pytest.mark.parametrize(
    ("clear", "zeroed"),
    [("", False), ("optimizer.zero_grad()", True), ("optimizer.zero_grad(set_to_none=False)", True)],
)
def test_gradients_that_are_not_cleared_are_noticed(file: Any, clear: str, zeroed: bool) -> None:
    evidence = file.evidence(
        NET
        + f"""
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(4):
    loss = criterion(net(x), y)
    {clear}
    loss.backward()
    optimizer.step()
"""
    )
    assert evidence.zeroed is zeroed


ADVERSARIAL = """
import torch
from torch import nn
torch.manual_seed(1)
make = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
judge = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 1))
loss = nn.BCEWithLogitsLoss()
first, second = torch.optim.Adam(judge.parameters(), lr=1e-4), torch.optim.SGD(make.parameters(), lr=1e-2)
real, noise = torch.randn(16, 2), torch.randn(16, 4)
for _ in range(3):
    first.zero_grad()
    fake = make(noise)
    good, bad = judge(real), judge(fake{detach})
    (loss(good, torch.ones_like(good)) + loss(bad, torch.zeros_like(bad))).backward()
    first.step()
    second.zero_grad()
    fooled = judge(fake)
    loss(fooled, torch.ones_like(fooled)).backward()
    second.step()
"""


def test_of_two_models_with_an_optimizer_each_the_first_step_is_looked_at(file: Any) -> None:
    evidence = file.evidence(ADVERSARIAL.format(detach=".detach()"))
    assert (evidence.model, evidence.optimizer.kind) == ("judge", "Adam")
    assert [p.name for p in evidence.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"] or all(
        p.name.startswith("judge.") for p in evidence.parameters
    )
    assert all(p.gradient is not None and p.rate == 1e-4 for p in evidence.parameters)
    assert evidence.notes == ["make ran too; this loss does not reach it, and this Adam does not hold it"]
    assert evidence.zeroed is None, "another loss begins; old gradients may be left over"


def test_a_loop_of_autograd_grad_is_looked_at_too(file: Any, truth: str) -> None:
    file.evidence(truth + NET + OWN, name="net")
    evidence = file.evidence(
        NET
        + """
for _ in range(3):
    loss = criterion(net(x), y)
    grads = torch.autograd.grad(loss, net.parameters())
    with torch.no_grad():
        for p, g in zip(net.parameters(), grads):
            p -= 0.1 * g
assert all(p.grad is None for p in net.parameters())
raise AssertionError("trained to the end")
"""
    )
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-12)
    assert evidence.zeroed in (True, None)


@pytest.mark.parametrize("model", ["net", "bare"])
@pytest.mark.parametrize("fresh", [True, False])
def test_a_gradient_penalty_is_part_of_the_loss(file: Any, model: str, *, fresh: bool) -> None:
    """The loss is w x^3 + (3 w x^2)^2 at w = 3, x = 2: its derivative by w is 8 + 2 * 144 * 3."""
    made = {
        "net": "net = nn.Linear(1, 1, bias=False)\nnn.init.constant_(net.weight, 3.0)\nheld = net.weight\n"
        "value = lambda x: net(x ** 3)\n",
        "bare": "held = torch.tensor([[3.0]], requires_grad=True)\nvalue = lambda x: held * x ** 3\n",
    }[model]
    evidence = file.evidence(
        "import torch\nfrom torch import nn\n"
        + made
        + "x = torch.tensor([[2.0]], requires_grad=True)\n"
        + f"""
optimizer = torch.optim.SGD([held], lr=0.1)
for _ in range(3):
    x = torch.tensor([[2.0]], requires_grad=True) if {fresh} else x
    out = value(x)
    (slope,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    loss = (out + slope ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
    )
    (row,) = evidence.parameters
    assert row.name == ("weight" if model == "net" else "held")
    assert row.gradient.norm == evidence.norm == pytest.approx(8 + 2 * 144 * 3)
    assert evidence.zeroed in (True, None)
    assert evidence.loss.value == pytest.approx(3 * 8 + (3 * 12) ** 2)
    assert evidence.loss.source.startswith("model.py:")
    assert (
        "loss.backward()"
        in (file.folder / "model.py").read_text().splitlines()[int(evidence.loss.source.partition(":")[2]) - 1]
    )


def test_an_attack_on_the_data_is_no_part_of_the_loss(file: Any, truth: str) -> None:
    """Inputs are moved along the sign of autograd.grad by the data; the training's own loss is that behind it."""
    attack = """
x = x.clone().requires_grad_()
(slope,) = torch.autograd.grad(criterion(net(x), y), x)
x = (x + 0.1 * slope.sign()).detach()
"""
    file.evidence(truth + NET + attack + OWN, name="net")
    evidence = file.evidence(NET + "for _ in range(3):" + attack.replace("\n", "\n    ") + STEP.replace("\n", "\n    "))
    told = file.wrote()
    assert evidence.loss.value == pytest.approx(told["loss"], rel=1e-12)
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-12)


def test_the_inner_steps_of_meta_learning_are_no_loss_of_their_own(file: Any) -> None:
    """From w = 1 an inner step on w^2 goes to w - 0.2 w; the outer loss is its square: 0.64 w^2, with slope 1.28."""
    evidence = file.evidence("""
        import torch
        w = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for _ in range(2):
            (slope,) = torch.autograd.grad(w ** 2, [w], create_graph=True)
            fast = w - 0.1 * slope
            optimizer.zero_grad()
            (fast ** 2).backward()
            optimizer.step()
    """)
    assert [p.name for p in evidence.parameters] == ["w"]
    assert (evidence.loss.value, evidence.norm) == pytest.approx((0.64, 1.28), rel=1e-12)
    assert evidence.zeroed is True


def test_the_closure_of_lbfgs_is_looked_at_once(file: Any, truth: str) -> None:
    file.evidence(truth + NET + OWN, name="net")
    evidence = file.evidence(
        NET
        + """
optimizer = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=4)
def closure():
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    return loss
for _ in range(3):
    optimizer.step(closure)
"""
    )
    told = file.wrote()
    assert evidence.norm == pytest.approx(told["global"], rel=1e-12)
    assert evidence.loss.value == pytest.approx(told["loss"], rel=1e-12)
    assert evidence.optimizer.kind == "LBFGS"
    assert all(p.group == 0 for p in evidence.parameters)


def test_autocast_on_the_cpu_leaves_single_precision_weights_and_half_layers(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        for _ in range(3):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = net(torch.ones(8, 4)).float().pow(2).mean()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    """)
    assert {p.dtype for p in evidence.parameters} == {"float32"}
    assert all(p.gradient.norm > 0 for p in evidence.parameters[2:])
    assert [layer.kind for layer in evidence.layers] == ["Linear", "ReLU", "Linear"]
    assert evidence.optimizer.kind == "SGD"


STEP = """
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
optimizer.zero_grad()
criterion(net(x), y).backward()
optimizer.step()
"""
ENDS = {
    "exits": "import sys\nsys.exit(0)\n",
    "fails": "raise ValueError('no checkpoint folder')\n",
    "just ends": "print('done')\n",
    "interrupts itself": "raise KeyboardInterrupt\n",
}


@pytest.mark.parametrize("end", ENDS)
def test_what_happens_behind_the_first_step_does_not_matter(file: Any, truth: str, end: str) -> None:
    file.evidence(truth + NET + OWN, name="net")
    evidence = file.evidence(NET + STEP + ENDS[end])
    assert evidence.norm == pytest.approx(file.wrote()["global"], rel=1e-12)
    assert (evidence.route, evidence.zeroed) == ("script", None)


def test_a_program_that_catches_everything_still_ends(file: Any) -> None:
    evidence = file.evidence(
        NET
        + STEP
        + """
for _ in range(5):
    try:
        criterion(net(x), y).backward()
        optimizer.step()
    except Exception:
        pass
open("ended", "w").close()
"""
    )
    assert evidence.norm > 0
    assert not (file.folder / "ended").exists()


def test_a_script_is_asked_for_although_the_file_has_a_case(file: Any) -> None:
    text = NET + "def gradtool_case():\n    return net, x, y, criterion\n" + STEP
    assert file.evidence(text).route == "case"
    assert file.evidence(text, script=True).route == "script"


def test_the_program_sees_its_own_folder_name_and_arguments(file: Any) -> None:
    (file.folder / "helper.py").write_text("WIDTH = 4\n", encoding="utf-8")
    file.evidence(
        """
        import json, sys
        from pathlib import Path
        import torch
        from helper import WIDTH
        w = torch.ones(WIDTH, requires_grad=True)
        if __name__ == "__main__":
            told = [__name__, sys.argv == [__file__], Path.cwd() == Path(__file__).parent]
            json.dump(told, open("truth.json", "w"))
            w.sum().backward()
        """,
        script=True,
    )
    assert file.wrote() == ["__main__", True, True]


def test_shared_layers_of_two_models_under_one_loss_keep_their_models_names(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        encoder, decoder = nn.Linear(4, 2), nn.Linear(2, 4)
        optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            decoder(torch.tanh(encoder(torch.ones(3, 4)))).pow(2).mean().backward()
            optimizer.step()
    """)
    assert evidence.model == "encoder, decoder"
    assert [p.name for p in evidence.parameters] == [
        "encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias",
    ]  # fmt: skip
    assert [layer.name for layer in evidence.layers] == ["encoder", "tanh", "decoder"]
    assert evidence.zeroed is True


def test_nan_in_a_script_is_told_with_the_step(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        w = torch.tensor(-1.0, requires_grad=True)
        w.sqrt().backward()
    """)
    assert evidence.parameters[0].gradient.nan == 1
    assert evidence.norm != evidence.norm
    assert json.dumps(evidence.loss.value) == "NaN"


def test_an_optimizer_of_another_copy_of_the_model_is_told(file: Any) -> None:
    evidence = file.evidence("""
        import copy
        import torch
        from torch import nn
        net = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(copy.deepcopy(net).parameters(), lr=0.1)
        for _ in range(2):
            net(torch.ones(5, 3)).sum().backward()
            optimizer.step()
    """)
    assert [p.group for p in evidence.parameters] == [None, None]
    assert (evidence.optimizer.kind, evidence.optimizer.foreign) == ("SGD", 2)


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_a_look_at_the_validation_data_is_no_part_of_the_training(file: Any, truth: str, mode: str) -> None:
    file.evidence(truth + NET + OWN, name="net")
    evidence = file.evidence(
        NET
        + f"""
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    with torch.{mode}():
        right = net(100 * torch.ones(5, 4).double()).softmax(-1).argmax(-1)
    optimizer.zero_grad()
    output = net(x)
    with torch.{mode}():
        right = output.softmax(-1).argmax(-1)
    criterion(output, y).backward()
    optimizer.step()
"""
    )
    assert evidence.norm == pytest.approx(file.wrote()["global"], rel=1e-12)
    assert [(layer.name, layer.calls, layer.shape) for layer in evidence.layers] == [
        ("0", 1, (16, 8)), ("1", 1, (16, 8)), ("2", 1, (16, 3)),
    ]  # fmt: skip
    assert evidence.batch == 16
    assert all(layer.gradient > 0 and layer.largest < 50 for layer in evidence.layers)
    assert evidence.head.activation == ""


def test_a_backbone_without_gradients_still_shows_its_layers(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        backbone, last = nn.Sequential(nn.Linear(4, 8), nn.Tanh()), nn.Linear(8, 1)
        optimizer = torch.optim.SGD([*backbone.parameters(), *last.parameters()], lr=0.1)
        for _ in range(2):
            with torch.no_grad():
                features = backbone(torch.ones(8, 4))
            optimizer.zero_grad()
            last(features).pow(2).mean().backward()
            optimizer.step()
    """)
    assert [(layer.name, layer.gradient is None) for layer in evidence.layers] == [
        ("backbone.0", True), ("backbone.1", True), ("backbone", True), ("last", False),
    ]  # fmt: skip


def test_a_loader_with_processes_of_its_own_ends_them(file: Any) -> None:
    """A forked process closes its stdin at its end; it hung where a thread of ours was reading that."""
    evidence = file.evidence("""
        import torch
        from torch import nn
        from torch.utils.data import DataLoader, TensorDataset
        loader = DataLoader(TensorDataset(torch.randn(32, 4), torch.randn(32, 1)), batch_size=8, num_workers=1)
        net = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            for x, y in loader:
                optimizer.zero_grad()
                nn.functional.mse_loss(net(x), y).backward()
                optimizer.step()
    """)
    assert (evidence.batch, evidence.zeroed) == (8, True)


def test_a_program_that_asks_for_input_gets_none_and_the_next_request_is_whole(file: Any) -> None:
    failure = file.failure("import torch\nname = input('which? ')\n")
    assert "EOFError" in failure.message
    assert "(model.py:2: " in failure.message
    assert file.evidence(NET + STEP).norm > 0


def test_modules_inside_transforms_of_torch_func_are_passed_by(file: Any) -> None:
    """Their tensors have no memory that could be looked at; the loop's own call has."""
    evidence = file.evidence("""
        import torch
        from torch.func import functional_call, grad, vmap
        net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        x, y = torch.randn(8, 3), torch.randn(8, 1)
        def one(params, x, y):
            return ((functional_call(net, params, (x,)) - y) ** 2).mean()
        for _ in range(2):
            each = vmap(grad(one), (None, 0, 0))(dict(net.named_parameters()), x, y)
            optimizer.zero_grad()
            ((net(x) - y) ** 2).mean().backward()
            optimizer.step()
    """)
    assert [(layer.name, layer.calls, layer.samples) for layer in evidence.layers] == [
        ("0", 1, 8),
        ("1", 1, 8),
        ("2", 1, 8),
    ]


def test_calls_on_single_samples_are_counted_as_samples(file: Any) -> None:
    """A policy that is asked step by step: its output is a vector, whose length is no batch."""
    evidence = file.evidence("""
        import torch
        policy = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.Tanh(), torch.nn.Linear(32, 2))
        optimizer = torch.optim.SGD(policy.parameters(), 0.1)
        sum(policy(torch.randn(4)).logsumexp(0) for _ in range(10)).backward()
        optimizer.step()
    """)
    assert evidence.batch == 10
    assert [(layer.calls, layer.samples) for layer in evidence.layers] == [(10, 10)] * 3
