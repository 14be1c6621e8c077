"""Programs in PyTorch whose loss or gradient is not finite: the kind of each cause, and its line, marked in the text.

The marked line, replaced by ``healthy``, makes the healthy twin. A line ``# file NAME`` begins another file.
"""

from __future__ import annotations

from corpus.programs import Case

__all__ = ["CASES"]

CASES = [
    Case("log of a saturated softmax", "log_of_zero", """
model = nn.Linear(4, 3)
p = torch.softmax(model(torch.ones(2, 4) * 1000), dim=1)
loss = -torch.log(p).mean()  # <- here
""", "loss = -torch.log(p + 1e-6).mean()", fate="inf"),
    Case("log in a module's forward", "log_of_zero", """
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(self, x):
        y = F.softmax(self.inner(x) * 1e4, dim=1)
        z = y.log()  # <- here
        return z * 2


model = nn.Sequential(nn.Linear(3, 3), Head(), nn.Tanh())
loss = model(torch.randn(8, 3)).sum()
""", "z = (y + 1e-3).log()", "backward"),
    Case("log of a negative number", "log_of_negative", """
w = torch.tensor([-1.0, 2.0], requires_grad=True)
logs = [torch.log(v) for v in w]  # <- here
loss = sum(logs)
""", "logs = [torch.log(v.abs()) for v in w]"),
    Case("log1p at minus one", "log_of_zero", """
w = torch.tensor([-1.0, 0.5], requires_grad=True)
loss = torch.log1p(w).sum()  # <- here
""", "loss = torch.log1p(w / 2).sum()", fate="inf"),
    Case("normalising by a sum of zero", "zero_over_zero", """
w = torch.zeros(2, 3, requires_grad=True)


def normalised(x):
    total = x.sum(dim=1, keepdim=True)
    return x / total  # <- here


loss = normalised(F.relu(w)).sum()
""", "return x / (total + 1)"),
    Case("a reciprocal of a dead unit", "division_by_zero", """
layer = nn.Linear(3, 3)
nn.init.constant_(layer.bias, -100.0)
out = F.relu(layer(torch.randn(2, 3)))
scale = 1 / out  # <- here
loss = scale.mean()
""", "scale = 1 / (out + 1)", fate="inf"),
    Case("the distance of a point to itself", "sqrt_of_zero", """
points = torch.randn(4, 2, requires_grad=True)
apart = ((points[:, None] - points[None]) ** 2).sum(-1)
distance = apart.sqrt()  # <- here
loss = distance.sum()
""", "distance = (apart + 1e-6).sqrt()", "backward"),
    Case("a square root in a lambda", "sqrt_of_zero", """
root = lambda x: torch.sqrt(x)  # <- here
w = torch.zeros(3, requires_grad=True)
loss = root(w**2).sum()
""", "root = lambda x: torch.sqrt(x + 1)", "backward"),
    Case("a power of one half", "power_of_zero", """
w = torch.tensor([0.0, 1.0], requires_grad=True)
loss = (w**0.5).sum()  # <- here
""", "loss = (w**1.5).sum()", "backward", "inf"),
    Case("a negative power of zero", "power_of_zero", """
w = torch.tensor([0.0, 1.0], requires_grad=True)
loss = w.pow(-2).sum()  # <- here
""", "loss = w.pow(2).sum()", fate="inf"),
    Case("a broken power of a negative number", "power_of_negative", """
w = torch.tensor([-2.0, 1.0], requires_grad=True)
loss = w.pow(1.5).sum()  # <- here
""", "loss = w.pow(3).sum()"),
    Case("the root of a negative variance", "sqrt_of_negative", """
w = torch.full((4,), 1000.1, requires_grad=True)
variance = (w**2).mean() - w.mean() ** 2 - 1
loss = variance.sqrt()  # <- here
""", "loss = variance.abs().sqrt()"),
    Case("softmax by hand", "exp_overflow", """
model = nn.Linear(2, 3)
logits = model(torch.ones(1, 2) * 1e4)
e = torch.exp(logits)  # <- here
p = e / e.sum(dim=1, keepdim=True)
loss = (p**2).sum()
""", "e = torch.exp(logits - logits.max())"),
    Case("softplus by hand", "exp_overflow", """
w = torch.tensor([100.0, 1.0], requires_grad=True)
inner = w.exp()  # <- here
loss = torch.log(1 + inner).sum()
""", "inner = (w / 10).exp()", fate="inf"),
    Case("a sigmoid by hand, backward", "exp_overflow", """
w = torch.tensor([-100.0, 1.0], requires_grad=True)
e = torch.exp(-w)  # <- here
loss = (1 / (1 + e)).sum()
""", "e = torch.exp(-w / 10)"),
    Case("unit length of a padding row", "norm_of_zero", """
table = nn.Embedding(5, 3, padding_idx=0)
rows = table(torch.tensor([0, 1, 2]))
unit = rows / rows.norm(dim=1, keepdim=True)  # <- here
loss = unit.sum()
""", "unit = rows / (rows.norm(dim=1, keepdim=True) + 1e-6)"),
    Case("where over a logarithm", "where_trap", """
w = torch.tensor([0.0, 2.0], requires_grad=True)
safe = torch.log(w)  # <- here
loss = torch.where(w > 0, safe, torch.zeros_like(w)).sum()
""", "safe = torch.log(w.clamp(min=1e-6))", "backward"),
    Case("where over a quotient", "where_trap", """
w = torch.tensor([0.0, 2.0], requires_grad=True)


def sinc(x):
    quotient = torch.sin(x) / x  # <- here
    return torch.where(x == 0, 1.0, quotient)


loss = sinc(w).sum()
""", "quotient = torch.sin(x) / torch.where(x == 0, 1.0, x)", "backward"),
    Case("where over an exponential", "where_trap", """
w = torch.tensor([1.0, 200.0], requires_grad=True)
steep = torch.exp(w)  # <- here
loss = torch.where(w < 50, steep, w).sum()
""", "steep = torch.exp(w.clamp(max=50))", "backward"),
    Case("masked_fill over a root", "where_trap", """
w = torch.tensor([0.0, 4.0], requires_grad=True)
root = w.sqrt()  # <- here
loss = root.masked_fill(w == 0, 0.0).sum()
""", "root = (w + 1).sqrt()", "backward"),
    Case("where over a logarithm of the same line", "where_trap", """
w = torch.tensor([0.0, 4.0], requires_grad=True)
loss = torch.where(w > 0, w.log(), 0.0).sum()  # <- here
""", "loss = torch.where(w > 0, torch.where(w > 0, w, 1.0).log(), 0.0).sum()", "backward"),
    Case("selecting behind a logarithm", "where_trap", """
w = torch.tensor([0.0, 4.0, 1.0], requires_grad=True)
logs = w.log()  # <- here
loss = logs[w > 0].sum()
""", "logs = (w + 1).log()", "backward"),
    Case("a mask of zeros times a logarithm", "zero_times_inf", """
w = torch.tensor([0.0, 2.0], requires_grad=True)
mask = (w > 0).float()
logs = torch.log(w)
loss = (mask * logs).sum()  # <- here
""", "loss = (mask * torch.log(w + 1)).sum()"),
    Case("a cross-entropy by hand", "log_of_zero", """
model = nn.Linear(4, 3)
p = torch.softmax(model(torch.ones(2, 4) * 1000), dim=1)
y = F.one_hot(p.argmax(1), 3).float()
loss = -(y * torch.log(p)).sum(1).mean()  # <- here
""", "loss = F.cross_entropy(model(torch.ones(2, 4) * 1000), y)"),
    Case("a binary cross-entropy by hand", "log_of_zero", """
model = nn.Linear(4, 1)
p = torch.sigmoid(model(torch.ones(2, 4)).abs() * 1000)
y = torch.ones(2, 1)
loss = -(y * p.log() + (1 - y) * (1 - p).log()).mean()  # <- here
""", "loss = F.binary_cross_entropy_with_logits(model(torch.ones(2, 4)).abs() * 1000, y)"),
    Case("minus infinity times a mask of zeros", "zero_times_inf", """
keep = torch.tensor([1.0, 1.0, 0.0])
model = nn.Linear(3, 3)
bias = (1 - keep) * float("-inf")  # <- here
loss = -torch.softmax(model(torch.randn(2, 3)) + bias, dim=1)[:, 0].log().mean()
""", 'bias = torch.zeros(3).masked_fill(keep == 0, float("-inf"))'),
    Case("standardising a constant column", "zero_std", """
model = nn.Linear(2, 2)
x = torch.stack([torch.randn(8), torch.full((8,), 3.0)], dim=1)
mean, std = x.mean(0), x.std(0)
z = (x - mean) / std  # <- here
loss = model(z).sum()
""", "z = (x - mean) / (std + 1e-5)"),
    Case("layer norm without an epsilon", "zero_std", """
w = torch.ones(2, 4, requires_grad=True)
loss = F.layer_norm(w, (4,), eps=0.0).sum()  # <- here
""", "loss = F.layer_norm(w, (4,), eps=1e-5).sum()"),
    Case("a product in float16", "half_overflow", """
model = nn.Linear(64, 4).half()
x = torch.full((2, 64), 3000.0, dtype=torch.float16)
with torch.no_grad():
    model.weight.fill_(1.0)
h = model(x)  # <- here
loss = h.float().mean()
""", "h = model(x / 1000)", fate="inf"),
    Case("a cast to float16", "half_overflow", """
w = torch.tensor([300.0, 2.0], requires_grad=True)
big = w**2
small = big.half()  # <- here
loss = small.float().sum()
""", "small = big.bfloat16()", fate="inf"),
    Case("an exponential in float16", "half_overflow", """
w = torch.tensor([20.0, 2.0], requires_grad=True)
h = w.half().exp()  # <- here
loss = torch.log(h.float()).sum()
""", "h = w.exp()", fate="inf"),
    Case("autocast to float16", "half_overflow", """
model = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
with torch.no_grad():
    model[0].weight.fill_(100.0)
x = torch.full((2, 8), 200.0)
with torch.autocast("cpu", dtype=torch.float16):
    h = model(x)  # <- here
loss = h.float().sum()
""", "h = model(x / 1000)", fate="inf"),
    Case("an epsilon below the spacing at one", "tiny_epsilon", """
w = torch.tensor([40.0, 0.0], requires_grad=True)
p = torch.sigmoid(w)
q = torch.clamp(p, 1e-9, 1 - 1e-9)
loss = -torch.log(1 - q).mean()  # <- here
""", "loss = -torch.log(1 - q + 1e-6).mean()", fate="inf"),
    Case("an epsilon that is added to one", "tiny_epsilon", """
w = torch.tensor([40.0, 0.0], requires_grad=True)
p = torch.sigmoid(w)
loss = -torch.log(1 + 1e-9 - p).mean()  # <- here
""", "loss = -torch.log(1 + 1e-6 - p).mean()", fate="inf"),
    Case("an epsilon that float16 has not", "tiny_epsilon", """
w = torch.tensor([0.0, 1.0], requires_grad=True)
loss = torch.log(w.half() + 1e-8).float().sum()  # <- here
""", "loss = torch.log(w + 1e-8).sum()", fate="inf"),
    Case("squaring in a loop", "overflow", """
w = torch.tensor([30.0], requires_grad=True)
h = w
for _ in range(6):
    h = h * h  # <- here
loss = h.sum()
""", "h = h * 0.9", fate="inf"),
    Case("data with a NaN", "given", """
import numpy as np

x = torch.from_numpy(np.array([[1.0, np.nan], [2.0, 3.0]], dtype=np.float32))
model = nn.Linear(2, 1)
loss = model(x).mean()  # <- here
""", "loss = model(x.nan_to_num()).mean()"),
    Case("weights with a NaN", "weights", """
import numpy as np

model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
model[1].weight.data = torch.from_numpy(np.array([[1.0, np.nan, 1.0]], dtype=np.float32))
loss = model(torch.randn(2, 3)).mean()  # <- here
""", "loss = model[0](torch.randn(2, 3)).mean()"),
    Case("the angle of a vector to itself", "edge_of_domain", """
w = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
cosine = F.cosine_similarity(w, w.detach(), dim=1)
loss = torch.acos(cosine.clamp(-1, 1)).sum()  # <- here
""", "loss = torch.acos(cosine * 0.9).sum()", "backward"),
    Case("attention with a row masked whole", "masked_row", """
q = torch.randn(1, 3, 4, requires_grad=True)
scores = q @ q.transpose(1, 2)
mask = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 0, 0]])
scores = scores.masked_fill(mask == 0, float("-inf"))
weights = torch.softmax(scores, dim=-1)  # <- here
loss = (weights @ q).sum()
""", "weights = torch.softmax(scores[:, :2], dim=-1)"),
    Case("the mean of an empty selection", "zero_over_zero", """
w = torch.randn(4, requires_grad=True)
chosen = w[w > 100]
loss = chosen.mean() + w.sum()  # <- here
""", "loss = chosen.sum() + w.sum()"),
    Case("every label ignored", "zero_over_zero", """
model = nn.Linear(3, 3)
labels = torch.full((4,), -100)
loss = F.cross_entropy(model(torch.randn(4, 3)), labels)  # <- here
""", 'loss = F.cross_entropy(model(torch.randn(4, 3)), labels, reduction="sum")'),
    Case("the deviation of one sample", "zero_over_zero", """
w = torch.randn(1, 3, requires_grad=True)
loss = w.std(dim=0).sum()  # <- here
""", "loss = w.std(dim=0, correction=0).sum()"),
    Case("a custom backward that divides", "division_by_zero", """
class Root(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.sqrt()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g / (2 * y)  # <- here


w = torch.tensor([0.0, 1.0], requires_grad=True)
loss = Root.apply(w).sum()
""", "return g / (2 * y + 1e-3)", "backward", "inf"),
    Case("a custom forward", "log_of_zero", """
class Log(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log(x)  # <- here

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x


w = torch.tensor([0.0, 1.0], requires_grad=True)
loss = Log.apply(w).sum()
""", "return torch.log(x + 1)", fate="inf"),
    Case("a checkpoint", "sqrt_of_zero", """
from torch.utils.checkpoint import checkpoint

model = nn.Linear(2, 2, bias=False)


def block(x):
    h = model(x)
    return torch.sqrt(h * h).tanh()  # <- here


loss = checkpoint(block, torch.zeros(1, 2), use_reentrant=False).sum()
""", "return torch.sqrt(h * h + 1).tanh()", "backward"),
    Case("a reentrant checkpoint", "zero_over_zero", """
from torch.utils.checkpoint import checkpoint

model = nn.Linear(2, 2, bias=False)


def block(x):
    h = model(x)
    return h / h.sum()  # <- here


loss = checkpoint(block, torch.zeros(1, 2, requires_grad=True), use_reentrant=True).sum()
""", "return h / (h.sum() + 1)"),
    Case("a compiled function", "log_of_zero", """
@torch.compile
def entropy(p):
    logs = torch.log(p)  # <- here
    return -(p.exp() * logs).sum()


w = torch.tensor([0.0, 1.0], requires_grad=True)
loss = entropy(w)
""", "logs = torch.log(p + 1)", fate="inf"),
    Case("a logarithm in place", "log_of_zero", """
w = torch.tensor([0.0, 1.0], requires_grad=True)
h = w * 1
h.log_()  # <- here
loss = h.sum()
""", "h.log1p_()", fate="inf"),
    Case("written into a slice", "division_by_zero", """
w = torch.tensor([0.0, 1.0], requires_grad=True)
buffer = torch.zeros(4)
buffer[0] = w.sum()
inverse = 1 / w  # <- here
buffer[1:3] = inverse
buffer[3] = w[1]
loss = buffer.sum()
""", "inverse = 1 / (w + 1)", fate="inf"),
    Case("a complex unit", "zero_over_zero", """
w = torch.tensor([0j, 1 + 1j], requires_grad=True)
phase = w / w.abs()  # <- here
loss = phase.real.sum()
""", "phase = w / (w.abs() + 1)"),
    Case("a sparse embedding", "log_of_zero", """
table = nn.Embedding(4, 2, sparse=True)
with torch.no_grad():
    table.weight.zero_()
h = table(torch.tensor([1, 2]))
loss = h.log().sum()  # <- here
""", "loss = h.exp().sum()", fate="inf"),
    Case("a function in another file", "sqrt_of_negative", """
from other import depth

w = torch.tensor([-1.0, 4.0], requires_grad=True)
loss = depth(w)
# file other.py
import torch


def depth(x):
    y = x * 2
    return torch.sqrt(y).sum()  # <- here
# end
""", "return torch.sqrt(y.abs()).sum()"),
    Case("a regularly masked model, and one real fault", "log_of_zero", """
layer = nn.Linear(4, 4)
scores = layer(torch.randn(2, 4))
causal = torch.full((2, 4), float("-inf")).triu(1)
weights = torch.softmax(scores + causal, dim=-1)
loss = -weights.log()[:, 3].sum()  # <- here
""", "loss = -weights[:, 0].log().sum()", fate="inf"),
    Case("many steps behind", "exp_overflow", """
model = nn.Sequential(*[nn.Linear(4, 4) for _ in range(4)])
h = torch.exp(model[0](torch.ones(2, 4) * 1e4))  # <- here
for layer in model[1:]:
    h = torch.tanh(layer(h))
loss = F.mse_loss(h, torch.zeros(2, 4))
""", "h = torch.exp(model[0](torch.ones(2, 4)))"),
    Case("a bound that is a number beyond float32", "overflow", """
w = torch.tensor([1e20, 1.0], requires_grad=True)
loss = F.mse_loss(w, torch.zeros(2))  # <- here
""", "loss = F.l1_loss(w, torch.zeros(2))", fate="inf"),
    Case("a NaN that the program writes into its weights", "given", """
model = nn.Linear(3, 1)
model.weight.data[0, 1] = float("nan")  # <- here
loss = model(torch.randn(2, 3)).mean()
""", "model.weight.data[0, 1] = 0.5"),
    Case("an extremum of nothing left", "given", """
w = torch.randn(3, 3, requires_grad=True)
hidden = w.masked_fill(torch.ones(3, 3).bool(), float("-inf"))  # <- here
loss = hidden.max()
""", "hidden = w.masked_fill(torch.eye(3).bool(), float('-inf'))", fate="inf"),
    Case("the root of a gradient's norm", "sqrt_of_zero", """
w = torch.zeros(3, requires_grad=True)
(slope,) = torch.autograd.grad((w**2).sum(), w, create_graph=True)
loss = slope.pow(2).sum().sqrt()  # <- here
""", "loss = slope.pow(2).sum()", "backward"),
    Case("under vmap", "log_of_zero", """
w = torch.zeros(3, requires_grad=True)
loss = torch.func.vmap(lambda v: torch.log(v))(w).sum()  # <- here
""", "loss = torch.func.vmap(lambda v: torch.log(v + 1))(w).sum()", fate="inf"),
    Case("attention whose keys are all padding", "masked_row", """
model = nn.MultiheadAttention(4, 2, batch_first=True)
x = torch.randn(2, 3, 4)
padding = torch.tensor([[True] * 3, [False] * 3])
y, _ = model(x, x, x, key_padding_mask=padding)  # <- here
loss = y.sum()
""", "y, _ = model(x, x, x)"),
    Case("a hook on a tensor", "division_by_zero", """
w = torch.ones(3, requires_grad=True)
h = w * 2
h.register_hook(lambda g: g / 0)  # <- here
loss = h.sum()
""", "h.register_hook(lambda g: g / 2)", "backward", "inf"),
    Case("the mean of an empty segment", "zero_over_zero", """
w = torch.ones(3, requires_grad=True)
segments = torch.tensor([0, 0, 1])
count = torch.zeros(4).scatter_add(0, segments, torch.ones(3))
total = torch.zeros(4).scatter_add(0, segments, w)
mean = total / count  # <- here
loss = mean.sum()
""", "mean = total / count.clamp(min=1)"),
    Case("a distance whose margin holds", "sqrt_of_zero", """
w = torch.ones(2, 2, requires_grad=True)
same = torch.tensor([1.0, 0.0])
d = (w - torch.tensor([[1.0, 1.0], [3.0, 1.0]])).pow(2).sum(-1).sqrt()  # <- here
loss = (same * d ** 2 + (1 - same) * F.relu(4 - d) ** 2).sum()
""", "d = ((w - torch.tensor([[1.0, 1.0], [3.0, 1.0]])).pow(2).sum(-1) + 1e-6).sqrt()", "backward"),
    Case("a whole power of negative numbers overflows", "overflow", """
w = torch.full((3,), -1e20, requires_grad=True)
loss = (w ** 2).sum()  # <- here
""", "loss = w.abs().sum()", "forward", "inf"),
    Case("a target that is longer than its input", "no_alignment", """
w = torch.zeros(4, 1, 6, requires_grad=True)
loss = F.ctc_loss(w.log_softmax(-1), torch.tensor([[1, 2, 3, 4, 5]]), [4], [5])  # <- here
""", "loss = F.ctc_loss(w.log_softmax(-1), torch.tensor([[1, 2, 3, 4, 5]]), [4], [3])", "forward", "inf"),
]  # fmt: skip
