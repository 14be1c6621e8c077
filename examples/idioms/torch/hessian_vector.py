"""A Hessian-vector product: the Hessian along one direction, for the price of two gradients."""

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

parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
direction = [torch.ones_like(parameter) for parameter in parameters]

loss = loss_function(model(X), Y)
gradients = torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True)
along = sum((g * v).sum() for g, v in zip(gradients, direction, strict=True))
product = torch.autograd.grad(along, parameters, materialize_grads=True)  # zero where there is no way, not None

print(f"gradient along v = {along.item():.10f}")
print(f"v H v = {sum((h * v).sum() for h, v in zip(product, direction, strict=True)).item():.10f}")
for part in product:
    print(f"H v = {part.norm().item():.10f}")
