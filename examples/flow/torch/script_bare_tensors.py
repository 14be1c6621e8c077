"""A training script without any module: two layers in bare tensors, updated by hand. It knows nothing of gradtool.

The parameters are the leaves of the graph; gradtool flow should call them w1, b1, w2, b2. No finding.
"""

import math

import torch

torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 64).unsqueeze(1)
y = torch.sin(x)

w1 = torch.randn(1, 16, requires_grad=True)
b1 = torch.zeros(16, requires_grad=True)
w2 = (torch.randn(16, 1) / 4).requires_grad_()
b2 = torch.zeros(1, requires_grad=True)

for step in range(200):
    prediction = torch.tanh(x @ w1 + b1) @ w2 + b2
    loss = ((prediction - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in (w1, b1, w2, b2):
            p.sub_(0.05 * p.grad)
            p.grad = None
    if step % 50 == 0:
        print(step, loss.item())
