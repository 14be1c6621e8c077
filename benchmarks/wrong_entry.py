"""Measures the black box on gradients with and without a planted error, beside torch.autograd.gradcheck on the same."""

from __future__ import annotations

import time
import warnings
from typing import Any

import torch

from gradtool.witness.directional.survey import surveyed

__all__ = ["wrong_entry"]


class _Waves(torch.autograd.Function):
    """Sines whose backward is off by a factor in one entry."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, factor: float) -> torch.Tensor:
        context.save_for_backward(x)
        context.factor = factor
        return torch.sin(x)

    @staticmethod
    def backward(context: Any, *upstream: torch.Tensor) -> Any:
        (x,) = context.saved_tensors
        slope = torch.cos(x)
        slope[x.numel() // 3] *= context.factor
        return upstream[0] * slope, None


def wrong_entry() -> list[str]:
    """The lines of the page: the work, what either says, and the times."""
    head = ["| gradient | gradtool | torch.autograd.gradcheck | ratio of times |", "|---|---|---|---|"]
    return [
        *head,
        _row("one entry of 1000000 wrong by 1 %", 1_000_000, "float64", 1.01, "fast mode"),
        _row("right, 10000 entries", 10_000, "float64", 1.0, "fast mode"),
        _row("one entry of 10000 wrong by 1 %", 10_000, "float64", 1.01, "fast mode"),
        _row("one entry of 10000 wrong by 1 %", 10_000, "float64", 1.01, "every entry"),
        _row("right, 1000 entries, float32 as it is", 1_000, "float32", 1.0, "every entry"),
        _row("one entry of 1000 wrong by 1 %, float32 as it is", 1_000, "float32", 1.01, "every entry"),
    ]


def _row(work: str, size: int, dtype: str, factor: float, mode: str) -> str:
    start = torch.randn(size, generator=torch.Generator().manual_seed(0)).to(getattr(torch, dtype))
    start[size // 3] = 0.5  # where the slope is large
    mine, said = _ours(start, dtype, factor)
    peer, told = _gradcheck(start, factor, mode)
    return f"| {work} | {said}, {mine:.2f} s | {told}, {peer:.2f} s, {mode} | {mine / peer:.2f} |"


def _ours(start: torch.Tensor, dtype: str, factor: float) -> tuple[float, str]:
    upstream = torch.rand(start.numel(), generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 0.5

    def both(at: Any) -> Any:
        leaf = torch.from_numpy(at["x"]).to(start.dtype).requires_grad_()
        output = _Waves.apply(leaf, factor)
        (gradient,) = torch.autograd.grad(output, leaf, upstream.to(start.dtype))
        return _weighed(output.detach()), {"x": gradient.double().numpy()}

    def value(at: Any) -> float:
        return _weighed(torch.sin(torch.from_numpy(at["x"]).to(start.dtype)))

    def _weighed(output: torch.Tensor) -> float:
        return float(torch.dot(output.double(), upstream.to(start.dtype).double()))

    point = {"x": start.double().numpy()}
    began = time.perf_counter()
    found = surveyed(value, lambda at: both(at)[1], both(point)[1], point, dtype, 0, both)
    seconds = time.perf_counter() - began
    named = ", ".join(f"x{list(entry.index)}" for entry in found.wrong)
    said = "agrees" if found.agree else f"names {named or 'none'}"
    return seconds, f"{said} after {found.evaluations} evaluations"


def _gradcheck(start: torch.Tensor, factor: float, mode: str) -> tuple[float, str]:
    leaf = start.clone().requires_grad_()
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that float32 is too coarse for it
        right = torch.autograd.gradcheck(
            lambda x: _Waves.apply(x, factor).sum(),
            (leaf,),
            fast_mode=mode == "fast mode",
            raise_exception=False,
        )
    return time.perf_counter() - began, "passes it" if right else "rejects it"


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(*wrong_entry(), sep="\n")
