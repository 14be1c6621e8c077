"""Every callable of the corpus in PyTorch: ``CASES``, by name. See callables_case.py for what a case is."""

from types import SimpleNamespace

import callables_arrays_torch  # noqa: F401  # fills OPERATIONS
import callables_elementwise_torch  # noqa: F401  # likewise
import torch
from callables_case import Case
from callables_duties_torch import CASES as DUTIES
from callables_faults import FAULTS
from callables_layers_torch import CASES as LAYERS
from callables_modes_torch import CASES as MODES
from callables_operation_torch import OPERATIONS, operation
from callables_points import HALVES, POINTS, TWINS
from callables_twins_torch import CASES as OWN

LIBRARY = SimpleNamespace(
    where=torch.where,
    exp=torch.exp,
    matvec=torch.mv,
    roll=lambda g: g.roll(1, -1),
    reverse=lambda g: g.flip(0),
    transpose=lambda g: g.T,
    like=lambda array, g: torch.as_tensor(array, dtype=g.dtype),
    sum=lambda x, dim=None, keepdim=False: x.sum() if dim is None else x.sum(dim, keepdim=keepdim),
    softmax=lambda x: torch.softmax(x, -1),
)


def tensors(inputs, dtype):
    """The inputs as tensors: those of floating-point numbers in ``dtype``."""
    kinds = {"f": getattr(torch, dtype), "i": torch.int64}
    return {
        name: torch.tensor(value, dtype=kinds[value.dtype.kind]) if hasattr(value, "dtype") else value
        for name, value in inputs.items()
    }


def damaged(backward, names, fault):
    """The same backward pass with a fault in the gradient by ``fault.by``."""

    def wrong(at, *rest):
        gradients = backward(at, *rest)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        y, u = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        g = dict(zip(names, gradients, strict=False))
        g[fault.by] = fault.change(SimpleNamespace(g=g, at=vars(at), y=y, u=u, y0=y[0], u0=u[0], lib=LIBRARY))
        return tuple(g.values())

    return wrong


def right(name, title, inputs, dtype="float64"):
    forward, backward = OPERATIONS[name]
    return Case(
        title, lambda: (operation(forward, backward), tensors(inputs, dtype)), plain=lambda: forward, dtype=dtype
    )


def faulty(fault):
    forward, backward = OPERATIONS[fault.operation]
    inputs = fault.at or POINTS[fault.operation]
    wrong = damaged(backward, list(inputs), fault)
    return Case(
        f"{fault.operation}, {fault.what}" + f", {fault.dtype}" * (fault.dtype != "float64"),
        lambda: (operation(forward, wrong), tensors(inputs, fault.dtype)),
        plain=lambda: forward,
        dtype=fault.dtype,
        fault=fault.what,
        where=fault.entry or fault.by,
        factor=fault.factor,
        elsewhere=(lambda: tensors(fault.elsewhere, fault.dtype)) if fault.elsewhere else None,
        note=fault.note,
    )


_ALL = [
    *(right(name, name, inputs) for name, inputs in POINTS.items()),
    *(right(name, title, inputs) for title, (name, inputs) in TWINS.items()),
    *(right(name, f"{name}, {dtype}", POINTS[name], dtype) for dtype, names in HALVES.items() for name in names),
    *(faulty(fault) for fault in FAULTS),
    *DUTIES.values(),
    *OWN.values(),
    *LAYERS.values(),
    *MODES.values(),
]
CASES = {case.name: case for case in _ALL}
