"""A small LSTM classifier, healthy. No finding.

It follows the conventions of a LightningModule (training_step, train_dataloader, configure_optimizers) without
Lightning itself: gradtool flow takes the data, the loss and the optimizer from there.
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SequenceClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 32, batch_first=True)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.head(states[:, -1])

    def training_step(self, batch, batch_idx):  # noqa: ARG002 - Lightning's signature
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def train_dataloader(self):
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(64, 12, 8, generator=generator)
        return DataLoader(TensorDataset(x, (x.sum(dim=(1, 2)) > 0).long()), batch_size=32)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)
