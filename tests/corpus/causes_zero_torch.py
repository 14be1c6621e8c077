"""Programs in PyTorch in which a gradient is exactly zero: the kind of each cause, and its line, marked in the text.

The marked line, replaced by ``healthy``, makes the healthy twin.
"""

from __future__ import annotations

from corpus.programs import Case

__all__ = ["CASES"]

CASES = [
    Case("softmax over an axis of one", "softmax_of_one", """
model = nn.Linear(4, 1)
p = torch.softmax(model(torch.randn(8, 4)), dim=1)  # <- here
loss = F.mse_loss(p, torch.zeros(8, 1))
""", "p = torch.sigmoid(model(torch.randn(8, 4)))"),
    Case("softmax in Sequential", "softmax_of_one", """
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1), nn.Softmax(dim=-1))
out = model(torch.randn(8, 4))  # <- here
loss = ((out - 0.5) ** 2).mean()
""", "out = model[:3](torch.randn(8, 4))"),
    Case("cross-entropy of one class", "softmax_of_one", """
model = nn.Linear(4, 1)
loss = F.cross_entropy(model(torch.randn(8, 4)), torch.zeros(8, dtype=torch.long))  # <- here
""", "loss = F.binary_cross_entropy_with_logits(model(torch.randn(8, 4)), torch.zeros(8, 1))"),
    Case("dead units", "dead_relu", """
first, second = nn.Linear(4, 8), nn.Linear(8, 1)
nn.init.constant_(first.bias, -100.0)
h = F.relu(first(torch.randn(8, 4)))  # <- here
loss = second(h + 1).mean()
""", "h = F.gelu(first(torch.randn(8, 4)) + 100)"),
    Case("dead units in a module in a loop", "dead_relu", """
class Block(nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        nn.init.constant_(self.inner.bias, bias)

    def forward(self, x):
        h = self.inner(x)
        return torch.relu(h)  # <- here


model = nn.Sequential(*[Block(b) for b in (0.0, -50.0)], nn.Flatten())
loss = (model(torch.randn(8, 4)) - 1).pow(2).sum()
""", "return F.leaky_relu(h)"),
    Case("clamped away", "clamp", """
w = torch.tensor([5.0, 7.0], requires_grad=True)
bounded = w.clamp(0, 1)  # <- here
loss = (bounded * torch.tensor([1.0, 2.0])).sum()
""", "bounded = w.clamp(0, 10)"),
    Case("a hard tanh in a list comprehension", "clamp", """
weights = [torch.full((2,), 9.0, requires_grad=True) for _ in range(3)]
parts = [F.hardtanh(v).sum() for v in weights]  # <- here
loss = sum(parts)
""", "parts = [torch.tanh(v / 9).sum() for v in weights]"),
    Case("clamped from below", "clamp", """
w = torch.tensor([-5.0], requires_grad=True)
loss = torch.clamp(w, min=0.1).log().sum()  # <- here
""", "loss = torch.clamp(w, min=-6).sum()"),
    Case("a saturated sigmoid in float32", "saturated", """
model = nn.Linear(2, 1)
p = torch.sigmoid(model(torch.ones(4, 2)) + 200)  # <- here
loss = F.mse_loss(p, torch.zeros(4, 1))
""", "p = torch.sigmoid(model(torch.ones(4, 2)))"),
    Case("a saturated tanh in a lambda", "saturated", """
squash = lambda v: torch.tanh(v)  # <- here
w = torch.tensor([50.0, -60.0], requires_grad=True)
loss = (squash(w) * torch.tensor([1.0, 3.0])).sum()
""", "squash = lambda v: torch.tanh(v / 50)"),
    Case("a saturated softmax", "saturated", """
w = torch.tensor([[900.0, 0.0, -900.0]], requires_grad=True)
p = torch.softmax(w, dim=1)  # <- here
loss = (p - torch.tensor([[0.0, 0.5, 0.5]])).pow(2).sum()
""", "p = torch.softmax(w / 900, dim=1)"),
    Case("an exponential that is 0", "saturated", """
w = torch.tensor([200.0, 300.0], requires_grad=True)
loss = torch.exp(-w).sum()  # <- here
""", "loss = torch.exp(-w / 200).sum()"),
    Case("times a number that is 0", "zero_factor", """
model = nn.Linear(3, 3)
weight = 0.0
loss = weight * model(torch.randn(2, 3)).sum()  # <- here
""", "loss = 0.5 * model(torch.randn(2, 3)).sum()"),
    Case("a gate that begins at 0", "zero_factor", """
gate = nn.Parameter(torch.zeros(()))
branch = nn.Linear(3, 3)
x = torch.randn(2, 3)
h = x + gate * branch(x)  # <- here
loss = (h**2).sum()
""", "h = x + (gate + 1) * branch(x)"),
    Case("the down projection of LoRA", "zero_factor", """
down, up = nn.Linear(4, 2, bias=False), nn.Linear(2, 4, bias=False)
nn.init.zeros_(up.weight)
x = torch.randn(3, 4)
low = down(x)
h = x + up(low)  # <- here
loss = (h**2).mean()
""", "h = x + F.linear(low, up.weight + 1)"),
    Case("the gamma of the last norm", "zero_factor", """
model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
nn.init.zeros_(model[1].weight)
h = model(torch.randn(3, 4))  # <- here
loss = (h * torch.arange(4.0) + h).sum()
""", "h = F.layer_norm(model[0](torch.randn(3, 4)), (4,))"),
    Case("a convolution of zeros", "zero_factor", """
first, second = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 3)
nn.init.zeros_(second.weight)
h = first(torch.randn(1, 1, 8, 8))
out = second(h)  # <- here
loss = (out - 1).pow(2).mean()
""", "out = h"),
    Case("an input of zeros", "zero_factor", """
model = nn.Linear(3, 2, bias=False)
x = torch.zeros(4, 3)
loss = (model(x) - 1).pow(2).sum()  # <- here
""", "loss = (model(x + 1) - 1).pow(2).sum()"),
    Case("a square at 0", "zero_factor", """
w = torch.zeros(3, requires_grad=True)
loss = (w**2).sum() + 1  # <- here
""", "loss = ((w - 1) ** 2).sum() + 1"),
    Case("a mask of zeros", "mask", """
model = nn.Linear(3, 3)
valid = torch.zeros(4, 1)
losses = model(torch.randn(4, 3)) ** 2
loss = (losses * valid).sum()  # <- here
""", "loss = (losses * (valid + 1)).sum()"),
    Case("filled where it is masked", "mask", """
model = nn.Linear(3, 3)
hidden = model(torch.randn(4, 3)).masked_fill(torch.ones(4, 3, dtype=torch.bool), 0.5)  # <- here
loss = (hidden**2).sum()
""", "hidden = model(torch.randn(4, 3))"),
    Case("every label ignored, summed", "mask", """
model = nn.Linear(3, 3)
labels = torch.full((4,), -100)
loss = F.cross_entropy(model(torch.randn(4, 3)), labels, reduction="sum")  # <- here
""", 'loss = F.cross_entropy(model(torch.randn(4, 3)), labels * 0, reduction="sum")'),
    Case("a padding row alone", "mask", """
table = nn.Embedding(5, 3, padding_idx=0)
rows = table(torch.tensor([0, 0]))  # <- here
loss = (rows - 1).pow(2).sum()
""", "rows = table(torch.tensor([0, 1]))"),
    Case("everything dropped", "mask", """
model = nn.Linear(3, 3)
drop = torch.zeros(2, 3)
h = model(torch.randn(2, 3))
kept = h * drop  # <- here
loss = (kept + 1).pow(2).sum()
""", "kept = h * (1 - drop)"),
    Case("rounding", "rounding", """
model = nn.Linear(3, 3)
q = torch.round(model(torch.randn(2, 3)) * 8) / 8  # <- here
loss = (q - 1).pow(2).sum()
""", "q = model(torch.randn(2, 3))"),
    Case("the sign in a function of another file", "rounding", """
from other import binary

w = torch.randn(4, requires_grad=True)
loss = (binary(w) - 0.5).pow(2).sum()
# file other.py
import torch


def binary(x):
    y = 2 * x
    return torch.sign(y)  # <- here
# end
""", "return torch.tanh(y)"),
    Case("where takes the other branch", "selection", """
w = torch.tensor([1.0, 2.0], requires_grad=True)
v = torch.tensor([3.0, 4.0], requires_grad=True)
taken = torch.where(torch.tensor([False, False]), w, v)  # <- here
loss = (taken**2).sum()
""", "taken = torch.where(torch.tensor([False, True]), w, v)"),
    Case("the maximum is the other one", "selection", """
w = torch.tensor([1.0, 2.0], requires_grad=True)
larger = torch.maximum(w, torch.tensor([3.0, 4.0]))  # <- here
loss = larger.sum()
""", "larger = torch.maximum(w, torch.tensor([0.0, 4.0]))"),
    Case("a row that is not indexed", "selection", """
a, b = (torch.randn(2, requires_grad=True) for _ in range(2))
both = torch.stack([a, b])
chosen = both[1:]  # <- here
loss = (chosen**2).sum()
""", "chosen = both"),
    Case("a custom Function that loses it", "other", """
class Quantised(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 0  # <- here


w = torch.randn(3, requires_grad=True)
loss = Quantised.apply(w).sum()
""", "return g * 2"),
    Case("a checkpoint", "dead_relu", """
from torch.utils.checkpoint import checkpoint

model = nn.Linear(3, 3)


def block(x):
    h = model(x) - 100
    return torch.relu(h)  # <- here


loss = (checkpoint(block, torch.randn(2, 3), use_reentrant=False) + 1).sum()
""", "return torch.sigmoid(h + 100)"),
    Case("a reentrant checkpoint", "dead_relu", """
from torch.utils.checkpoint import checkpoint

model = nn.Linear(3, 3)


def block(x):
    h = model(x) - 100
    return torch.relu(h)  # <- here


loss = (checkpoint(block, torch.randn(2, 3, requires_grad=True), use_reentrant=True) + 1).sum()
""", "return torch.sigmoid(h + 100)"),
    Case("a compiled function", "dead_relu", """
@torch.compile
def block(x):
    h = x - 100
    return torch.relu(h)  # <- here


w = torch.randn(3, requires_grad=True)
loss = (block(w) + w.detach()).sum()
""", "return torch.tanh(h + 100)"),
    Case("too small for float16", "underflow", """
w = torch.randn(3, requires_grad=True)
half = w.half() * 1
scaled = half.float() * 1e-9  # <- here
loss = scaled.sum()
""", "scaled = half.float()"),
    Case("autocast", "saturated", """
model = nn.Linear(2, 1)
with torch.autocast("cpu", dtype=torch.bfloat16):
    h = model(torch.ones(4, 2)) + 100
    p = torch.sigmoid(h)  # <- here
loss = ((p.float() - 0.5) ** 2).sum()
""", "p = torch.sigmoid(h - 101)"),
    Case("its uses cancel out", "other", """
w = torch.randn(3, requires_grad=True)
sign = -1
v = w * 2  # <- here
loss = (v + sign * v).sum() + 1
""", "v, sign = w * 2, 1"),
    Case("layer norm over one number", "norm_of_one", """
model = nn.Linear(3, 1)
h = F.layer_norm(model(torch.randn(4, 3)), (1,))  # <- here
loss = (h - 1).pow(2).sum()
""", "h = model(torch.randn(4, 3))"),
    Case("a complex product", "zero_factor", """
w = torch.tensor([1 + 1j, 2j], requires_grad=True)
loss = (w * torch.zeros((), dtype=torch.complex64)).real.sum()  # <- here
""", "loss = (w * torch.ones((), dtype=torch.complex64)).real.sum()"),
    Case("a sparse embedding", "saturated", """
table = nn.Embedding(4, 2, sparse=True)
rows = table(torch.tensor([1, 2])) + 300
loss = torch.sigmoid(rows).sum()  # <- here
""", "loss = torch.sigmoid(rows - 300).sum()"),
]  # fmt: skip
