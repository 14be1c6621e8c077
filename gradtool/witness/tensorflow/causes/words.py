"""TensorFlow's operations in the words of ``witness.causes``: one row each; others are called as users call them."""

from __future__ import annotations

from collections.abc import Mapping

from gradtool.witness.tensorflow.causes.history import History, Operation
from gradtool.witness.tensorflow.causes.operations import title_of

__all__ = ["TITLES", "VIEWS", "slope_word", "word"]

_PLAIN: Mapping[str, str] = {
    "Log": "log", "Log1p": "log1p", "Xlogy": "xlogy", "Xlog1py": "xlog1py",
    "RealDiv": "div", "Div": "div", "TruncateDiv": "div", "FloorDiv": "div", "FloorMod": "remainder",
    "Reciprocal": "reciprocal", "Inv": "reciprocal", "Rsqrt": "rsqrt", "Sqrt": "sqrt", "Pow": "pow",
    "Exp": "exp", "Expm1": "expm1", "Sinh": "sinh", "Cosh": "cosh",
    "Acos": "acos", "Asin": "asin", "Acosh": "acosh", "Atanh": "atanh", "Erfinv": "erfinv", "Ndtri": "erfinv",
    "Atan2": "atan2", "Softmax": "softmax", "LogSoftmax": "log_softmax",
    "SoftmaxCrossEntropyWithLogits": "log_softmax", "SparseSoftmaxCrossEntropyWithLogits": "log_softmax",
    "Mul": "mul", "MatMul": "matmul", "BatchMatMulV2": "matmul", "BatchMatMulV3": "matmul", "Einsum": "matmul",
    "Conv2D": "conv", "Conv3D": "conv", "Conv2DBackpropInput": "conv", "DepthwiseConv2dNative": "conv",
    "AddV2": "add", "Add": "add", "AddN": "add", "BiasAdd": "add", "Sub": "sub", "Neg": "neg", "Abs": "abs",
    "Sum": "sum", "Mean": "mean", "FusedBatchNormV3": "batch_norm",
    "SelectV2": "where", "Select": "where", "GatherV2": "gather", "GatherNd": "gather", "ResourceGather": "gather",
    "StridedSlice": "slice", "Slice": "slice", "TopKV2": "topk", "Max": "max", "Min": "min",
    "Maximum": "maximum", "Minimum": "minimum", "MaxPool": "max", "Relu": "relu", "Relu6": "relu", "ReluGrad": "relu",
    "Identity": "view", "Reshape": "view", "ExpandDims": "view", "Squeeze": "view", "Cast": "view",
    "ReadVariableOp": "view", "AssignVariableOp": "view", "StopGradient": "view", "BroadcastTo": "view",
    "Fill": "fill", "OnesLike": "fill", "ZerosLike": "fill", "Const": "constant",
}  # fmt: skip

_SLOPES: Mapping[str, str] = {
    "Relu6": "clamp", "Sigmoid": "sigmoid", "Tanh": "tanh", "Erf": "erf", "Elu": "elu", "Selu": "selu",
    "Softplus": "softplus", "Softsign": "softsign", "Atan": "atan", "swish_impl": "silu", "Square": "pow",
    "SquaredDifference": "mse_loss", "Sign": "sign", "Unpack": "split", "Split": "split", "SplitV": "split",
    "MaxPool": "max_pool2d_with_indices", "MaxPool3D": "max_pool3d_with_indices", "LeakyRelu": "leaky_relu",
    "MatrixBandPart": "tril", "TensorScatterUpdate": "scatter", "Cast": "copy", "L2Loss": "norm", "Prod": "mul",
    "ConcatV2": "cat", "Pack": "stack",
}  # fmt: skip
"""Those whose word is another in ``witness.causes.deaths``."""

TITLES: Mapping[str, str] = {
    "max_pool2d_with_indices": "tf.nn.max_pool2d", "max_pool3d_with_indices": "tf.nn.max_pool3d",
    "mse_loss": "tf.math.squared_difference", "cat": "tf.concat", "copy": "tf.cast", "tril": "tf.linalg.band_part",
    "scatter": "tf.tensor_scatter_nd_update",
}  # fmt: skip
"""What users call those words that no function of TensorFlow's is like."""

VIEWS = frozenset({"Identity", "Reshape", "ExpandDims", "Squeeze", "Cast", "MaxPool", "AvgPool", "Transpose"})
"""Operations of which a tensor of zeros is nothing new."""

_SQUARES = ("Square", "Mul", "Pow", "SquaredDifference")


def word(operation: Operation, seen: History) -> str:
    """Its word. TensorFlow makes a norm and a standard deviation of several operations, of which this is the root."""
    if operation.name == "Sqrt":
        under = seen.maker(operation, {"Reshape", "Squeeze", "Cast", "Real", "Identity"})
        if under is not None and under.name in {"Sum", "Mean"}:
            inner = seen.maker(under, {"Cast", "Abs"})
            if inner is not None and (inner.name != "Mul" or len(set(inner.inputs)) == 1) and inner.name in _SQUARES:
                return "std" if under.name == "Mean" and _centred(inner, seen) else "norm"
    return _PLAIN.get(operation.name) or title_of(operation.name)


def slope_word(operation: Operation, seen: History) -> str:
    """Its word where its slope is what is looked at; a maximum with a single number bounds."""
    if operation.name in {"Maximum", "Minimum"} and any(
        one is not None and one.shape.rank == 0 for one in operation.given()
    ):
        return "clamp"
    return _SLOPES.get(operation.name) or word(operation, seen)


def _centred(square: Operation, seen: History) -> bool:
    """Whether a mean was subtracted from what is squared."""
    if square.name == "SquaredDifference":
        return True
    difference = seen.maker(square, set())
    return difference is not None and difference.name == "Sub"
