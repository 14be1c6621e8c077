"""An ill training script: between its two halves the data go through NumPy, where no gradient can follow.

The loop runs, the loss falls, and the encoder stays as it was. gradtool flow should say GT106, missing gradient, at
`encoder`, and show the line that leaves PyTorch.
"""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 10)
y = (x[:, 0] + x[:, 1] > 0).long()

encoder = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
head = nn.Linear(32, 2)
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=1e-3)

for epoch in range(20):
    optimizer.zero_grad()
    features = encoder(x).detach().numpy()  # the fault
    features = (features - features.mean()) / features.std()
    loss = nn.functional.cross_entropy(head(torch.from_numpy(features)), y)
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
