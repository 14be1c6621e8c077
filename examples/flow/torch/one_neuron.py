"""One neuron with cross-entropy, in bare tensors and without a module: gradtool flow runs the file as a script.

x = 6.7, y = 0, w starts at 1 and b at 0; the first gradients are 6.6918 and 0.99877. After 100 steps at rate 0.1 w is
-0.87418 and b is -0.27973.
"""

import torch

x, y = torch.tensor(6.7), torch.tensor(0.0)
w = torch.tensor(1.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)

for _ in range(100):
    p = torch.sigmoid(w * x + b)
    loss = torch.nn.functional.binary_cross_entropy(p, y)
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad.zero_()
    b.grad.zero_()

print(f"w = {w.item():.5f}, b = {b.item():.5f}")
