"""Buffers that the forward pass writes to past autograd are constants to the gradient, and so they are to the check."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import gradtool
from gradtool.witness.callable.subject import Origin
from gradtool.witness.pytorch.callable.subject import subject_of

torch.set_num_threads(1)


def draws(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).normal(size=shape))


class Centred(nn.Module):
    """The distance from a running mean; ``learned`` lets the gradient through to it."""

    mean: torch.Tensor

    def __init__(self, write: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], cut: bool = False) -> None:
        super().__init__()
        self.write, self.cut = write, cut
        self.register_buffer("mean", torch.zeros(3, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = self.write(self.mean, x.mean(0))
        return (x.detach() if self.cut else x) * (x - mean)


def under_no_grad(mean: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return mean.mul_(0.9).add_(now, alpha=0.1)


def detached(mean: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
    return mean.mul_(0.9).add_(0.1 * now.detach())


def by_index(mean: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
    mean[:] = 0.9 * mean + 0.1 * now.detach()
    return mean


def learned(mean: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
    return mean.mul_(0.9).add_(0.1 * now)


def unheld(mean: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
    return 0.9 * mean + 0.1 * now.detach()


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 4).double()


HEALTHY = {
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(linear()), ["0._u", "0._v"]),
    "spectral norm, as it was": (lambda: nn.utils.spectral_norm(linear()), ["weight_u", "weight_v"]),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(linear()), []),
    "batch norm": (lambda: nn.BatchNorm1d(3).double(), []),
    "no_grad": (lambda: Centred(under_no_grad), ["mean"]),
    "detached": (lambda: Centred(detached), ["mean"]),
    "by index": (lambda: Centred(by_index), ["mean"]),
    "learned": (lambda: Centred(learned), []),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_module_in_training_is_verified(name: str) -> None:
    module, held = HEALTHY[name]
    found = gradtool.check(module().train(), (draws(5, 3),))
    assert found.verdict == "verified"
    assert not [one for one in found.findings if one.severity == "error"]
    told = [line for line in found.report.splitlines() if "what the forward pass writes to" in line]
    assert bool(told) == bool(held)
    assert all(one.rpartition(".")[2] in told[0] for one in held)


@pytest.mark.parametrize("module", [Centred(under_no_grad, cut=True), Centred(unheld)])
def test_what_is_cut_off_beside_the_buffer_is_still_found(module: nn.Module) -> None:
    assert gradtool.check(module.train(), (draws(5, 3),)).verdict == "wrong"


def test_the_vectors_of_a_spectral_norm_are_those_of_one_iteration_at_the_given_weight() -> None:
    module = nn.utils.spectral_norm(linear())
    weight, u, v = (module.get_parameter("weight_orig").detach(), *map(module.get_buffer, ("weight_u", "weight_v")))
    v = nn.functional.normalize(weight.T @ u, dim=0)
    u = nn.functional.normalize(weight @ v, dim=0)
    x = draws(2, 3)
    subject = subject_of(module.train(), (x,), {}, ["x"], Origin("sn", "module"))
    moved = {**subject.point, "weight_orig": subject.point["weight_orig"] * np.arange(1.0, 13.0).reshape(4, 3)}
    (found,) = subject.outputs(moved)
    other = torch.from_numpy(moved["weight_orig"])
    expected = x @ (other / (u @ other @ v)).T + torch.from_numpy(moved["bias"])
    assert found == pytest.approx(expected.numpy(), rel=1e-13)


def test_the_module_keeps_its_own_buffers() -> None:
    module = Centred(under_no_grad).train()
    gradtool.check(module, (draws(5, 3),), exact=False)
    assert module.mean.tolist() == [0.0, 0.0, 0.0]
