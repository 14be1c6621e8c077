"""Programs in PyTorch whose gradient is lost at several lines: one behind the other, and on several ways.

A guilty line says ``# <- first: KIND | HEALTHY LINE``, or ``behind`` or ``beside`` for those that are told with it.
Each text stands behind SHARED of ``causes_none_torch`` and makes ``model`` and ``run()``.
"""

from __future__ import annotations

from corpus.causes_none_torch import NET

__all__ = ["SEVERAL"]

SEVERAL = {
    "detach and then item": NET.format(
        "h = self.a(x).detach()  # <- first: detach | h = self.a(x)",
        "s = h.mean().item()  # <- behind: item | s = h.mean()",
        "return self.b(x * s)",
    ),
    "three in a row, each of another class": """
class Net(Two):
    def forward(self, x):
        h = self.a(x).data  # <- first: data | h = self.a(x)
        with torch.no_grad():
            h = torch.tanh(h)  # <- behind: no_grad | with torch.enable_grad(): h = torch.tanh(h)
        h = h * 2
        h = torch.tensor(h.tolist())  # <- behind: tolist | h = h + 1
        return self.b(h)


model = Net()
""",
    "three ways": """
class Net(Two):
    def forward(self, x):
        h = self.a(x)
        one = h.detach()  # <- first: detach | one = h * 1
        two = h.data  # <- beside: data | two = h * 2
        three = h.mean().item()  # <- beside: item | three = h.mean()
        return self.b(one + two * three)


model = Net()
""",
    "two ways, one of which is cut twice": """
class Net(Two):
    def forward(self, x):
        h = self.a(x)
        long = h.detach().tanh()  # <- beside: detach | long = h.tanh()
        with torch.no_grad():
            long = long * 2  # <- beside: no_grad | with torch.enable_grad(): long = long * 2
        short = h.relu().detach()  # <- first: detach | short = h.relu()
        return self.b(long + short)


model = Net()
""",
    "in a loop and in a list": """
class Net(Two):
    def forward(self, x):
        rows = [self.a(row).detach() for row in x]  # <- first: detach | rows = [self.a(row) for row in x]
        total = 0
        for row in rows:
            total = total + x * row.mean().item()  # <- behind: item | total = total + x * row.mean()
        return self.b(total)


model = Net()
""",
    "in two modules and in the loss": """
class Stop(nn.Module):
    def forward(self, x):
        return x.detach()  # <- first: detach | return x * 1


model = nn.Sequential(nn.Linear(3, 3), Stop(), nn.Tanh(), nn.Linear(3, 2).requires_grad_(False))


def run():
    out = torch.from_numpy(model(x).detach().numpy())  # <- behind: numpy | out = model(x) * 1
    return F.mse_loss(out.requires_grad_(), y)
""",
}
