"""NaN by 0/0: the mean over the tokens of a text that has none.

`where` hides the 0/0 in the value, so the loss is finite. Backward still goes through the branch that was not taken:
0/0 again. gradtool flow should say GT101, NaN gradient, at `score`, and show the line of the division.
"""

import torch
from torch import nn


class MeanScore(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(4, 1)

    def forward(self, tokens):
        filled = (tokens != 0).any(dim=-1, keepdim=True).float()  # padding is all zeros
        total = (self.score(tokens) * filled).sum(dim=1)
        count = filled.sum(dim=1)
        return torch.where(count > 0, total / count, 0.0)  # the fault: too late, the division has happened


def gradtool_case():
    torch.manual_seed(0)
    tokens = torch.randn(8, 5, 4)
    tokens[3] = 0.0  # an empty text
    return MeanScore(), tokens, torch.randn(8, 1), nn.MSELoss()
