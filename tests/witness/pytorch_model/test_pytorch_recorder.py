"""What looks on at every layer sees the model's own functions, and none of an optimizer's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from gradtool.witness.pytorch.model.recorder import Recorder  # noqa: E402  # behind the question whether torch is there


class Rectified(torch.optim.SGD):  # type: ignore[name-defined,misc]
    """An optimizer whose arithmetic has an activation's name; ``broken``, it raises in the midst of a step."""

    broken = False

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        if self.broken:
            raise RuntimeError("no step")
        for group in self.param_groups:
            for one in group["params"]:
                one.data.copy_(torch.relu(one.data))
        return closure() if closure else None


def layers(run: Callable[[torch.Tensor], None]) -> list[str]:
    with Recorder() as recorder:
        run(torch.ones(3, requires_grad=True))
    return [layer.kind for layer in recorder.layers({})]


def test_an_optimizers_arithmetic_is_no_layer() -> None:
    def run(weight: torch.Tensor) -> None:
        optimizer = Rectified([weight], 0.1)
        torch.tanh(weight).sum().backward()
        optimizer.step()

    assert layers(run) == ["tanh"]


def test_what_its_closure_runs_is() -> None:
    def run(weight: torch.Tensor) -> None:
        torch.optim.LBFGS([weight], max_iter=1).step(lambda: torch.sigmoid(weight).sum())

    assert layers(run) == ["sigmoid"]


def test_behind_a_step_that_raised_modules_are_seen_again() -> None:
    def run(weight: torch.Tensor) -> None:
        optimizer = Rectified([weight], 0.1)
        optimizer.broken = True
        with pytest.raises(RuntimeError, match="no step"):
            optimizer.step()
        torch.nn.Flatten(0)(weight)
        torch.tanh(weight)

    assert layers(run) == ["tanh"]
