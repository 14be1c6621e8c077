"""Polynomial regression with an L2 penalty, healthy: the loss is a sum of two named terms.

gradtool flow should find nothing, and show the norm of each term's own gradient and its cosine to the whole.
"""

import torch
from torch import nn


class Polynomial(nn.Module):
    def __init__(self):
        super().__init__()
        self.coefficients = nn.Parameter(torch.tensor([0.1, -0.2, 0.3, -0.4]))

    def forward(self, x):
        return x ** torch.arange(4) @ self.coefficients


def gradtool_case():
    model = Polynomial()
    x = torch.linspace(-1, 1, 32).unsqueeze(1)
    y = 1 - 2 * x[:, 0] + 0.5 * x[:, 0] ** 3

    def loss(output, targets):
        return {
            "fit": nn.functional.mse_loss(output, targets),
            "penalty": 0.01 * model.coefficients.square().sum(),
        }

    return {"model": model, "inputs": x, "targets": y, "loss": loss}
