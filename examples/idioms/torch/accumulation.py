"""Gradient accumulation: micro-batches add up to the gradient of the full batch."""

import torch

torch.set_default_dtype(torch.float64)

X = torch.tensor([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.8], [2.0, -0.5]])
Y = torch.tensor([[1.0], [0.0], [0.5], [-1.0]])

model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
with torch.no_grad():
    model[0].weight.copy_(torch.tensor([[0.4, -0.6], [0.2, 0.3], [0.8, -0.5]]))  # outputs x inputs
    model[0].bias.copy_(torch.tensor([0.1, 0.0, -0.2]))
    model[2].weight.copy_(torch.tensor([[0.7, -0.4, 0.9]]))
    model[2].bias.copy_(torch.tensor([0.05]))

loss_function = torch.nn.MSELoss()

model.zero_grad()
for x, y in [(X[:3], Y[:3]), (X[3:], Y[3:])]:
    share = len(x) / len(X)  # a mean over unequal parts has to be weighed
    loss = loss_function(model(x), y) * share
    loss.backward()  # adds to .grad
accumulated = [parameter.grad.clone() for parameter in model.parameters()]

model.zero_grad()
loss_function(model(X), Y).backward()
full = [parameter.grad for parameter in model.parameters()]

for a, b in zip(accumulated, full, strict=True):
    print(f"accumulated, full = {a.norm().item():.10f}, {b.norm().item():.10f}")
