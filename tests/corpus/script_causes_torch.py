"""Training scripts with one planted cause each, as people write them, and what heals them."""

from __future__ import annotations

from corpus.causes_case import Case

__all__ = ["CASES"]

CASES = [
    Case(
        "attention_over_padding_alone", "masked_row",
        """
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

class SelfAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.scale = heads, 1 / math.sqrt(dim // heads)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, pad):
        b, t, d = x.shape
        q, k, v = (z.view(b, t, self.heads, -1).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        scores = q @ k.transpose(-2, -1) * self.scale
        scores = scores.masked_fill(pad[:, None, None, :], float("-inf"))
        weights = scores.softmax(-1)  # <- here
        out = (weights @ v).transpose(1, 2).reshape(b, t, d)
        return self.proj(out)

torch.manual_seed(0)
attn = SelfAttention(16, 4)
head = nn.Linear(16, 3)
opt = torch.optim.AdamW([*attn.parameters(), *head.parameters()], lr=1e-3)
x = torch.randn(4, 6, 16)
lengths = torch.tensor([6, 4, 2, 0])
pad = torch.arange(6)[None] >= lengths[:, None]
y = torch.tensor([0, 1, 2, 0])
for step in range(3):
    opt.zero_grad()
    logits = head(attn(x, pad).mean(1))
    loss = F.cross_entropy(logits, y)
    loss.backward()
    opt.step()
    print(step, loss.item())
""",
        ("[6, 4, 2, 0]", "[6, 4, 2, 1]"),
    ),
    Case(
        "autoencoder_that_samples", "draw",
        """
import torch
from torch import nn, optim
import torch.nn.functional as F

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 16), nn.ReLU())
        self.mu, self.log_std = nn.Linear(16, 2), nn.Linear(16, 2)
    def forward(self, x):
        h = self.net(x)
        return torch.distributions.Normal(self.mu(h), self.log_std(h).exp())

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.dec = Encoder(), nn.Linear(2, 10)
    def forward(self, x):
        q = self.enc(x)
        z = q.sample()  # <- here
        return self.dec(z)

torch.manual_seed(0)
model = Model()
opt = optim.Adam(model.parameters(), lr=1e-3)
data = torch.randn(32, 10)
for i in range(3):
    opt.zero_grad()
    loss = F.mse_loss(model(data), data)
    loss.backward()
    opt.step()
""",
        ("q.sample()", "q.rsample()"),
    ),
    Case(
        "generator_detached", "detach",
        """
import torch
from torch import nn

torch.manual_seed(0)
G = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
D = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
real_data = torch.randn(64, 2)
for step in range(3):
    real = real_data[torch.randint(0, 64, (16,))]
    fake = G(torch.randn(16, 4)).detach()  # <- here
    d_loss = bce(D(real), torch.ones(16, 1)) + bce(D(fake.detach()), torch.zeros(16, 1))
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = bce(D(fake), torch.ones(16, 1))
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
""",
        ("4)).detach()", "4))"),
    ),
    Case(
        "contrastive_distance_of_twins", "sqrt_of_zero",
        """
import torch
import torch.nn as nn
import torch.nn.functional as F

class Projector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))

    def forward(self, x):
        return self.backbone(x)

def contrastive(a, b, same, margin=1.0):
    d = (a - b).pow(2).sum(-1).sqrt()  # <- here
    return (same * d ** 2 + (1 - same) * F.relu(margin - d) ** 2).mean()

torch.manual_seed(0)
model = Projector()
opt = torch.optim.SGD(model.parameters(), 0.1)
x1 = torch.randn(8, 8)
x2 = x1.clone()
x2[4:] += torch.randn(4, 8)
same = torch.tensor([1.] * 4 + [0.] * 4)
for _ in range(2):
    opt.zero_grad()
    contrastive(model(x1), model(x2), same).backward()
    opt.step()
""",
        (".sum(-1).sqrt()", ".sum(-1).add(1e-6).sqrt()"),
    ),
    Case(
        "dice_of_a_threshold", "comparison",
        """
import torch
import torch.nn as nn

class UNetish(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, padding=1)
        self.up = nn.Conv2d(4, 1, 3, padding=1)
    def forward(self, x):
        return self.up(torch.relu(self.down(x)))

def dice_loss(logits, target):
    pred = (logits.sigmoid() > 0.5).float()  # <- here
    inter = (pred * target).sum((1, 2, 3))
    union = pred.sum((1, 2, 3)) + target.sum((1, 2, 3))
    return 1 - ((2 * inter + 1) / (union + 1)).mean()

if __name__ == "__main__":
    torch.manual_seed(0)
    net = UNetish()
    optimizer = torch.optim.Adam(net.parameters())
    images, masks = torch.rand(4, 1, 8, 8), (torch.rand(4, 1, 8, 8) > .5).float()
    for epoch in range(2):
        optimizer.zero_grad()
        loss = dice_loss(net(images), masks)
        loss.backward()
        optimizer.step()
""",
        ("(logits.sigmoid() > 0.5).float()", "logits.sigmoid()"),
    ),
    Case(
        "log_probability_as_a_number", "item",
        """
import torch
import torch.nn as nn
from torch.distributions import Categorical

class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 32)
        self.affine2 = nn.Linear(32, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        return torch.softmax(self.affine2(torch.relu(self.affine1(x))), dim=-1)

policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)

def select_action(state):
    probs = policy(state)
    m = Categorical(probs)
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action).item())  # <- here
    return action.item()

def finish_episode():
    R, returns = 0, []
    for r in policy.rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-8)
    losses = [-lp * R for lp, R in zip(policy.saved_log_probs, returns)]
    optimizer.zero_grad()
    loss = torch.stack(losses).sum()
    loss.backward()
    optimizer.step()
    policy.rewards.clear(); policy.saved_log_probs.clear()

torch.manual_seed(0)
for episode in range(3):
    state = torch.randn(4)
    for t in range(10):
        action = select_action(state)
        state = state * 0.9 + 0.1 * torch.randn(4)
        policy.rewards.append(float(action))
    finish_episode()
""",
        ("m.log_prob(action).item())", "m.log_prob(action))"),
    ),
    Case(
        "embedding_before_checkpoints", "data",
        """
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm, self.fc = nn.LayerNorm(d), nn.Linear(d, d)
    def forward(self, x):
        return x + self.fc(torch.relu(self.norm(x)))

class Net(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.embed = nn.Embedding(30, d)
        self.blocks = nn.ModuleList([Block(d) for _ in range(3)])
        self.head = nn.Linear(d, 30)
    def forward(self, tokens):
        x = self.embed(tokens).data  # <- here
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False)
        return self.head(x)

torch.manual_seed(0)
model = Net()
opt = torch.optim.AdamW(model.parameters())
tok = torch.randint(0, 30, (4, 12))
for _ in range(2):
    opt.zero_grad()
    loss = nn.functional.cross_entropy(model(tok[:, :-1]).transpose(1, 2), tok[:, 1:])
    loss.backward()
    opt.step()
""",
        ("self.embed(tokens).data", "self.embed(tokens)"),
    ),
    Case(
        "checkpoint_of_data", "reentrant",
        """
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(8, 16), nn.ReLU())
        self.head = nn.Linear(16, 1)
    def forward(self, x):
        h = checkpoint(self.stem, x, use_reentrant=True)  # <- here
        return self.head(h)

torch.manual_seed(0)
model = Net()
opt = torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(32, 8), torch.randn(32, 1)
for _ in range(2):
    opt.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    opt.step()
""",
        ("use_reentrant=True", "use_reentrant=False"),
    ),
    Case(
        "entropy_compiled", "log_of_zero",
        """
import torch
from torch import nn

class Entropy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 5)
    def forward(self, x):
        p = torch.softmax(self.fc(x) * 100, -1)
        return -(p * torch.log(p)).sum(-1)  # <- here

torch.manual_seed(0)
model = torch.compile(Entropy(), backend="eager")
opt = torch.optim.Adam(model.parameters())
x = torch.randn(16, 4) * 5
for _ in range(2):
    opt.zero_grad()
    model(x).mean().backward()
    opt.step()
""",
        ("torch.log(p)", "torch.log(p + 1e-6)"),
    ),
    Case(
        "energy_in_autocast", "half_overflow",
        """
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(16, 64), nn.Linear(64, 2)
    def forward(self, x):
        h = self.a(x)
        energy = h ** 4  # <- here
        return self.b(F.normalize(energy.float(), dim=-1))
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=1e-2)
x = 60 * torch.randn(8, 16)
y = torch.randint(0, 2, (8,))
for _ in range(2):
    opt.zero_grad()
    with torch.autocast("cpu", dtype=torch.float16):
        h = net(x)
        loss = F.cross_entropy(h.float(), y)
    loss.backward()
    opt.step()
""",
        ("x = 60 * ", "x = 0.5 * "),
    ),
    Case(
        "step_of_a_trainer", "tolist",
        """
import torch
from torch import nn
import torch.nn.functional as F

class LitModel(nn.Module):
    def __init__(self, lr=1e-3):
        super().__init__()
        self.lr = lr
        self.encoder = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 12))
        self.metrics = {}

    def log(self, name, value):
        self.metrics[name] = float(value)

    def training_step(self, batch, batch_idx):
        x, = batch
        z = self.encoder(x)
        x_hat = self.decoder(torch.tensor(z.tolist()))  # <- here
        loss = F.mse_loss(x_hat, x)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)

class Trainer:
    def __init__(self, max_steps):
        self.max_steps = max_steps
    def fit(self, model, loader):
        opt = model.configure_optimizers()
        for i, batch in enumerate(loader):
            if i >= self.max_steps:
                break
            loss = model.training_step(batch, i)
            opt.zero_grad()
            loss.backward()
            opt.step()

if __name__ == "__main__":
    torch.manual_seed(0)
    from torch.utils.data import DataLoader, TensorDataset
    loader = DataLoader(TensorDataset(torch.randn(64, 12)), batch_size=16)
    Trainer(3).fit(LitModel(), loader)
""",
        ("torch.tensor(z.tolist())", "z"),
    ),
    Case(
        "temperature_of_1", "item",
        """
import torch
from torch import nn
import torch.nn.functional as F

class MoCo(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Linear(8, 4), nn.Linear(8, 4)
        self.register_buffer("queue", F.normalize(torch.randn(4, 32), dim=0))
        self._log_temp = nn.Parameter(torch.tensor(0.0))

    @property
    def temperature(self):
        return self._log_temp.exp().item()  # <- here

    def forward(self, a, b):
        q = F.normalize(self.q(a), dim=1)
        k = F.normalize(self.k(b), dim=1)
        pos = (q * k).sum(1, keepdim=True)
        neg = q @ self.queue.clone().detach()
        return torch.cat([pos, neg], 1) / self.temperature

torch.manual_seed(0)
model = MoCo()
opt = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
for step in range(3):
    x = torch.randn(16, 8)
    logits = model(x, x + 0.1 * torch.randn(16, 8))
    loss = F.cross_entropy(logits, torch.zeros(16, dtype=torch.long))
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
        (".exp().item()", ".exp()"),
    ),
    Case(
        "gate_in_another_file", "comparison",
        """
import functools
import torch
from torch import nn
from layers import Gate

def timed(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return fn(*args, **kwargs)
    wrapper.calls = 0
    return wrapper

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.gate, self.out = nn.Linear(5, 8), Gate(8), nn.Linear(8, 1)

    @timed
    def forward(self, x):
        return self.out(self.gate(torch.tanh(self.inp(x))))

if __name__ == "__main__":
    torch.manual_seed(0)
    net = Net()
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    x = torch.randn(20, 5)
    for _ in range(3):
        opt.zero_grad()
        loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
        loss.backward()
        opt.step()
""",
        ("(self.score(x) > 0).to(x.dtype)", "torch.sigmoid(self.score(x))"),
        {"layers.py": """
import torch
from torch import nn


class Gate(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.score = nn.Linear(width, width)

    def forward(self, x):
        keep = (self.score(x) > 0).to(x.dtype)  # <- here
        return x * keep
"""},
    ),
    Case(
        "graph_through_numpy", "numpy",
        """
import numpy as np
import torch
from torch import nn

class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Linear(6, 8), nn.Linear(8, 2)

    def forward(self, x, adj):
        h = torch.relu(adj @ self.w1(x))
        h = torch.from_numpy(np.tanh(h.detach().cpu().numpy()))  # <- here
        return self.w2(adj @ h)

torch.manual_seed(0)
n = 10
adj = (torch.rand(n, n) > 0.6).float()
adj = adj / adj.sum(1, keepdim=True).clamp_min(1)
x, y = torch.randn(n, 6), torch.randint(0, 2, (n,))
model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x, adj), y)
    loss.backward()
    optimizer.step()
""",
        ("torch.from_numpy(np.tanh(h.detach().cpu().numpy()))", "torch.tanh(h)"),
    ),
    Case(
        "policy_beyond_its_limits", "clamp",
        """
import torch
from torch import nn
class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
        self.limit = 1.0
        nn.init.constant_(self.body[-1].bias, 50.0)
    def forward(self, s):
        return self.body(s).clamp(-self.limit, self.limit)  # <- here
actor, critic = Actor(), nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.Adam(actor.parameters(), 1e-3)
s = torch.randn(32, 3)
for _ in range(3):
    loss = -critic(torch.cat([s, actor(s)], -1)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
        ("50.0", "0.0"),
    ),
    Case(
        "variance_that_overflows", "exp_overflow",
        """
import torch
from torch import nn
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu, self.logvar = nn.Linear(6, 1), nn.Linear(6, 1)
    def forward(self, x):
        return self.mu(x), self.logvar(x)
def nll(mu, logvar, y):
    return (0.5 * (y - mu) ** 2 / logvar.exp() + 0.5 * logvar).mean()  # <- here
torch.manual_seed(0)
net = Head()
opt = torch.optim.Adam(net.parameters(), 1e-3)
x, y = torch.randn(16, 6) * 300, torch.randn(16, 1)
for _ in range(2):
    opt.zero_grad()
    nll(*net(x), y).backward()
    opt.step()
""",
        ("* 300", "* 0.3"),
    ),
    Case(
        "mean_of_an_empty_mask", "zero_over_zero",
        """
import torch
from torch import nn
class Pooler(nn.Module):
    def forward(self, h, mask):
        return (h * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)  # <- here
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(20, 8, padding_idx=0)
        self.pool, self.cls = Pooler(), nn.Linear(8, 2)
    def forward(self, ids):
        return self.cls(self.pool(self.emb(ids), (ids != 0).float()))
torch.manual_seed(0)
model = Model()
opt = torch.optim.AdamW(model.parameters())
ids = torch.randint(1, 20, (4, 6)); ids[0, 3:] = 0; ids[2] = 0
labels = torch.tensor([0, 1, 0, 1])
for _ in range(2):
    loss = nn.functional.cross_entropy(model(ids), labels)
    loss.backward(); opt.step(); opt.zero_grad()
""",
        ("ids[2] = 0", "ids[2, 1:] = 0"),
    ),
    Case(
        "norm_of_padding", "norm_of_zero",
        """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(10, 4, padding_idx=0)
        self.fc = nn.Linear(4, 4)
    def forward(self, i):
        v = self.emb(i)
        return self.fc(v / v.norm(dim=-1, keepdim=True))  # <- here
torch.manual_seed(0)
net = Net()
opt = torch.optim.SparseAdam(list(net.parameters())) if False else torch.optim.Adam(net.parameters())
i = torch.tensor([[1, 2, 0], [3, 0, 0]])
for _ in range(2):
    opt.zero_grad()
    loss = net(i).pow(2).mean(); loss.backward(); opt.step()
""",
        ("v / v.norm(dim=-1, keepdim=True)", "nn.functional.normalize(v, dim=-1)"),
    ),
    Case(
        "quantised_by_a_lambda", "integer",
        """
import torch
from torch import nn
torch.manual_seed(0)
blocks = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4), "c": nn.Linear(8, 1)})
quantize = lambda t: (t * 8).int().float() / 8  # <- here
merge = {"cat": lambda x: torch.cat([blocks["a"](x), quantize(blocks["b"](x))], dim=-1)}
opt = torch.optim.SGD(blocks.parameters(), lr=0.1)
x, y = torch.randn(16, 4), torch.randn(16, 1)
for _ in range(2):
    opt.zero_grad()
    loss = (blocks["c"](merge["cat"](x)) - y).abs().mean()
    loss.backward()
    opt.step()
""",
        ("(t * 8).int().float() / 8", "torch.tanh(t)"),
    ),
    Case(
        "mixture_of_floats", "float",
        """
import torch
from torch import nn
class Ensemble(nn.Module):
    def __init__(self):
        super().__init__()
        self.members = nn.ModuleList(nn.Linear(4, 1) for _ in range(3))
        self.mix = nn.Parameter(torch.zeros(3))
    def forward(self, x):
        outs = [m(x) for m in self.members]
        w = [float(v) for v in self.mix.softmax(0)]  # <- here
        return sum(a * o for a, o in zip(w, outs))
torch.manual_seed(0)
net = Ensemble()
opt = torch.optim.Adam(net.parameters(), 1e-3)
x, y = torch.randn(16, 4), torch.randn(16, 1)
for _ in range(2):
    opt.zero_grad(); nn.functional.mse_loss(net(x), y).backward(); opt.step()
""",
        ("[float(v) for v in self.mix.softmax(0)]", "self.mix.softmax(0)"),
    ),
    Case(
        "slopes_without_a_graph", "first_order",
        """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1, bias=False))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for _ in range(3):
    t = torch.linspace(0, 1, 32)[:, None].requires_grad_()
    slope, = torch.autograd.grad(net(t).sum(), t)  # <- here
    loss = (slope + 2 * t).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
        ("net(t).sum(), t)", "net(t).sum(), t, create_graph=True)"),
    ),
    Case(
        "weights_copied_from_others", "numpy",
        """
import torch
from torch import nn
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(30, 8), nn.Linear(8, 30)
        self.head.weight.data = self.embed.weight.data.clone()
    def forward(self, x):
        h = torch.tanh(self.embed(x))
        h = torch.stack([torch.as_tensor(row.detach().numpy()) for row in h])  # <- here
        return self.head(h)
torch.manual_seed(0)
net = Tied()
opt = torch.optim.Adam(net.parameters(), 1e-3)
for _ in range(3):
    x = torch.randint(0, 30, (4, 7))
    loss = nn.functional.cross_entropy(net(x).flatten(0, 1), x.flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
        ("torch.as_tensor(row.detach().numpy()) for row in h", "row for row in h"),
    ),
    Case(
        "function_that_returns_none", "nondifferentiable",
        """
import torch
from torch import nn
class Binarize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x)
        return x.sign() * scale
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * (x.abs() <= 1), None
class BinLinear(nn.Linear):
    def __init__(self, i, o):
        super().__init__(i, o)
        self.scale = nn.Parameter(torch.ones(1))
    def forward(self, x):
        w = Binarize.apply(self.weight, self.scale)  # <- here
        return nn.functional.linear(x, w, self.bias)
torch.manual_seed(0)
net = nn.Sequential(BinLinear(4, 8), nn.Hardtanh(), BinLinear(8, 1))
opt = torch.optim.Adam(net.parameters(), 1e-3)
x, y = torch.randn(16, 4), torch.randn(16, 1)
for _ in range(2):
    opt.zero_grad(); nn.functional.mse_loss(net(x), y).backward(); opt.step()
""",
        ("g * (x.abs() <= 1), None", "g * (x.abs() <= 1), (g * x.sign()).sum().reshape(1)"),
    ),
]  # fmt: skip
