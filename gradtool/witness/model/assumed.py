"""What was found and what was inferred, gathered on the way, so that nothing is assumed in silence."""

from __future__ import annotations

from gradtool.evidence import Assumed, ModelRequest

__all__ = ["Assumptions", "passed_over"]


class Assumptions:
    """The lines of the ``assumed`` block, in the order in which they were settled; a later line replaces its like."""

    def __init__(self) -> None:
        self._rows: dict[str, Assumed] = {}

    def add(self, what: str, value: str, why: str, flag: str = "") -> None:
        """Say that ``what`` is ``value``, and ``why``; ``flag`` is what would change it."""
        self._rows[what] = Assumed(what, value, why, flag)

    def add_optimizer(self, kind: str, rate: float | None, why: str, flags: str = "") -> None:
        """An optimizer by its class, with its rate where it has one."""
        self.add("optimizer", kind if rate is None else f"{kind}, lr {rate:.6g}", why, flags)

    def rows(self) -> list[Assumed]:
        """Everything said so far."""
        return list(self._rows.values())


def passed_over(request: ModelRequest) -> list[str]:
    """Sentences about the options that a program which runs its own training leaves little or no room for."""
    unclipped = "--clip shows what clipping would do; the script's own steps are not clipped by it"
    notes = [unclipped] if request.steps and request.clip is not None else []
    asked = {
        "--accumulate": request.accumulate > 1,
        "--verify": request.verify,
        "--dtype": bool(request.dtype),
        "--device": bool(request.device),
        "--input": bool(request.inputs),
        "--loss": bool(request.loss),
        "--labels": bool(request.labels),
        "--optimizer": bool(request.training and request.training.optimizer),
        "--lr": bool(request.training and request.training.rate is not None),
        "--mode": request.mode != "train",
    }
    options = [option for option, wanted in asked.items() if wanted]
    if not options:
        return notes
    told = "the file trains by itself, with its own data, loss and optimizer"
    return [*notes, f"{', '.join(options)} had no effect: {told}; a function gradtool_case() gives them to gradtool"]
