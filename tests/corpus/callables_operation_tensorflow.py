"""How an operation with a gradient written by hand is made in TensorFlow: of forward(inputs) and
backward(at, outputs, upstream).

``at`` holds the inputs as attributes. Both are written with differentiable operations of the inputs and outputs, so
that the second derivative is right too.
"""

import functools
import inspect
from types import SimpleNamespace

import tensorflow as tf


def operation(forward, backward):
    """A function of the parameters of ``forward``, whose custom gradient is ``backward``."""
    signature = inspect.signature(forward)

    @functools.wraps(forward)
    def run(*values, **named):
        at = signature.bind(*values, **named).arguments
        tensors = [name for name, value in at.items() if tf.is_tensor(value)]

        @tf.custom_gradient
        def custom(*given):
            whole = {**at, **dict(zip(tensors, given, strict=True))}
            outputs = forward(**whole)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)

            def gradient(*upstream):
                gradients = backward(SimpleNamespace(**whole), *outputs, *upstream)
                gradients = gradients if isinstance(gradients, tuple) else (gradients,)
                return [*gradients, *(None for _ in range(len(tensors) - len(gradients)))]

            return outputs if len(outputs) > 1 else outputs[0], gradient

        return custom(*(at[name] for name in tensors))

    return run


OPERATIONS = {}
"""Of every operation, by name, its forward and its backward; to be filled by the files that define them."""


def gradient(forward):
    """A decorator: what follows is the backward of ``forward``."""

    def register(backward):
        OPERATIONS[forward.__name__] = (forward, backward)
        return backward

    return register
