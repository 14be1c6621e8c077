"""Faults of training loops in PyTorch, each with loops that look alike and are right."""

from __future__ import annotations

from corpus.loop_case import LoopCase

__all__ = ["CASES"]

START = """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.05)
x, y = torch.randn(64, 4), torch.randn(64, 1)
def loss_of(part=slice(None)):
    return nn.functional.mse_loss(net(x[part]), y[part])
"""

ADAM = START.replace("SGD(net.parameters(), lr=0.05)", "Adam(net.parameters())")

SCALED = START + 'scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)\n'

DROPPED = START.replace("nn.Tanh(),", "nn.Tanh(), nn.Dropout(0.1),")

CASES = [
    LoopCase(
        "zero_grad_missing", "GT130", "added to the gradients of the first", "zero_grad()",
        """
for _ in range(4):
    loss = loss_of()
    loss.backward()  # <- here
    opt.step()
""",
        (
            """
for _ in range(4):
    opt.zero_grad()
    loss_of().backward()
    opt.step()
""",
            """
for i in range(8):
    (loss_of(slice(16 * (i % 4), 16 * (i % 4) + 16)) / 4).backward()
    if i % 4 == 3:
        opt.step()
        opt.zero_grad()
""",
            """
for _ in range(4):
    opt.zero_grad()
    hidden = net[:2](x)
    (net[2](hidden) - y).pow(2).mean().backward(retain_graph=True)
    (1e-3 * hidden.abs().mean()).backward()
    opt.step()
""",
        ),
        start=START,
    ),
    LoopCase(
        "sum_of_micro_batches", "GT151", "is 4 times", "(loss / 4).backward()",
        """
for i in range(8):
    loss = loss_of(slice(16 * (i % 4), 16 * (i % 4) + 16))
    loss.backward()  # <- here
    if i % 4 == 3:
        opt.step()
        opt.zero_grad()
""",
        (
            """
for i in range(8):
    loss = loss_of(slice(16 * (i % 4), 16 * (i % 4) + 16)) / 4
    loss.backward()
    if i % 4 == 3:
        opt.step()
        opt.zero_grad()
""",
            """
for i in range(8):
    part = slice(16 * (i % 4), 16 * (i % 4) + 16)
    loss = nn.functional.mse_loss(net(x[part]), y[part], reduction="sum")
    loss.backward()
    if i % 4 == 3:
        opt.step()
        opt.zero_grad()
""",
            """
for i in range(8):
    loss = loss_of(slice(16 * (i % 4), 16 * (i % 4) + 16))
    loss.backward()
    if i % 4 == 3:
        for p in net.parameters():
            p.grad /= 4
        opt.step()
        opt.zero_grad()
""",
            """
for _ in range(3):
    opt.zero_grad()
    for function in (nn.functional.mse_loss, nn.functional.l1_loss):
        function(net(x), y).backward()
    opt.step()
""",
            """
for _ in range(3):
    opt.zero_grad()
    for noise in range(4):
        (0.25 * loss_of(slice(16 * noise, 16 * noise + 16))).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 0.1)
    opt.step()
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "sum_of_micro_batches_by_a_loss_module", "GT151", "2 times", "loss / 2",
        """
criterion = nn.CrossEntropyLoss()
wide = nn.Linear(4, 3)
opt = torch.optim.SGD(wide.parameters(), lr=0.1, momentum=0.9)
for _ in range(3):
    opt.zero_grad()
    for part in (slice(0, 32), slice(32, 64)):
        criterion(wide(x[part]), y[part, 0].long().clamp(0, 2)).backward()  # <- here
    opt.step()
""",
        (
            """
criterion = nn.CrossEntropyLoss(reduction="none")
wide = nn.Linear(4, 3)
opt = torch.optim.SGD(wide.parameters(), lr=0.1, momentum=0.9)
for _ in range(3):
    opt.zero_grad()
    for part in (slice(0, 32), slice(32, 64)):
        (criterion(wide(x[part]), y[part, 0].long().clamp(0, 2)).sum() / 64).backward()
    opt.step()
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "sum_of_micro_batches_under_adam", "GT151", "Adam", "loss / 4",
        """
for i in range(8):
    loss_of(slice(16 * (i % 4), 16 * (i % 4) + 16)).backward()  # <- here
    if i % 4 == 3:
        opt.step()
        opt.zero_grad()
""",
        (),
        "note",
        ADAM,
    ),
    LoopCase(
        "sum_of_scaled_micro_batches", "GT151", "2 times", "loss / 2",
        """
for _ in range(3):
    opt.zero_grad()
    for part in (slice(0, 32), slice(32, 64)):
        scaler.scale(loss_of(part)).backward()  # <- here
    scaler.step(opt)
    scaler.update()
""",
        (
            """
for _ in range(3):
    opt.zero_grad()
    for part in (slice(0, 32), slice(32, 64)):
        scaler.scale(loss_of(part) / 2).backward()
    scaler.step(opt)
    scaler.update()
""",
        ),
        "warning",
        SCALED,
    ),
    LoopCase(
        "backward_twice", "GT152", "model.py:14", "backward() once",
        """
for _ in range(3):
    opt.zero_grad()
    loss = loss_of()
    loss.backward(retain_graph=True)
    loss.backward()  # <- here
    opt.step()
""",
        (
            """
for _ in range(3):
    opt.zero_grad()
    out = net(x)
    loss, other = (out - y).pow(2).mean(), 0.1 * out.abs().mean()
    loss.backward(retain_graph=True)
    other.backward()
    opt.step()
""",
            """
for _ in range(3):
    opt.zero_grad()
    loss = loss_of()
    loss.backward(retain_graph=True)
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
            """
for _ in range(3):
    opt.zero_grad()
    loss = loss_of()
    grads = torch.autograd.grad(loss, list(net.parameters()), create_graph=True)
    (loss + 0.01 * sum(g.pow(2).sum() for g in grads)).backward()
    opt.step()
""",
        ),
        start=START,
    ),
    LoopCase(
        "running_sum_goes_backward_again", "GT152", "a part of this loss", "backward() once",
        """
for _ in range(3):
    opt.zero_grad()
    total = 0
    for part in (slice(0, 32), slice(32, 64)):
        total = total + loss_of(part) / 2
        total.backward(retain_graph=True)  # <- here
    opt.step()
""",
        (
            """
for _ in range(3):
    opt.zero_grad()
    total = 0
    for part in (slice(0, 32), slice(32, 64)):
        loss = loss_of(part) / 2
        loss.backward()
        total = total + loss.detach()
    opt.step()
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "step_before_backward", "GT145", "before", "behind backward()",
        """
for _ in range(4):
    opt.zero_grad()
    loss = loss_of()
    opt.step()  # <- here
    loss.backward()
""",
        (
            """
opt.zero_grad()
opt.step()
for _ in range(4):
    opt.zero_grad()
    loss = loss_of()
    loss.backward()
    opt.step()
""",
            """
for i in range(8):
    if i % 4 == 0:
        opt.step()
        opt.zero_grad()
    (loss_of(slice(16 * (i % 4), 16 * (i % 4) + 16)) / 4).backward()
""",
        ),
        start=START,
    ),
    LoopCase(
        "step_between_forward_and_backward", "GT150", "between", "behind backward()",
        """
flat = nn.Linear(4, 1)
opt = torch.optim.SGD(flat.parameters(), lr=0.05)
for _ in range(4):
    loss = (flat(x) - y).pow(2).mean()
    opt.step()  # <- here
    opt.zero_grad()
    loss.backward()
""",
        (
            """
flat = nn.Linear(4, 1)
opt = torch.optim.SGD(flat.parameters(), lr=0.05)
for _ in range(4):
    opt.step()
    opt.zero_grad()
    loss = (flat(x) - y).pow(2).mean()
    loss.backward()
""",
            """
from concurrent.futures import ThreadPoolExecutor
towers, head = nn.ModuleList(nn.Linear(4, 4) for _ in range(2)), nn.Linear(8, 1)
opt = torch.optim.SGD([*towers.parameters(), *head.parameters()], lr=0.05)
with ThreadPoolExecutor(2) as pool:
    for _ in range(4):
        parts = list(pool.map(lambda tower: torch.tanh(tower(x)), towers))
        loss = nn.functional.mse_loss(head(torch.cat(parts, 1)), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
""",
            """
actor, critic = nn.Linear(4, 2), nn.Linear(4, 1)
first, second = torch.optim.Adam(actor.parameters()), torch.optim.Adam(critic.parameters())
for _ in range(4):
    one, other = actor(x).pow(2).mean(), (critic(x) - y).pow(2).mean()
    first.zero_grad()
    one.backward()
    first.step()
    second.zero_grad()
    other.backward()
    second.step()
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "clipping_before_unscale", "GT153", "1024", "scaler.unscale_(",
        """
for _ in range(3):
    opt.zero_grad()
    scaler.scale(loss_of()).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # <- here
    scaler.step(opt)
    scaler.update()
""",
        (
            """
for _ in range(3):
    opt.zero_grad()
    scaler.scale(loss_of()).backward()
    scaler.unscale_(opt)
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    scaler.step(opt)
    scaler.update()
""",
            """
for _ in range(3):
    opt.zero_grad()
    scaler.scale(loss_of()).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0 * scaler.get_scale())
    scaler.step(opt)
    scaler.update()
""",
            """
off = torch.amp.GradScaler("cpu", enabled=False)
for _ in range(3):
    opt.zero_grad()
    off.scale(loss_of()).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    off.step(opt)
    off.update()
""",
        ),
        start=SCALED,
    ),
    LoopCase(
        "clipping_values_before_unscale", "GT153", "1024", "scaler.unscale_(",
        """
from torch.nn.utils import clip_grad_value_
for _ in range(3):
    opt.zero_grad()
    scaler.scale(loss_of()).backward()
    clip_grad_value_(net.parameters(), 0.5)  # <- here
    scaler.step(opt)
    scaler.update()
""",
        (),
        start=SCALED,
    ),
    LoopCase(
        "clipping_before_backward", "GT154", "no gradient", "between backward() and step()",
        """
for _ in range(3):
    opt.zero_grad()
    loss = loss_of()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # <- here
    loss.backward()
    opt.step()
""",
        (
            """
for _ in range(3):
    opt.zero_grad()
    loss = loss_of()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
""",
            """
for i in range(6):
    (loss_of() / 3).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    if i % 3 == 2:
        opt.step()
        opt.zero_grad()
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "clipping_behind_the_step", "GT154", "behind", "between backward() and step()",
        """
for _ in range(3):
    opt.zero_grad()
    loss_of().backward()
    opt.step()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # <- here
""",
        (),
        "warning",
        START,
    ),
    LoopCase(
        "clipping_of_nothing", "GT154", "no parameter", "list(",
        """
weights = net.parameters()
opt = torch.optim.SGD(weights, lr=0.05)
for _ in range(3):
    opt.zero_grad()
    loss_of().backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)  # <- here
    opt.step()
""",
        (
            """
weights = list(net.parameters())
opt = torch.optim.SGD(weights, lr=0.05)
for _ in range(3):
    opt.zero_grad()
    loss_of().backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    opt.step()
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "optimizer_made_before_a_layer_was_replaced", "GT120", "does not hold", "Make the optimizer last",
        """
opt = torch.optim.SGD(net.parameters(), lr=0.05)  # <- here
net[2] = nn.Linear(8, 1)
for _ in range(3):
    opt.zero_grad()
    loss_of().backward()
    opt.step()
""",
        (
            """
net[2] = nn.Linear(8, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.05)
for _ in range(3):
    opt.zero_grad()
    loss_of().backward()
    opt.step()
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "optimizer_of_another_model", "GT120", "does not hold", "Make the optimizer last",
        """
import copy
net = copy.deepcopy(net)
for _ in range(3):
    opt.zero_grad()
    net.zero_grad()
    loss_of().backward()
    opt.step()
""",
        (),
        "error",
        START.replace("lr=0.05)", "lr=0.05)  # <- here"),
    ),
    LoopCase(
        "loss_made_anew", "GT106", "got no gradient", "",
        """
for _ in range(3):
    opt.zero_grad()
    loss = torch.tensor(loss_of(), requires_grad=True)
    loss.backward()
    opt.step()
""",
        (),
        start=START,
    ),
    LoopCase(
        "loss_taken_as_a_number", "GT106", "got no gradient", "",
        """
for _ in range(3):
    opt.zero_grad()
    loss = torch.tensor([loss_of(slice(32)).item(), loss_of(slice(32, 64)).item()]).mean()
    loss.requires_grad_()
    loss.backward()
    opt.step()
""",
        (
            """
for _ in range(3):
    opt.zero_grad()
    loss = torch.stack([loss_of(slice(32)), loss_of(slice(32, 64))]).mean()
    loss.backward()
    print(loss.item())
    opt.step()
""",
        ),
        start=START,
    ),
    LoopCase(
        "evaluation_mode", "GT123", "evaluation mode", "model.train()",
        """
net.eval()
for _ in range(3):
    opt.zero_grad()
    loss_of().backward()
    opt.step()
""",
        (
            """
net.eval()
with torch.no_grad():
    loss_of()
net.train()
for _ in range(3):
    opt.zero_grad()
    loss_of().backward()
    opt.step()
""",
        ),
        "warning",
        DROPPED,
    ),
]  # fmt: skip
"""One row for each fault."""
