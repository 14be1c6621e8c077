"""Programs with planted causes of gradients that are None, or that lack a path, in PyTorch.

Each text makes ``model`` and ``run()``, which gives the loss; SHARED stands before it, and AWAY in a file beside it,
``away.py``. A guilty line says ``# <- here: KIND PREFIX...``: the parameters whose names begin so have no gradient.
With ``cut KIND`` they have one, and a path is missing from it. ``twin`` tells what a healthy program has instead: of
the guilty line, or of the first text of a pair.
"""

from __future__ import annotations

from dataclasses import dataclass

AWAY = """
import torch


def frozen_features(layer, x):
    return layer(x).detach()  # <- here: detach a.


def scaled(layer, x):
    return layer(x) * 0.5


@torch.no_grad()
def embedded(layer, x):
    return layer(x)  # <- here: no_grad a.
"""

SHARED = """
import copy
import math
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
x, y = torch.randn(4, 3), torch.randn(4, 2)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 2)


def run():
    return F.mse_loss(model(x), y)
"""

NET = """
class Net(Two):
    def forward(self, x):
        {}
        {}
        {}


model = Net()
"""


@dataclass(frozen=True)
class Case:
    """One program, and its healthy twin; ``script`` asks for the finder to be on from the first line."""

    name: str
    text: str
    twin: str | tuple[str, str]
    script: bool = False


def net(name: str, first: str, second: str, third: str, twin: str | tuple[str, str]) -> Case:
    """Three lines of forward."""
    return Case(name, NET.format(first, second, third), twin)


CASES = [
    # ---- detach and .data
    net("detach", "h = torch.relu(self.a(x))", "h = h.detach()  # <- here: detach a.", "return self.b(h)", "h = h * 1"),
    net(
        "detach at the end",
        "h = self.a(x)",
        "z = self.b(h)",
        "return z.detach() + h[:, :2]  # <- here: detach b.",
        "return z + h[:, :2]",
    ),
    net("data", "h = self.a(x).data  # <- here: data a.", "h = torch.tanh(h)", "return self.b(h)", "h = self.a(x)"),
    Case(
        "detach in place",
        NET.format("h = self.a(x)", "h.detach_()  # <- here: detach a.", "return self.b(h)"),
        "h.tanh_()",
    ),
    Case(
        "detach in another file",
        "import away\n" + NET.format("h = away.frozen_features(self.a, x)", "h = h.relu()", "return self.b(h)"),
        ("frozen_features", "scaled"),
    ),
    Case(
        "detach in a lambda",
        NET.format("cut = lambda t: t.detach() * 2  # <- here: detach a.", "h = cut(self.a(x))", "return self.b(h)"),
        "cut = lambda t: t * 2",
    ),
    Case(
        "detach in a list comprehension",
        NET.format(
            "rows = [self.a(row).detach() for row in x]  # <- here: detach a.",
            "h = torch.stack(rows)",
            "return self.b(h)",
        ),
        "rows = [self.a(row) for row in x]",
    ),
    Case(
        "detach in a loop",
        """
class Net(Two):
    def forward(self, x):
        h = x
        for step in range(3):
            h = torch.tanh(self.a(h))
            if step == 2:
                h = h.detach()  # <- here: detach a.
        return self.b(h)


model = Net()
""",
        "h = h * 1",
    ),
    Case(
        "detach between the parts of a Sequential",
        """
class Stop(nn.Module):
    def forward(self, x):
        return x.detach()  # <- here: detach 0.


model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), Stop(), nn.Linear(3, 2))
""",
        "return x * 1",
    ),
    Case(
        "detach in a nested module",
        """
class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.w.detach()  # <- here: detach inner.w


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.b = Inner(), nn.Linear(3, 2)

    def forward(self, x):
        return self.b(self.inner(x))


model = Net()
""",
        "return x * self.w",
    ),
    # ---- recording switched off
    net(
        "no_grad",
        "with torch.no_grad():",
        "    h = self.a(x)  # <- here: no_grad a.",
        "return self.b(h)",
        ("torch.no_grad()", "torch.enable_grad()"),
    ),
    Case(
        "no_grad as a decorator in another file",
        "import away\n" + NET.format("h = away.embedded(self.a, x)", "h = h.relu()", "return self.b(h)"),
        ("embedded", "scaled"),
    ),
    Case(
        "no_grad over several operations",
        """
class Net(Two):
    def forward(self, x):
        with torch.no_grad():
            h = torch.relu(self.a(x))  # <- here: no_grad a.
            h = h / h.norm()
            h = h + 1
        return self.b(h)


model = Net()
""",
        ("torch.no_grad()", "torch.enable_grad()"),
    ),
    Case(
        "enable_grad inside no_grad that ends too early",
        """
class Net(Two):
    def forward(self, x):
        with torch.no_grad():
            with torch.enable_grad():
                h = self.a(x)
            h = h.relu()  # <- here: no_grad a.
        return self.b(h)


model = Net()
""",
        ("            h = h.relu()", "                h = h.relu()"),
    ),
    net(
        "inference_mode",
        "with torch.inference_mode():",
        "    h = self.a(x)  # <- here: inference_mode a.",
        "return self.b(h.clone())",
        ("torch.inference_mode()", "torch.inference_mode(False)"),
    ),
    net(
        "set_grad_enabled as a block",
        "with torch.set_grad_enabled(False):",
        "    h = self.a(x)  # <- here: grad_disabled a.",
        "return self.b(h)",
        ("(False)", "(True)"),
    ),
    net(
        "set_grad_enabled as a statement",
        "torch.set_grad_enabled(False)",
        "h = self.a(x); torch.set_grad_enabled(True)  # <- here: grad_disabled a.",
        "return self.b(h)",
        ("(False)", "(True)"),
    ),
    Case(
        "everything under no_grad",
        """
model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def run():
    with torch.no_grad():
        out = model(x)  # <- here: no_grad 0. 2.
    return F.mse_loss(out, y)
""",
        ("torch.no_grad()", "torch.enable_grad()"),
    ),
    # ---- numbers that leave
    Case(
        "item of the loss",
        """
model = nn.Linear(3, 2)


def run():
    value = F.mse_loss(model(x), y).item()  # <- here: item weight bias
    return torch.tensor(value, requires_grad=True)
""",
        (
            """value = F.mse_loss(model(x), y).item()  # <- here: item weight bias
    return torch.tensor(value, requires_grad=True)""",
            "return F.mse_loss(model(x), y)",
        ),
    ),
    net(
        "item of a scale",
        "scale = self.a(x).mean().item()  # <- here: item a.",
        "h = x * scale",
        "return self.b(h)",
        "scale = self.a(x).mean()",
    ),
    net(
        "item, computed with",
        "scale = self.a(x).std().item()  # <- here: item a.",
        "h = torch.full((4, 3), math.sqrt(scale) + 3.25)",
        "return self.b(h)",
        (
            """scale = self.a(x).std().item()  # <- here: item a.
        h = torch.full((4, 3), math.sqrt(scale) + 3.25)""",
            "h = self.a(x)",
        ),
    ),
    net(
        "float()",
        "scale = float(self.a(x).sum())  # <- here: float a.",
        "h = x * scale",
        "return self.b(h)",
        "scale = self.a(x).sum()",
    ),
    net(
        "int()",
        "count = int(100 * self.a(x).abs().sum())  # <- here: float a.",
        "h = x * count",
        "return self.b(h)",
        "count = 100 * self.a(x).abs().sum()",
    ),
    net(
        "numpy",
        "h = self.a(x).detach().numpy()  # <- here: numpy a.",
        "h = torch.from_numpy(h)",
        "return self.b(h)",
        ("h = self.a(x).detach().numpy()  # <- here: numpy a.\n        h = torch.from_numpy(h)", "h = self.a(x)"),
    ),
    net(
        "numpy, computed with",
        "h = np.tanh(self.a(x).detach().cpu().numpy())  # <- here: numpy a.",
        "h = torch.from_numpy(h)",
        "return self.b(h)",
        (
            "h = np.tanh(self.a(x).detach().cpu().numpy())  # <- here: numpy a.\n        h = torch.from_numpy(h)",
            "h = self.a(x)",
        ),
    ),
    net(
        "np.asarray",
        "h = np.asarray(self.a(x).detach())  # <- here: numpy a.",
        "h = torch.as_tensor(h)",
        "return self.b(h)",
        ("h = np.asarray(self.a(x).detach())  # <- here: numpy a.\n        h = torch.as_tensor(h)", "h = self.a(x)"),
    ),
    net(
        "tolist",
        "rows = self.a(x).tolist()  # <- here: tolist a.",
        "h = torch.tensor(rows)",
        "return self.b(h)",
        ("rows = self.a(x).tolist()  # <- here: tolist a.\n        h = torch.tensor(rows)", "h = self.a(x)"),
    ),
    Case(
        "items of several losses",
        """
model = nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)])


def run():
    losses = [F.mse_loss(part(x), y).item() for part in model]  # <- here: item 0. 1.
    return torch.tensor(losses, requires_grad=True).mean()
""",
        ("run():\n", "run():\n    return sum(F.mse_loss(part(x), y) for part in model)\n"),
    ),
    # ---- integers, comparisons, choices
    net(
        "long",
        "i = self.a(x).abs().long()  # <- here: integer a.",
        "h = i.float()",
        "return self.b(h)",
        "i = self.a(x).abs()",
    ),
    net(
        "to an integer dtype",
        "i = (10 * self.a(x)).to(torch.int32)  # <- here: integer a.",
        "h = i / 10",
        "return self.b(h)",
        "i = 10 * self.a(x)",
    ),
    net(
        "comparison",
        "gate = self.a(x) > 0  # <- here: comparison a.",
        "h = gate.float() * x",
        "return self.b(h)",
        "gate = self.a(x)",
    ),
    net(
        "argmax",
        "best = self.a(x).argmax(dim=1)  # <- here: argmax a.",
        "h = F.one_hot(best, 3).float()",
        "return self.b(h)",
        (
            "best = self.a(x).argmax(dim=1)  # <- here: argmax a.\n        h = F.one_hot(best, 3).float()",
            "h = self.a(x).softmax(1)",
        ),
    ),
    net(
        "indices of topk",
        "chosen = self.a(x).topk(3).indices  # <- here: argmax a.",
        "h = x.gather(1, chosen)",
        "return self.b(h)",
        ("x.gather(1, chosen)", "self.a(x).gather(1, chosen)"),
    ),
    net(
        "bucketize",
        "i = torch.bucketize(self.a(x), torch.tensor([-0.5, 0.5]))  # <- here: argmax a.",
        "h = i.float()",
        "return self.b(h)",
        "i = self.a(x)",
    ),
    # ---- new tensors made of old ones
    net(
        "torch.tensor of a list",
        "means = torch.tensor([h.mean() for h in self.a(x)])  # <- here: new_tensor a.",
        "h = x * means[:, None]",
        "return self.b(h)",
        "means = torch.stack([h.mean() for h in self.a(x)])",
    ),
    Case(
        "nn.Parameter in forward",
        NET.format("h = nn.Parameter(self.a(x))  # <- here: new_tensor a.", "h = h.relu()", "return self.b(h)"),
        "h = self.a(x)",
    ),
    Case(
        "nn.Parameter of a parameter",
        NET.format(
            "w = nn.Parameter(self.a.weight * 2)  # <- here: new_tensor a.weight",
            "h = F.linear(x, w, self.a.bias)",
            "return self.b(h)",
        ),
        "w = self.a.weight * 2",
    ),
    Case(
        "deepcopy",
        NET.format(
            "w = copy.deepcopy(self.a.weight)  # <- here: new_tensor a.weight",
            "h = F.linear(x, w, self.a.bias)",
            "return self.b(h)",
        ),
        "w = self.a.weight.clone()",
    ),
    # ---- writing in place
    net(
        "copied into .data",
        "h = torch.zeros(4, 3)",
        "h.data.copy_(self.a(x))  # <- here: data a.",
        "return self.b(h)",
        "h.copy_(self.a(x))",
    ),
    net(
        "written into .data",
        "h = torch.zeros(4, 3)",
        "h.data[:] = self.a(x)  # <- here: data a.",
        "return self.b(h)",
        "h[:] = self.a(x)",
    ),
    net(
        "set as .data",
        "h = torch.zeros(4, 3)",
        "h.data = self.a(x)  # <- here: data a.",
        "return self.b(h)",
        "h = self.a(x)",
    ),
    Case(
        "written row by row under no_grad",
        """
class Net(Two):
    def forward(self, x):
        h = torch.zeros(4, 3)
        with torch.no_grad():
            for i, row in enumerate(x):
                h[i] = self.a(row)  # <- here: no_grad a.
        return self.b(h)


model = Net()
""",
        ("torch.no_grad()", "torch.enable_grad()"),
    ),
    # ---- custom functions, checkpoints, compilers, transforms
    Case(
        "a custom function that returns None",
        """
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x)
        return x * w

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g, None


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.ones(3)), nn.Linear(3, 2)

    def forward(self, x):
        h = Scale.apply(x, self.w)  # <- here: nondifferentiable w
        return self.b(h)


model = Net()
""",
        ("return g, None", "return g, (g * x).sum(0)"),
    ),
    Case(
        "a custom function that marks its output",
        """
class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        out = x.round()
        ctx.mark_non_differentiable(out)
        return out

    @staticmethod
    def backward(ctx, g):
        return g


rounded = Round.apply


class Net(Two):
    def forward(self, x):
        h = rounded(self.a(x))  # <- here: nondifferentiable a.
        return self.b(h)


model = Net()
""",
        ("        ctx.mark_non_differentiable(out)\n", ""),
    ),
    Case(
        "a reentrant checkpoint",
        NET.format(
            "h = checkpoint(self.a, x, use_reentrant=True)  # <- here: reentrant a.", "h = h.relu()", "return self.b(h)"
        ),
        "h = checkpoint(self.a, x, use_reentrant=False)",
    ),
    Case(
        "detach inside a checkpoint",
        """
class Net(Two):
    def block(self, x):
        return self.a(x).detach() + x  # <- here: detach a.

    def forward(self, x):
        return self.b(checkpoint(self.block, x, use_reentrant=False))


model = Net()
""",
        "return self.a(x) + x",
    ),
    Case(
        "detach inside torch.compile",
        """
class Net(Two):
    def forward(self, x):
        h = self.a(x).detach()  # <- here: detach a.
        return self.b(h)


model = Net()
compiled = torch.compile(model, backend="eager")


def run():
    return F.mse_loss(compiled(x), y)
""",
        "h = self.a(x)",
        script=True,
    ),
    Case(
        "detach under functional_call",
        """
model = Two()


def run():
    weights = {name: p.detach() for name, p in model.a.named_parameters()}  # <- here: detach a.
    h = torch.func.functional_call(model.a, weights, (x,))
    return F.mse_loss(model.b(h), y)
""",
        "weights = dict(model.a.named_parameters())",
    ),
    Case(
        "detach inside vmap",
        """
model = Two()


def features(row):
    return model.a(row).detach()  # <- here: detach a.


def run():
    return F.mse_loss(model.b(torch.vmap(features)(x)), y)
""",
        "return model.a(row) * 1",
    ),
    Case(
        "detach under autocast",
        """
class Net(Two):
    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            h = self.a(x).detach()  # <- here: detach a.
            return self.b(h).float()


model = Net()
""",
        "h = self.a(x)",
    ),
    # ---- derivatives in the loss
    net(
        "a gradient without a graph",
        "h = self.b(x).tanh()",
        "g, = torch.autograd.grad(h.sum(), self.b.weight, retain_graph=True)  # <- here: cut first_order b.",
        "return h * g.pow(2).sum() + self.a(x)[:, :2]",
        "g, = torch.autograd.grad(h.sum(), self.b.weight, create_graph=True)",
    ),
    # ---- unused, dead, frozen
    Case(
        "never used",
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 3)  # <- here: unused a.
        self.b = nn.Linear(3, 2)

    def forward(self, x):
        return self.b(x)


model = Net()
""",
        ("self.b(x)", "self.b(self.a(x))"),
        script=True,
    ),
    net(
        "a dead branch",
        "aux = self.a(x)",
        "aux = aux.tanh()  # <- here: dead_branch a.",
        "return self.b(x)",
        ("self.b(x)", "self.b(aux)"),
    ),
    net(
        "a dead branch that is logged",
        "aux = self.a(x).mean()  # <- here: dead_branch a.",
        "print(aux.item())",
        "return self.b(x)",
        ("self.b(x)", "self.b(x + aux)"),
    ),
    Case(
        "frozen while it is used",
        """
class Net(Two):
    def forward(self, x):
        self.a.requires_grad_(False)  # <- here: frozen a.
        h = self.a(x)
        self.a.requires_grad_(True)
        return self.b(h)


model = Net()
""",
        "self.a.requires_grad_(True)",
    ),
    Case(
        "all frozen",
        """
model = nn.Linear(3, 2)
for p in model.parameters():
    p.requires_grad = False  # <- here: frozen weight bias
""",
        "p.requires_grad = True",
        script=True,
    ),
    # ---- several at once
    Case(
        "two cuts, one behind the other",
        NET.format(
            "h = self.a(x).detach()  # <- here: detach a.",
            "z = self.b(h)",
            "return (z > 0).float() + h[:, :2].requires_grad_()  # <- here: comparison b.",
        ),
        (
            """h = self.a(x).detach()  # <- here: detach a.
        z = self.b(h)
        return (z > 0).float() + h[:, :2].requires_grad_()""",
            "h = self.a(x)\n        z = self.b(h)\n        return z + h[:, :2]",
        ),
    ),
    Case(
        "three branches",
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Linear(3, 2) for _ in range(4))

    def forward(self, x):
        one = self.a(x).detach()  # <- here: detach a.
        with torch.no_grad():
            two = self.b(x)  # <- here: no_grad b.
        three = x[:, :2] * self.c(x).sum().item()  # <- here: item c.
        return one + two + three + self.d(x)


model = Net()
""",
        (
            """one = self.a(x).detach()  # <- here: detach a.
        with torch.no_grad():
            two = self.b(x)  # <- here: no_grad b.
        three = x[:, :2] * self.c(x).sum().item()""",
            "one, two, three = self.a(x), self.b(x), self.c(x)",
        ),
    ),
    Case(
        "a comparison beside a detach",
        """
class Net(Two):
    def forward(self, x):
        h = self.a(x)
        mask = (h > 0).float()
        h = mask * h.detach()  # <- here: detach a.
        return self.b(h)


model = Net()
""",
        "h = mask * h",
    ),
    Case(
        "an optimizer's own copy",
        """
model = Two()
weight = model.a.weight.detach().clone().requires_grad_()  # <- here: detach a.weight
optimizer = torch.optim.SGD([weight, model.a.bias, *model.b.parameters()], 0.1)


def run():
    return F.mse_loss(model.b(F.linear(x, weight, model.a.bias)), y)
""",
        "weight = model.a.weight",
        script=True,
    ),
    # ---- paths that are missing
    net(
        "a missing path",
        "h = self.a(x)",
        "h = (h**2).detach() + h  # <- here: cut detach a.",
        "return self.b(h)",
        "h = h**2 + h",
    ),
    net(
        "a scale without its path",
        "h = self.a(x)",
        "h = h / h.norm().item()  # <- here: cut item a.",
        "return self.b(h)",
        "h = h / h.norm()",
    ),
    net(
        "a path under no_grad",
        "h = self.a(x)",
        "with torch.no_grad(): s = h.mean()  # <- here: cut no_grad a.",
        "return self.b(h - s)",
        "s = h.mean()",
    ),
    Case(
        "a sample that is decoded, beside a divergence",
        """
class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.log, self.decode = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(2, 3)


model, prior = Vae(), torch.distributions.Normal(torch.zeros(2), torch.ones(2))


def run():
    q = torch.distributions.Normal(model.mean(x), model.log(x).exp())
    z = q.sample()  # <- here: cut draw mean log
    return F.mse_loss(model.decode(z), x) + torch.distributions.kl_divergence(q, prior).sum(-1).mean()
""",
        "z = q.rsample()",
    ),
    Case(
        "a sample that is decoded, beside its log-probability",
        """
class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.decode = nn.Linear(3, 2), nn.Linear(2, 3)


model = Vae()


def run():
    q = torch.distributions.Normal(model.mean(x), 1.0)
    z = q.sample()  # <- here: cut draw mean
    return F.mse_loss(model.decode(z), x) + q.log_prob(z).mean()
""",
        "z = q.rsample()",
    ),
    net(
        "a step that is passed by the wrong sign",
        "h = self.a(x)",
        "h = h + (h.round() + h).detach()  # <- here: cut detach a.",
        "return self.b(h)",
        "h = h + (h.round() - h).detach()",
    ),
    net(
        "a mean that is no target",
        "h = self.a(x)",
        "h = (h - h.mean().detach()).tanh()  # <- here: cut detach a.",
        "return self.b(h)",
        "h = (h - h.mean()).tanh()",
    ),
]

QUIET = {
    "zeros of the same shape": NET.format(
        "h = self.a(x)", "h = h + torch.zeros_like(h) + h.new_ones(3)", "return self.b(h)"
    ),
    "a spectral norm, which a library computes without a graph": """
model = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))
""",
    "a gradient penalty": """
model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))


def run():
    data = x.clone().requires_grad_()
    out = model(data)
    (g,) = torch.autograd.grad(out.sum(), data, create_graph=True)
    return F.mse_loss(out, y) + (g.norm(2, dim=1) - 1).pow(2).mean()
""",
    "sequences that are packed": """
model = nn.GRU(3, 2, batch_first=True)


def run():
    packed = nn.utils.rnn.pack_padded_sequence(x[:, None].repeat(1, 4, 1), [4, 3, 2, 1], batch_first=True)
    return nn.utils.rnn.pad_packed_sequence(model(packed)[0])[0].sum()
""",
    "sparse rows": """
model = nn.Embedding(10, 4, sparse=True)


def run():
    print(model.weight.detach().sum().item())
    return model(torch.tensor([1, 2])).sum()
""",
    "detach for a log": NET.format("h = self.a(x)", "self.seen = h.detach().mean()", "return self.b(h)"),
    "item for a log": NET.format("h = self.a(x)", "print(h.mean().item())", "return self.b(h) * 0.7"),
    "metrics under no_grad": NET.format(
        "h = self.b(self.a(x))", "with torch.no_grad(): self.best = h.argmax(1).float().mean()", "return h"
    ),
    "enable_grad inside no_grad": NET.format(
        "with torch.no_grad():", "    with torch.enable_grad(): h = self.a(x)", "return self.b(h)"
    ),
    "a mask": NET.format("h = self.a(x)", "h = h * (h > 0)", "return self.b(h)"),
    "a mask of a detached tensor": NET.format("h = self.a(x)", "h = h * (h.detach() > 0)", "return self.b(h)"),
    "eval mode": NET.format("self.eval()", "h = self.a(x)", "return self.b(h)"),
    "in place": NET.format("h = self.a(x)", "h.mul_(2).relu_()", "return self.b(h)"),
    "rows written into a buffer": NET.format(
        "h = torch.zeros(4, 3)", "for i in range(4): h[i] = self.a(x[i])", "return self.b(h)"
    ),
    "a checkpoint": NET.format(
        "h = checkpoint(self.a, x.requires_grad_(), use_reentrant=True)", "h = h.relu()", "return self.b(h)"
    ),
    "a custom function": """
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.from_numpy(x.detach().numpy() * 2)

    @staticmethod
    def backward(ctx, g):
        return 2 * g


"""
    + NET.format("h = self.a(x)", "h = Double.apply(h)", "return self.b(h)"),
    "initialised, averaged and clamped": """
model = Two()
old = Two().requires_grad_(False)
nn.init.normal_(model.a.weight)
with torch.no_grad():
    model.a.bias.fill_(0.25)
    for theirs, own in zip(old.parameters(), model.parameters()):
        theirs.lerp_(own, 0.5)


def run():
    return F.mse_loss(model.b(model.a(x)), y)
""",
    "a target by the same network": """
model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))


def run():
    with torch.no_grad():
        target = y.mean(1) + 0.99 * model(x + 1).max(1).values
    return F.smooth_l1_loss(model(x)[:, 0], target)
""",
    "the error of temporal differences": """
model = nn.ModuleDict({"policy": nn.Linear(3, 2), "value": nn.Linear(3, 1)})


def run():
    chosen = torch.distributions.Categorical(logits=model["policy"](x))
    action = chosen.sample()
    delta = y[:, 0] + 0.9 * model["value"](x + 1).squeeze(1).detach() - model["value"](x).squeeze(1)
    return delta.pow(2).mean() - (chosen.log_prob(action) * delta.detach()).mean()
""",
    "a policy of normal numbers": """
model = nn.ModuleDict({"mean": nn.Linear(3, 2), "log": nn.Linear(3, 2)})


def run():
    policy = torch.distributions.Normal(model["mean"](x), model["log"](x).exp())
    action = policy.sample()
    reward = -(action - y).pow(2).sum(1)
    return -(policy.log_prob(action).sum(1) * (reward - reward.mean())).mean() - 0.01 * policy.entropy().mean()
""",
    "the ratio to an older policy": """
model = nn.Linear(3, 2)


def run():
    policy = torch.distributions.Normal(model(x), 1.0)
    action = policy.sample()
    score = policy.log_prob(action).sum(1)
    ratio = (score - score.detach()).exp()
    return -torch.min(ratio * y[:, 0], ratio.clamp(0.8, 1.2) * y[:, 0]).mean()
""",
    "a codebook, with commitment and straight through": """
model = nn.ModuleDict({"encode": nn.Linear(3, 2), "codes": nn.Embedding(5, 2), "decode": nn.Linear(2, 3)})


def run():
    z = model["encode"](x)
    nearest = torch.cdist(z, model["codes"].weight).argmin(1)
    q = model["codes"](nearest)
    loss = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(q.detach(), z)
    q = z + (q - z).detach()
    return loss + F.mse_loss(model["decode"](q), x)
""",
    "straight through a step, in three spellings": NET.format(
        "h = self.a(x); h = (torch.sign(h) - h).detach() + h",
        "h = torch.round(h) - h.detach() + h; h = h - (h - h.floor()).detach()",
        "return self.b(h)",
    ),
    "straight through one of several choices": """
model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 2)})


def run():
    soft = F.gumbel_softmax(model["a"](x))
    hard = torch.zeros_like(soft).scatter_(-1, soft.max(-1, keepdim=True)[1], 1.0)
    return F.mse_loss(model["b"](hard - soft.detach() + soft), y)
""",
    "a momentum encoder": """
model = nn.Linear(3, 2)
key = copy.deepcopy(model).requires_grad_(False)


def run():
    for old, new in zip(key.parameters(), model.parameters()):
        old.data = old.data * 0.9 + new.data * 0.1
    q = F.normalize(model(x), dim=1)
    with torch.no_grad():
        k = F.normalize(key(x + 0.1), dim=1)
    return F.cross_entropy(q @ k.T / 0.1, torch.arange(4))
""",
    "two views of one network": """
model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})


def run():
    one, two = model["a"](x), model["a"](x + 0.1)
    return -F.cosine_similarity(model["b"](one), two.detach()).mean()
""",
    "a teacher of the same network": """
model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Linear(3, 2))


def run():
    with torch.no_grad():
        soft = model(x).softmax(1)
    return F.kl_div(model(x).log_softmax(1), soft, reduction="batchmean") + F.mse_loss(model(x), y)
""",
    "a teacher's probabilities beside logarithms": """
model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Linear(3, 2))


def run():
    soft = model(x).softmax(1).detach()
    own = model(x)
    return -(soft * own.log_softmax(1)).sum(1).mean() + (soft * (soft / own.softmax(1)).log()).sum(1).mean()
""",
    "a float that was not taken from a tensor": NET.format(
        "h, alpha = self.a(x), math.cos(1.0)", "print(float(h.sum()))", "return self.b(h) * alpha"
    ),
}
