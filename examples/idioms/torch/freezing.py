"""Freezing a layer: it keeps its weights, and gradients still flow through it."""

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

model[0].requires_grad_(False)
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)

loss = torch.nn.functional.mse_loss(model(X), Y)
loss.backward()
optimizer.step()

print(f"loss = {loss.item():.10f}")
print(f"trainable parameters = {sum(p.numel() for p in model.parameters() if p.requires_grad)}")
print(f"frozen layer = {model[0].weight.sum().item():.10f}")
print(f"last layer = {model[2].weight.sum().item():.10f}")
