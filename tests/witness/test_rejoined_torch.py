"""What autograd lost is only worth a second pass where it comes back into what autograd follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from gradtool.witness.pytorch.model.recorder import Recorder  # noqa: E402

BACK: dict[str, Callable[[Any], Any]] = {
    "detach": lambda h: h + h.detach(),
    "data": lambda h: h * h.data,
    "through several operations": lambda h: h / (h.detach() ** 2).sum().sqrt(),
    "item": lambda h: h * h.sum().item(),
    "float": lambda h: h - float(h.detach().mean()),
    "in a list": lambda h: torch.stack([h, h.detach()]),
    "a new tensor of another's numbers": lambda h: h + torch.ones(3).new_tensor((h * 2).detach()),
    "in place": lambda h: (h * 1).mul_(h.detach()),
}

NOT_BACK: dict[str, Callable[[Any], Any]] = {
    "nothing lost": lambda h: h.relu() + h,
    "a log": lambda h: (h.detach().mean(), h)[1],
    "a printed number": lambda h: (h.sum().item(), h * 0.37)[1],
    "a comparison": lambda h: h * (h.detach() > 0),
    "noise of its shape": lambda h: h + torch.randn_like(h) * torch.zeros_like(h),
    "a new tensor of its dtype": lambda h: h + h.new_zeros(3),
    "indices": lambda h: h[h.argsort()],
    "data that never had a graph": lambda h: h + torch.ones(3).detach().mul(2),
    "evaluated beside it": lambda h: (torch.no_grad()(lambda: (h * 2).sum() + 1)(), h)[1],
}


pytestmark = pytest.mark.filterwarnings("ignore:To copy construct from a tensor")


def found(function: Callable[[Any], Any]) -> bool:
    torch.manual_seed(0)
    w = torch.randn(3, requires_grad=True)
    with Recorder() as recorder:
        function(w * 1.5).sum()
    return recorder.rejoined.found


@pytest.mark.parametrize("name", BACK)
def test_what_comes_back_is_found(name: str) -> None:
    assert found(BACK[name])


@pytest.mark.parametrize("name", NOT_BACK)
def test_what_does_not_come_back_is_no_reason_for_a_second_pass(name: str) -> None:
    assert not found(NOT_BACK[name])
