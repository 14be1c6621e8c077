"""TensorFlow's operations that no gradient comes back through, and what users call them."""

from __future__ import annotations

from typing import Any

__all__ = ["ASKING", "READING", "WRITING", "kind_of", "title_of"]

READING = frozenset({"ReadVariableOp"})
"""What hands out a variable's value."""
WRITING = frozenset(
    {
        "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatterUpdate",
        "ResourceScatterAdd", "ResourceScatterSub", "ResourceScatterNdUpdate", "ResourceScatterNdAdd",
        "ResourceStridedSliceAssign",
    }
)  # fmt: skip
"""What gives a variable another value."""
ASKING = frozenset(
    {
        "Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike", "VariableShape", "DestroyResourceOp",
        "VarIsInitializedOp", "BroadcastGradientArgs", "IsVariableInitialized",
    }
)  # fmt: skip
"""What looks at a tensor's form, and not at its numbers."""

_KINDS = {
    "StopGradient": "stop_gradient",
    "PreventGradient": "stop_gradient",
    "ArgMax": "argmax",
    "ArgMin": "argmax",
    **dict.fromkeys(("Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "ApproximateEqual"),
                    "comparison"),
}  # fmt: skip
_TITLES = {
    "StopGradient": "tf.stop_gradient",
    "ArgMax": "tf.argmax",
    "ArgMin": "tf.argmin",
    "Cast": "tf.cast",
    "Greater": ">",
    "GreaterEqual": ">=",
    "Less": "<",
    "LessEqual": "<=",
    "Equal": "==",
    "NotEqual": "!=",
    "Round": "tf.round",
    "Floor": "tf.floor",
    "Ceil": "tf.math.ceil",
    "FloorDiv": "//",
    "AssignVariableOp": "assign",
    "AssignAddVariableOp": "assign_add",
    "AssignSubVariableOp": "assign_sub",
    "ReadVariableOp": "reading the variable",
}


def kind_of(operation: str, dtype: Any) -> str:
    """Why no gradient comes back through an operation whose output has this type; empty where one may."""
    if operation in _KINDS:
        return _KINDS[operation]
    if dtype.is_floating or dtype.is_complex:
        return ""
    return "integer" if operation == "Cast" else "nondifferentiable"


def title_of(operation: str) -> str:
    """What users call it: its name in the API where that is another."""
    return _TITLES.get(operation, operation)
