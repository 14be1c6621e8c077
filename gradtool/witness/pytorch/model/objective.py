"""The loss: what the file or the model itself says, else what the shape of the output and of the targets suggests.

The sum of the output is never taken: behind a softmax its gradient is exactly zero.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.conventions import LOSSES as NAMES
from gradtool.witness.model.user_file import UserFileError, blamed, line_of
from gradtool.witness.pytorch.model.recorder import tensors_in
from gradtool.witness.pytorch.model.targets import drawn_targets

__all__ = ["LOSSES", "Asked", "Objective", "objective"]

LOSSES: Mapping[str, Callable[..., torch.Tensor]] = {
    "cross_entropy": nn.functional.cross_entropy,
    "bce_with_logits": nn.functional.binary_cross_entropy_with_logits,
    "bce": nn.functional.binary_cross_entropy,
    "mse": nn.functional.mse_loss,
    "l1": nn.functional.l1_loss,
    "huber": nn.functional.huber_loss,
    "nll": nn.functional.nll_loss,
    "nll_of_probabilities": lambda output, targets: nn.functional.nll_loss(output.log(), targets),
}

MOST_NEEDED = 2
"""A function that needs more than the output and the targets is no loss that can be called here."""

Loss = Callable[[Any, Any], torch.Tensor]


@dataclass(slots=True)
class Objective:
    """``loss(output, targets)``, what it is called, and the targets (None where it needs none)."""

    loss: Loss
    how: str
    targets: Any = None
    terms: dict[str, torch.Tensor] = field(default_factory=dict)
    """Where the loss is a sum of named terms, those of its last call."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of the loss: the case's, ``--loss``, ``--labels``, and which activation made an output."""

    case: Any
    loss: str
    labels: str
    final: Callable[[Any], str]


def objective(output: Any, targets: Any, names: Mapping[str, Any], asked: Asked, assumed: Assumptions) -> Objective:
    """The loss: asked for on the command line, given by the case, found in ``names``, or inferred from ``output``."""
    found = _found(names, asked, assumed)
    if found is None and isinstance(_own(output), torch.Tensor):
        assumed.add("loss", "the model's own", "its output has a loss")
        return Objective(lambda out, _: scalar(_own(out), "of the model"), "the loss in the model's output")
    if targets is None and found is None and len(several := _several(output)) > 1:
        return _of_each(several, assumed)
    head = _head(output)
    if targets is None and found is None and head.numel() == 1 and head.ndim == 0:
        assumed.add("loss", "the output itself", "it is a single number", "--loss")
        return Objective(lambda out, _: scalar(_head(out), "of the model"), "the model's output")
    if targets is None and (found is None or _takes_targets(found[0])):
        targets = drawn_targets(head, found[1] if found else "", asked.labels, asked.final(head), assumed)
    loss, how = found or _inferred(head, targets, asked.final(head), assumed)
    made = Objective(lambda out, goals: _summed(made, _applied(loss, out, goals, how)), how, targets)
    return made


def _summed(made: Objective, value: Any) -> torch.Tensor:
    """The loss as one number; named terms are remembered."""
    if isinstance(value, Mapping):
        made.terms = {str(name): term for name, term in value.items() if isinstance(term, torch.Tensor)}
        value = sum(value.values())
    return scalar(value, made.how)


def _several(output: Any) -> list[torch.Tensor]:
    """The tensors of an output that is more than one, none of which is called its logits."""
    if isinstance(output, torch.Tensor) or _part(output, "logits") is not None:
        return []
    return [tensor for tensor in tensors_in(output) if tensor.requires_grad]


def _of_each(tensors: list[torch.Tensor], assumed: Assumptions) -> Objective:
    """Squared errors of all outputs: a loss of the first alone would leave the way to the others without a gradient."""
    goals = [torch.rand(t.shape, device=t.device, dtype=torch.float64).to(t.dtype) for t in tensors]
    assumed.add("targets", f"numbers in 0..1 for each of {len(goals)} outputs, drawn", "no data was found", "--labels")
    assumed.add("loss", "mse, summed over the outputs", "several outputs", "--loss")

    def loss(output: Any, targets: Any) -> torch.Tensor:
        pairs = zip(_several(output), targets, strict=True)
        return scalar(sum(nn.functional.mse_loss(tensor, goal) for tensor, goal in pairs), "mse")

    return Objective(loss, "mse of each output", goals)


def _found(names: Mapping[str, Any], wanted: Asked, assumed: Assumptions) -> tuple[Callable[..., Any], str] | None:
    asked, given = wanted.loss, wanted.case
    if asked:
        assumed.add("loss", asked, "--loss")
        if asked in LOSSES:
            return LOSSES[asked], asked
        if callable(names.get(asked)):
            return names[asked], asked
        raise UserFileError(
            f"there is no loss called {asked}", f"known: {', '.join(LOSSES)}, or a function of the file"
        )
    if given is not None:
        found = LOSSES.get(given) if isinstance(given, str) else given
        if not callable(found):
            raise UserFileError(
                "the loss of gradtool_case() can't be called", f"a function, or one of {', '.join(LOSSES)}"
            )
        assumed.add("loss", _name(found), "the file's gradtool_case")
        return found, _name(found)
    for name in NAMES:
        value = names.get(name)
        if callable(value) and not inspect.isclass(value) and _needs(value) <= MOST_NEEDED:
            assumed.add(
                "loss", f"{name} ({_name(value)})" if _name(value) != name else name, "a name of the file", "--loss"
            )
            return value, _name(value)
    return None


def _name(loss: Any) -> str:
    """What the loss is called; a lambda by its line."""
    if isinstance(loss, nn.Module):
        return type(loss).__name__
    name = str(getattr(loss, "__name__", type(loss).__name__))
    code = getattr(loss, "__code__", None)
    return f"of {line_of(code.co_filename, code.co_firstlineno)}" if name == "<lambda>" and code else name


def _own(output: Any) -> Any:
    return _part(output, "loss")


def _part(output: Any, name: str) -> Any:
    return output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)


def _head(output: Any) -> torch.Tensor:
    """The output that a loss is taken of: logits if they are named, else the first floating tensor."""
    if isinstance(logits := _part(output, "logits"), torch.Tensor):
        return logits
    tensor = next(tensors_in(output), None)
    if tensor is None:
        raise UserFileError(
            f"the model returned {type(output).__name__}, with no floating-point tensor in it",
            "return a tensor, or give the loss with gradtool_case()",
        )
    return tensor


def _takes_targets(loss: Callable[..., Any]) -> bool:
    return _needs(loss) > 1


def _needs(loss: Callable[..., Any]) -> int:
    """So many arguments a loss can't do without; of one that does not say, two."""
    if isinstance(loss, nn.Module):
        loss = loss.forward
    try:
        parameters = inspect.signature(loss).parameters.values()
    except (TypeError, ValueError):
        return MOST_NEEDED
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in plain and p.default is inspect.Parameter.empty for p in parameters)


def _inferred(head: torch.Tensor, targets: Any, final: str, assumed: Assumptions) -> tuple[Callable[..., Any], str]:
    integer = isinstance(targets, torch.Tensor) and not targets.is_floating_point()
    if integer and final == "log_softmax":
        name, why = "nll", "the model ends with log_softmax"
    elif integer and final == "softmax":
        name, why = "nll_of_probabilities", "the model ends with softmax"
    elif integer and head.ndim > 1 and head.shape[1] > 1:
        name, why = "cross_entropy", "integer targets and several outputs"
    elif final == "sigmoid":
        name, why = "bce", "the model ends with sigmoid"
    elif integer and targets.unique().numel() <= 2:
        name, why = "bce_with_logits", "binary targets and one output"
    else:
        name, why = "mse", "numbers as targets"
    assumed.add("loss", name, why, "--loss")
    return LOSSES[name], name


def _applied(loss: Callable[..., Any], output: Any, targets: Any, how: str) -> Any:
    with blamed(f"the loss {how} failed"):
        if loss in LOSSES.values():
            head = _head(output)
            if isinstance(targets, torch.Tensor) and targets.is_floating_point() and targets.shape != head.shape:
                targets = targets.reshape(head.shape) if targets.numel() == head.numel() else targets
            return loss(head, targets)
        return loss(output, targets) if _takes_targets(loss) else loss(output)


def scalar(value: Any, how: str) -> torch.Tensor:
    """The loss as a single number."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    if not isinstance(value, torch.Tensor):
        raise UserFileError(
            f"the loss {how} is {type(value).__name__}, not a tensor", "return the tensor itself, not .item()"
        )
    if value.numel() != 1:
        shape = "x".join(map(str, value.shape))
        raise UserFileError(f"the loss {how} has shape {shape}, not a single number", "take its mean or sum")
    return value.reshape(())
