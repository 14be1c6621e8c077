"""Where a gradient became exactly zero: the operation that something arrived at and nothing left, and its kind.

The graph of the backward pass is walked from a parameter towards the loss, along edges on which the gradient is all
zero, until an operation is met at which one arrives that is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradtool.evidence import Cause, Operand, Waypoint
from gradtool.target.dtype import FORMATS
from gradtool.witness.causes.lines import NOWHERE, Spot, code_line
from gradtool.witness.causes.operands import Given, operand

__all__ = ["Death", "Deaths"]


@dataclass(frozen=True, slots=True)
class Death:
    """An operation as its backward pass ran: a gradient came in that is not zero, and the one that left is.

    ``at`` is what the slope is taken at, the input or the output of the forward pass, and ``partner`` what it
    multiplies by, where the operation has one; ``constant`` says that the partner is a tensor of the program's own
    that nothing learns. ``along`` counts the numbers that a softmax or a normalisation runs over.
    """

    operation: str
    place: Spot
    gradient: Given
    at: Given | None = None
    partner: Given | None = None
    constant: bool = False
    along: int | None = None
    dtype: str = ""
    """Of the gradient that leaves."""


@dataclass(frozen=True, slots=True)
class _End:
    """What is kept of a death; ``partner`` is the memory that holds the other factor."""

    kind: str
    operation: str
    place: Spot
    told: str = ""
    operands: list[Operand] = field(default_factory=list)
    partner: Hashable = None


@dataclass(frozen=True, slots=True)
class _Edge:
    """A gradient that the operation ``user`` handed on, and whether it was all zero."""

    user: Hashable
    zero: bool
    end: _End | None


@dataclass(frozen=True, slots=True)
class Row:
    """One of the ``operations`` at which a gradient dies is of this ``kind``, where ``holds``."""

    operations: str
    kind: str
    holds: Callable[[Death], Any] = lambda _: True
    told: str = ""


def _one(death: Death) -> bool:
    return death.along == 1


def _no_partner(death: Death) -> bool:
    return death.partner is not None and not death.partner.numbers().any()


def _masks(death: Death) -> bool:
    """A tensor of zeros that is no single number, and that nothing learns, was meant to leave something out."""
    return death.constant and death.partner is not None and bool(death.partner.numbers().ndim)


def _lost(death: Death) -> bool:
    """Whether the products are below the smallest number of the type."""
    if death.dtype == "float16":
        return True
    if death.dtype not in FORMATS:
        return False
    sizes = [float(np.abs(one.numbers()).max(initial=0)) for one in (death.gradient, death.partner) if one is not None]
    return bool(np.prod(np.asarray(sizes, np.float64)) < FORMATS[death.dtype].smallest)


SOFTMAX = "softmax log_softmax logsumexp"
NORMS = "layer_norm batch_norm group_norm"
SIGMOIDS = (
    "sigmoid tanh gelu silu elu selu celu softplus log_sigmoid mish erf exp exp2 softsign atan log_sigmoid_forward"
)
PRODUCTS = "mul matmul conv div dot bilinear addcmul lerp prelu"
AT_ZERO = "where it is taken at 0, and its slope is 0"

ROWS = (
    Row(SOFTMAX, "softmax_of_one", _one),
    Row(NORMS, "norm_of_one", _one),
    Row("mul", "mask", lambda death: _no_partner(death) and _masks(death)),
    Row(f"{PRODUCTS} {NORMS}", "zero_factor", _no_partner),
    Row("relu threshold leaky_relu rrelu", "dead_relu"),
    Row("clamp hardtanh hardsigmoid hardswish", "clamp"),
    Row(f"{SIGMOIDS} {SOFTMAX}", "saturated"),
    Row("pow", "zero_factor", lambda death: death.at is not None and not death.at.numbers().any(), AT_ZERO),
    Row("round floor ceil trunc sign sgn heaviside bernoulli fix", "rounding"),
    Row("masked_fill dropout nll_loss embedding", "mask"),
    Row(
        "where index gather index_select select slice maximum minimum max min amax amin topk sort median kthvalue "
        "masked_select split unbind narrow max_pool2d_with_indices max_pool3d_with_indices scatter index_put "
        "adaptive_max_pool2d constant_pad_nd copy_slices tril triu diagonal",
        "selection",
    ),
    Row("cat stack", "part"),
    Row(f"copy {PRODUCTS}", "underflow", _lost),
    Row("copy", "selection", told="it was overwritten in place"),
    Row("abs norm mse_loss l1_loss smooth_l1_loss huber_loss", "other", told=AT_ZERO),
)
"""The first that holds. An operation that is in none is told as it is."""


class Deaths:
    """The edges of one backward pass, by the operation or the leaf that each leads to."""

    def __init__(self) -> None:
        self._edges: dict[Hashable, list[_Edge]] = {}
        self._places: dict[Hashable, tuple[str, Spot]] = {}

    def seen(self, key: Hashable, operation: str, place: Spot) -> None:
        """An operation went backward."""
        self._places[key] = (operation, place)

    def passed(self, user: Hashable, target: Hashable, death: Death | None, *, zero: bool) -> None:
        """An operation handed a gradient to one of its inputs; ``death`` only where it died there."""
        self._edges.setdefault(target, []).append(_Edge(user, zero, None if death is None else _told(death)))

    def reached(self, target: Hashable) -> bool:
        """Whether any operation handed a gradient to it."""
        return target in self._edges

    def is_dead(self, target: Hashable) -> bool:
        """Whether every gradient that was handed to it is zero."""
        edges = self._edges.get(target, ())
        return bool(edges) and all(edge.zero for edge in edges)

    def causes(self, leaves: Mapping[str, Hashable], names: Mapping[Hashable, str]) -> list[Cause]:
        """Where the gradients of ``leaves``, by the key of each, became zero.

        ``names`` are those of the parameters by the memory that holds them.
        """
        found: dict[tuple[str, str, Spot], Cause] = {}
        for name, leaf in leaves.items():
            for end, way in self._of(leaf):
                known = (end.kind, end.operation, end.place)
                if known not in found:
                    found[known] = self._cause(end, way, names.get(end.partner, ""))
                found[known].parameters.append(name)
        return list(found.values())

    def _of(self, leaf: Hashable) -> Iterator[tuple[_End, tuple[Hashable, ...]]]:
        """What is met first on each way from the leaf to the loss, and the operations from there to the leaf."""
        behind: dict[Hashable, Hashable] = {leaf: None}
        """Of each operation the next one on its way to the leaf."""
        pending, told = deque([leaf]), set[tuple[str, Spot]]()

        def way(key: Hashable) -> Iterator[Hashable]:
            while key != leaf:
                yield key
                key = behind[key]

        while pending:
            key = pending.popleft()
            edges = self._edges.get(key, ())
            if any(not edge.zero for edge in edges):
                operation, place = self._places.get(key, ("", NOWHERE))
                yield _End("other", operation, place, "the gradients of its uses add up to 0"), tuple(way(key))
                continue
            for edge in edges:
                if edge.end is not None and edge.end.kind == "part":
                    yield self._taker(edge), tuple(way(key))
                elif edge.end is not None:
                    if (edge.end.operation, edge.end.place) not in told:
                        told.add((edge.end.operation, edge.end.place))
                        yield edge.end, tuple(way(key))
                elif edge.user not in behind:
                    behind[edge.user] = key
                    pending.append(edge.user)

    def _taker(self, part: _Edge) -> _End:
        """The operation nearer to the loss that took other parts of what was put together, and not this."""
        pending, seen = deque([part.user]), {part.user}
        while pending:
            for edge in self._edges.get(pending.popleft(), ()):
                operation, place = self._places[edge.user]
                kind = next((row.kind for row in ROWS if operation in row.operations.split()), "")
                if kind in {"selection", "mask"}:
                    return _End(kind, operation, place, "it took other parts")
                if edge.user not in seen:
                    seen.add(edge.user)
                    pending.append(edge.user)
        return replace(part.end, kind="other") if part.end else _End("other", "", NOWHERE)

    def _cause(self, end: _End, way: Sequence[Hashable], partner: str) -> Cause:
        kind = "zero_factor" if partner and end.kind == "mask" else end.kind
        operands = list(end.operands)
        if partner:
            operands[-1] = replace(operands[-1], name=partner)
        stops = [Waypoint(end.operation, "backward", code_line(end.place))]
        for key in way:
            operation, place = self._places[key]
            stop = Waypoint(operation, "backward", code_line(place))
            if stop != stops[-1]:
                stops.append(stop)
        told = end.told or (partner if kind == "zero_factor" else "")
        return Cause("zero", kind, end.operation, stops[0].line, [], "backward", operands, stops, told=told)


def _told(death: Death) -> _End:
    """The kind is settled while the numbers are there; nothing of them is kept."""
    row = next((row for row in ROWS if death.operation in row.operations.split() and row.holds(death)), None)
    kind, told = (row.kind, row.told) if row else ("other", "")
    operands = [operand(death.gradient, "the gradient")]
    operands.extend(operand(given) for given in (death.at, death.partner) if given is not None)
    key = death.partner.key if death.partner is not None else None
    return _End(kind, death.operation, death.place, told, operands, key)
