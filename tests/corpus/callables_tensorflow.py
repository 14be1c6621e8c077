"""Every callable of the corpus in TensorFlow: ``CASES``, by name. See callables_case.py for what a case is."""

from types import SimpleNamespace

import callables_arrays_tensorflow  # noqa: F401  # fills OPERATIONS
import callables_elementwise_tensorflow  # noqa: F401  # likewise
import tensorflow as tf
from callables_case import Case
from callables_duties_tensorflow import CASES as DUTIES
from callables_faults import FAULTS
from callables_layers_tensorflow import CASES as LAYERS
from callables_operation_tensorflow import OPERATIONS, operation
from callables_points import HALVES, POINTS, TWINS
from callables_twins_tensorflow import CASES as OWN

LIBRARY = SimpleNamespace(
    where=tf.where,
    exp=tf.exp,
    matvec=tf.linalg.matvec,
    roll=lambda g: tf.roll(g, 1, -1),
    reverse=lambda g: tf.reverse(g, [0]),
    transpose=tf.transpose,
    like=lambda array, g: tf.constant(array, g.dtype),
    sum=tf.reduce_sum,
    softmax=tf.nn.softmax,
)


def tensors(inputs, dtype):
    """The inputs as tensors: those of floating-point numbers in ``dtype``."""
    kinds = {"f": dtype, "i": "int64"}
    return {
        name: tf.constant(value, kinds[value.dtype.kind]) if hasattr(value, "dtype") else value
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
]
CASES = {case.name: case for case in _ALL}
