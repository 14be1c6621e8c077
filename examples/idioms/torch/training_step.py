"""The training step: forward, backward, update."""

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

for step in range(3):
    optimizer.zero_grad()  # .grad holds the sum of every backward pass since it was cleared
    loss = loss_function(model(X), Y)
    loss.backward()
    optimizer.step()
    print(f"loss at step {step} = {loss.item():.10f}")

for parameter in model.parameters():
    print(f"weights = {parameter.sum().item():.10f}")
