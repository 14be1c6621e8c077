"""Cuts that a method wants: beside them nothing is missing from a gradient, although autograd lost a path.

Three purposes are known: the target of a loss, what passes the gradient straight through a step, and the weight of a
log-probability, by which a sample or a return enters the gradient of an expectation (Williams 1992).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from gradtool.witness.causes.events import FLAT, Event, Flow

__all__ = ["Purposes"]

LONGEST = 6
"""So many sums in a row are looked through."""

TERMS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("+", "add", "radd", "iadd"), (1, 1)),
    **dict.fromkeys(("-", "sub", "subtract", "isub"), (1, -1)),
    "rsub": (-1, 1),
}
"""The signs of both operands."""

PRODUCTS = frozenset(("*", "mul", "rmul", "imul", "multiply", "dot"))

DISTANCES = frozenset(
    ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cosine_similarity", "cosine_embedding_loss",
     "squared_difference")
)  # fmt: skip
"""Losses in which either side may be the target."""

LIKELIHOODS = frozenset(
    ("cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div",
     "softmax_cross_entropy_with_logits")
)  # fmt: skip
"""Losses whose target stands behind the input."""

SIZES = frozenset(("**", "pow", "square", "abs", "norm"))
"""What makes a distance of a difference."""

RATIOS = frozenset(("/", "div", "truediv", "divide", "divide_no_nan"))
LOGARITHMS = frozenset(("log", "log_softmax", "logsigmoid"))

BARE = frozenset(("detach", "data", "stop_gradient", "stopgradient"))
"""Operations that cut and leave the numbers as they are."""


class Purposes:
    """The purposes of cuts in ``flow``. ``joined``: a gradient comes back to the parameters from this node.

    ``opens``: a way leads from it to the loss, without a cut other than those of this region.
    """

    def __init__(self, flow: Flow, joined: Callable[[int], bool], opens: Callable[[int, int], bool]) -> None:
        self.flow, self._joined, self._opens = flow, joined, opens

    def wants(self, cut: Event) -> bool:
        """Whether the cut is one of those; of a sample that is drawn, whether it only serves its own probability."""
        if not cut.kind:
            return False  # a function that gives one of its inputs no gradient
        if cut.kind != "draw" and all(self._closes(node, cut.region) for node in cut.outputs):
            return True
        met = list(self._meetings(cut))
        scored = not self._scored.isdisjoint(cut.inputs)
        return bool(met) and all(
            self._is_weight(event, node, scored=scored) or (cut.kind != "draw" and self._is_target(event, node))
            for event, node in met
        )

    def _meetings(self, cut: Event) -> Iterator[tuple[Event, int]]:
        """The events at which what is cut off meets what learns, each with the node that comes from the cut."""
        seen: set[int] = set()
        pending = list(cut.outputs)
        while pending:
            node = pending.pop()
            if node in seen or not self._opens(node, cut.region):
                continue
            seen.add(node)
            for use in self._uses(node, cut.region):
                if not use.kind and any(map(self._joined, use.outputs)):
                    yield use, node
                else:
                    pending += use.outputs

    def _uses(self, node: int, region: int = 0) -> list[Event]:
        """What is computed of a node and leads to the loss, other than masks and positions."""
        uses = (use for use in self.flow.used_by(node) if use.kind not in FLAT)
        return [use for use in uses if any(self._opens(below, region) for below in use.outputs)]

    # ---- the target of a loss

    def _is_target(self, event: Event, node: int) -> bool:
        name = _word(event)
        if name in DISTANCES:
            return True
        if name in LIKELIHOODS:
            return event.inputs[0] != node
        if name in PRODUCTS:
            return any(
                _word(made) in LOGARITHMS for one in event.inputs if one != node for made in self.flow.made_by(one)
            )
        uses = [use for below in event.outputs for use in self._uses(below) if not use.kind]
        if name in RATIOS:
            return bool(uses) and all(_word(use) in LOGARITHMS for use in uses)
        return TERMS.get(name) in ((1, -1), (-1, 1)) and bool(uses) and all(map(_is_size, uses))

    # ---- the weight of a log-probability

    @cached_property
    def _scored(self) -> set[int]:
        """Log-probabilities, and what is computed of them."""
        seen: set[int] = set()
        pending = [node for event in self.flow.events if event.scores for node in event.outputs]
        while pending:
            node = pending.pop()
            if node not in seen:
                seen.add(node)
                pending += [below for use in self.flow.used_by(node) for below in use.outputs]
        return seen

    def _is_weight(self, event: Event, node: int, *, scored: bool) -> bool:
        """Whether ``node`` goes into a log-probability, or multiplies one; an older one is subtracted, too."""
        if event.scores:
            return True
        beside = [other for other in event.inputs if other != node and self._joined(other)]
        known = bool(beside) and self._scored.issuperset(beside)
        return known and (scored or _word(event) in PRODUCTS)

    # ---- straight through

    def _closes(self, node: int, region: int, left: int = LONGEST) -> bool:
        """Whether each use of ``node`` is in a sum that has a term twice: with its history, and taken off without."""
        uses = self._uses(node, region)
        return bool(uses) and left > 0 and all(
            _word(use) in TERMS
            and all(self._is_balanced(below) or self._closes(below, region, left - 1) for below in use.outputs)
            for use in uses
        )  # fmt: skip

    def _is_balanced(self, node: int) -> bool:
        terms = self._terms(node)
        return any(number and terms[term, True] == -number for (term, cut), number in terms.items() if not cut)

    def _terms(self, node: int, left: int = LONGEST) -> Counter[tuple[int, bool]]:
        """How often each node is a term of this one, with its history and (True) without."""
        made = self.flow.made_by(node)
        if len(made) == 1 and left and (signs := _signs(made[0])):
            terms: Counter[tuple[int, bool]] = Counter()
            for sign, above in zip(signs, made[0].inputs, strict=True):
                for (term, cut), number in self._terms(above, left - 1).items():
                    terms[term, cut or bool(made[0].kind)] += sign * number
            return terms
        return Counter({(node, False): 1})


def _signs(event: Event) -> tuple[int, ...]:
    """Those of the inputs, where an event is a sum or only cuts."""
    signs = (1,) if _word(event) in BARE else TERMS.get(_word(event), ())
    return signs if len(event.inputs) == len(signs) else ()


def _is_size(event: Event) -> bool:
    return _word(event) in SIZES or (_word(event) in PRODUCTS and len(set(event.inputs)) == 1)


def _word(event: Event) -> str:
    """The operation without its module."""
    return event.operation.lower().rpartition(".")[2]
