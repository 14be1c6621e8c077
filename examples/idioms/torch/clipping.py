"""Clipping by the global norm, between the backward pass and the update."""

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
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

loss = loss_function(model(X), Y)
loss.backward()
before = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)  # changes .grad in place
after = torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]))
optimizer.step()

print(f"global norm before = {before.item():.10f}")
print(f"global norm after = {after.item():.4f}")  # 0.5 times norm/(norm + 1e-6), PyTorch's guard against 0
print(f"weights = {sum(p.sum() for p in model.parameters()).item():.4f}")
