"""TensorFlow's operations that no gradient comes back through, and what users call them."""

from __future__ import annotations

import functools
import re
from typing import Any

import tensorflow as tf

__all__ = ["ASKING", "FLAT", "READING", "SCORING", "WRITING", "kind_of", "title_of"]

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

FLAT = frozenset({"Ceil", "Floor", "FloorDiv", "Rint", "Round"})
"""What a tape takes note of, although its gradient is None."""

SCORING = frozenset({"LogSoftmax", "SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"})
"""What makes logarithms of probabilities."""

_KINDS = {
    "StopGradient": "stop_gradient",
    "PreventGradient": "stop_gradient",
    "ArgMax": "argmax",
    "ArgMin": "argmax",
    **dict.fromkeys(("Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "ApproximateEqual"),
                    "comparison"),
    **dict.fromkeys(FLAT, "nondifferentiable"),
}  # fmt: skip
_TITLES = {
    "Greater": ">", "GreaterEqual": ">=", "Less": "<", "LessEqual": "<=", "Equal": "==", "NotEqual": "!=",
    "AddV2": "+", "Add": "+", "Sub": "-", "Mul": "*", "RealDiv": "/", "Div": "/", "Pow": "**", "FloorDiv": "//",
    "FloorMod": "%", "StridedSlice": "[...]",
    "Neg": "tf.negative", "Inv": "tf.math.reciprocal", "DivNoNan": "tf.math.divide_no_nan", "Xdivy": "tf.math.xdivy",
    "MulNoNan": "tf.math.multiply_no_nan", "MatMul": "tf.matmul", "BatchMatMulV2": "tf.matmul",
    "BatchMatMulV3": "tf.matmul", "SparseTensorDenseMatMul": "tf.sparse.sparse_dense_matmul",
    "Sum": "tf.reduce_sum", "Mean": "tf.reduce_mean", "Max": "tf.reduce_max", "Min": "tf.reduce_min",
    "Prod": "tf.reduce_prod", "Any": "tf.reduce_any", "All": "tf.reduce_all",
    "Pack": "tf.stack", "Unpack": "tf.unstack", "SplitV": "tf.split", "SelectV2": "tf.where", "Select": "tf.where",
    "ResourceGather": "tf.gather", "TensorScatterUpdate": "tf.tensor_scatter_nd_update",
    "TensorScatterAdd": "tf.tensor_scatter_nd_add", "MirrorPad": "tf.pad",
    "Conv2D": "tf.nn.conv2d", "Conv3D": "tf.nn.conv3d", "Conv2DBackpropInput": "tf.nn.conv2d_transpose",
    "DepthwiseConv2dNative": "tf.nn.depthwise_conv2d", "MaxPool3D": "tf.nn.max_pool3d",
    "AvgPool3D": "tf.nn.avg_pool3d", "FusedBatchNormV3": "batch normalization",
    "MatrixInverse": "tf.linalg.inv", "MatrixDeterminant": "tf.linalg.det", "MatrixSolve": "tf.linalg.solve",
    "MatrixDiagV3": "tf.linalg.diag", "MatrixDiagPartV3": "tf.linalg.diag_part",
    "MatrixBandPart": "tf.linalg.band_part", "Diag": "tf.linalg.tensor_diag", "DiagPart": "tf.linalg.tensor_diag_part",
    "SelfAdjointEigV2": "tf.linalg.eigh", "ResizeBilinear": "tf.image.resize", "Const": "tf.constant",
    "ResizeNearestNeighbor": "tf.image.resize", "RandomStandardNormal": "tf.random.normal",
    "RandomUniform": "tf.random.uniform", "StatelessRandomNormalV2": "tf.random.stateless_normal",
    "Multinomial": "tf.random.categorical", "EagerPyFunc": "tf.py_function", "PyFunc": "tf.numpy_function",
    "StopGradient": "tf.stop_gradient", "AssignVariableOp": "assign", "AssignAddVariableOp": "assign_add",
    "AssignSubVariableOp": "assign_sub", "ReadVariableOp": "reading the variable",
}  # fmt: skip
"""Those that users call by another name than TensorFlow's own in small letters."""
_HOMES = (("tf", tf), ("tf.nn", tf.nn), ("tf.math", tf.math), ("tf.linalg", tf.linalg), ("tf.image", tf.image))
"""Where the others are found, the shortest name first."""


def kind_of(operation: str, dtype: Any) -> str:
    """Why no gradient comes back through an operation whose output has this type; empty where one may."""
    if operation in _KINDS:
        return _KINDS[operation]
    if dtype.is_floating or dtype.is_complex:
        return ""
    return "integer" if operation == "Cast" else "nondifferentiable"


@functools.cache
def title_of(operation: str) -> str:
    """What users call it: an operator, or its name in the API; TensorFlow's own name where it has none there."""
    if operation in _TITLES or not operation[:1].isupper():  # a function of the user's has its own name
        return _TITLES.get(operation, operation)
    plain = re.sub(r"V\d+$", "", operation)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain).lower()
    return next((f"{home}.{name}" for home, module in _HOMES if hasattr(module, name)), operation)
