"""Looking for parameters that no gradient reaches: here a layer that is built and never used."""

import torch

torch.set_default_dtype(torch.float64)

X = torch.tensor([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.8], [2.0, -0.5]])
Y = torch.tensor([[1.0], [0.0], [0.5], [-1.0]])


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.used = torch.nn.Linear(2, 1)
        self.unused = torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.used(x)


model = Net()
with torch.no_grad():
    model.used.weight.fill_(0.5)
    model.used.bias.fill_(0.1)

loss_function = torch.nn.MSELoss()

loss = loss_function(model(X), Y)
loss.backward()

missing = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
for name in missing:
    print(f"{name} has no gradient")
print(f"loss = {loss.item():.10f}")
print(f"without a gradient = {len(missing)}")
