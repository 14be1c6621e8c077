"""A gradient penalty: the loss holds a gradient by the inputs, so the backward pass goes through a backward pass."""

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

x = X.clone().requires_grad_()
scores = model(x)
(slopes,) = torch.autograd.grad(scores.sum(), x, create_graph=True)  # without it slopes would be constants
penalty = ((slopes.norm(dim=1) - 1) ** 2).mean()
loss = scores.mean() + 10 * penalty
loss.backward()

print(f"penalty = {penalty.item():.10f}")
for parameter in model.parameters():
    print(f"gradient = {0.0 if parameter.grad is None else parameter.grad.norm().item():.10f}")
