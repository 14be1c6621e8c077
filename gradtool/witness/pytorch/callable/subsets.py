"""Does the gradient by one input stay what it is when other inputs need none, as where a weight is frozen?

``ctx.needs_input_grad`` tells a backward pass what it may leave out. In TensorFlow a custom gradient is not told.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence

from gradtool.evidence import Breach
from gradtool.witness.callable.contract.observed import Observed, apart, are_others, largest
from gradtool.witness.callable.subject import Floats
from gradtool.witness.pytorch.callable.subject import TorchSubject
from gradtool.witness.pytorch.callable.tensors import numbers, weights_for
from gradtool.witness.pytorch.graph import nodes

__all__ = ["subsets"]

MOST = 4
"""Up to so many inputs are tried alone; of more, so many of them, and all but each of these."""


def subsets(subject: TorchSubject, observed: Observed) -> Iterator[Breach]:
    """Some inputs differentiated without the others, where the graph holds a Function that somebody wrote.

    The first subset that tells of an input is reported. Two to eight gradients.
    """
    if observed.stateful or len(subject.active) < 2 or not _is_written(subject, observed):
        return
    told: set[str] = set()
    for chosen in _chosen(subject.active):
        for breach in _differing(subject, observed, chosen):
            if breach.variable not in told:
                told.add(breach.variable)
                yield breach


def _chosen(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    tried = names[:MOST]
    yield from ((name,) for name in tried)
    if len(names) > MOST:
        yield from (tuple(name for name in names if name != left) for left in tried)


def _is_written(subject: TorchSubject, observed: Observed) -> bool:
    """Whether an autograd Function of the user's is in the graph: PyTorch's own ask for their inputs one by one."""
    found = (getattr(node, "_forward_cls", None) for node in nodes(subject.run(subject.leaves(observed.at))))
    homes = [kind.__module__ for kind in found if kind is not None]
    return any(not home.startswith("torch.") or home.startswith("torch._library") for home in homes)


def _differing(subject: TorchSubject, observed: Observed, chosen: tuple[str, ...]) -> Iterator[Breach]:
    part = copy.copy(subject)
    part.active = chosen
    part.given = {name: leaf.detach() for name, leaf in subject.leaves(observed.at).items()}
    where = _where(chosen, subject.active)
    leaves = part.leaves(observed.at)
    try:
        outputs = part.run(leaves)
    except Exception:  # noqa: BLE001 - it may differentiate by the others itself, and refuse without them
        return
    if any(are_others(numbers(out), old, observed.unit) for out, old in zip(outputs, observed.values, strict=True)):
        return
    try:
        found = part.backward(outputs, leaves, weights_for(observed.upstream, outputs))
    except Exception as error:  # noqa: BLE001 - whatever a custom backward raises
        text = str(error).strip().partition("\n")[0][:200]
        yield observed.breach(
            "subset", chosen[0], f"{where} the backward pass raises {type(error).__name__}: {text}", 1.0
        )
        return
    for name, tensor in found.items():
        now: Floats | None = None if tensor is None else numbers(tensor)
        base = observed.base[name]
        gap, size = apart(now, base), largest(base)
        if gap > max(observed.bar(name), math.sqrt(observed.unit) * size):
            off = f"{gap / size:.2g} of its largest entry off" if size else f"up to {gap:.3g} instead of 0"
            told = f"{where} the gradient is {'None' if now is None else off}"
            yield observed.breach("subset", name, told, gap / (size or gap))


def _where(chosen: Sequence[str], names: Sequence[str]) -> str:
    """Which subset, in words."""
    left = [name for name in names if name not in chosen]
    if len(chosen) == 1:
        return f"with {chosen[0]} alone differentiated"
    return f"with all but {left[0]} differentiated"
