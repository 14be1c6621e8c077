"""A symbolic value that torch's functions hand over to (``__torch_function__``), with the methods of a tensor."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterator, Mapping
from types import MethodDescriptorType, WrapperDescriptorType
from typing import Any, NoReturn

import torch

from gradtool.witness.callable.part import Part
from gradtool.witness.callable.recorder import Recorder, Untraceable
from gradtool.witness.callable.spelling import ANYTHING, Spelling, found
from gradtool.witness.callable.symbol import Symbol
from gradtool.witness.pytorch.callable.spellings import IDLE, SPELLINGS

__all__ = ["TorchSymbol", "recorders", "spellings"]

_OWNERS = ("Tensor", "TensorBase", "_TensorBase")


class TorchSymbol(Symbol):
    """A symbolic value with the attributes and the methods of a tensor.

    It must not say that it is one: torch's own code believes ``isinstance``, and reads memory that is not there.
    """

    device = torch.device("cpu")
    requires_grad = True
    is_leaf = is_cuda = is_sparse = is_quantized = False
    grad_fn = grad = None

    def __init__(self, recorder: Recorder, part: Part, dtype: torch.dtype) -> None:
        super().__init__(recorder, part)
        self.dtype = torch.bool if part.logical else dtype
        self.own = dtype

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """What torch does in place of its own arithmetic when it meets a symbolic value."""
        del types
        recorder = next(recorders((*args, *(kwargs or {}).values())))
        known = _by_function().get(func)
        if known is not None:
            return known.meant(recorder, args, _told(kwargs or {}))
        name = getattr(func, "__name__", "")
        owner = getattr(func, "__qualname__", "").split(".")[0]
        if isinstance(func, MethodDescriptorType | WrapperDescriptorType) or owner in _OWNERS:
            return getattr(recorder.lifted(args[0]), name)(*args[1:], **(kwargs or {}))
        known_as = torch.overrides.resolve_name(func) or f"{getattr(func, '__module__', None) or 'torch'}.{name}"
        return _unknown(known_as.replace("torch.functional.", "torch."))

    def __getattr__(self, name: str) -> Any:
        known = spellings().get(f"torch.Tensor.{name}") or spellings().get(f"torch.{name}")
        if known is not None:
            return lambda *given, **named: known.meant(self.recorder, (self, *given), _told(named))
        if name.startswith("__") or not callable(getattr(torch.Tensor, name, None)):
            raise AttributeError(f"a traced value has no attribute {name}")
        return lambda *_, **__: _unknown(f"torch.Tensor.{name}")

    # ---- what is known without the numbers

    @property
    def shape(self) -> torch.Size:
        """The lengths of the axes."""
        return torch.Size(self.part.shape)

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.part.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """How many axes there are."""
        return self.ndim

    def numel(self) -> int:
        """How many entries there are."""
        return math.prod(self.part.shape)

    nelement = numel

    def is_contiguous(self, *_: Any) -> bool:
        """As tensors usually are."""
        return True

    # ---- the same value

    @property
    def T(self) -> Any:
        """The axes in reverse."""
        return self.recorder.record("transpose", self)

    @property
    def mT(self) -> Any:
        """The last two axes in each other's place."""
        return self.transpose(-1, -2)

    @property
    def data(self) -> Any:
        """Cut off from the gradient."""
        return self.detach()

    def detach(self) -> Any:
        """Only where the value alone counts: the formula has a derivative where autograd has none."""
        if not self.recorder.forward_only:
            raise Untraceable("cuts off the gradient with detach, which a formula can't say")
        return self

    def contiguous(self, **_: Any) -> Any:
        """The same numbers."""
        return self

    cpu = requires_grad_ = contiguous

    def to(self, *given: Any, **named: Any) -> Any:
        """To its own dtype, or a condition to numbers."""
        for value in (*given, *named.values()):
            if isinstance(value, torch.dtype):
                return self._cast(value)
            if isinstance(value, torch.Tensor | TorchSymbol):
                return self._cast(value.dtype)
        return self

    type_as = to

    def float(self) -> Any:
        """To float32."""
        return self._cast(torch.float32)

    def double(self) -> Any:
        """To float64."""
        return self._cast(torch.float64)

    def _cast(self, dtype: torch.dtype) -> Any:
        if dtype == self.dtype:
            return self
        if self.part.logical and dtype.is_floating_point:
            return self.recorder.symbol(self.recorder, self.recorder.number_of(self.part))
        raise Untraceable(f"casts to {dtype}")

    def item(self) -> NoReturn:
        """Refused: the numbers are not known."""
        raise Untraceable("asks for the number that a value is: x.item(), x.tolist() or x.numpy()")

    tolist = numpy = item

    def _in_place(self, *_: Any) -> NoReturn:
        raise Untraceable("changes a value in place: += or the like")

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = _in_place
    __ifloordiv__ = __imod__ = __iand__ = __ior__ = _in_place
    __rdiv__ = Symbol.__rtruediv__  # type: ignore[attr-defined]  # set by name


@functools.cache
def spellings() -> dict[str, Spelling]:
    """Every call that is a row of the table, by its dotted name; those that this PyTorch has."""
    return found("torch", lambda _: None, SPELLINGS)


@functools.cache
def _by_function() -> dict[Any, Spelling]:
    table = {}
    for name, known in spellings().items():
        try:
            table[operator.attrgetter(name.removeprefix("torch."))(torch)] = known
        except AttributeError:
            continue
    return table


def _told(named: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that may matter."""
    return {name: value for name, value in named.items()
            if name not in IDLE or (IDLE[name] is not ANYTHING and value != IDLE[name])}  # fmt: skip


def _unknown(name: str) -> NoReturn:
    if name.endswith("_") and not name.endswith("__"):
        raise Untraceable(f"changes a tensor in place: {name}")
    raise Untraceable(f"calls {name}, which the table does not have")


def recorders(values: Any) -> Iterator[Recorder]:
    """Those of the symbolic values among ``values``, also in lists."""
    for value in values:
        if isinstance(value, Symbol):
            yield value.recorder
        elif isinstance(value, list | tuple):
            yield from recorders(value)
