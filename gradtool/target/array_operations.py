"""The rows of THE operation table that need whole arrays: reductions, products, views, softmax and losses.

``sum``, ``prod``, ``amax``, ``amin``, ``cumsum``, ``matmul``, the views and the hidden rows are primitive: the exact
walk knows them. Every other row is its formula, in which ``count`` stands for how many entries are reduced to one.
"""

from __future__ import annotations

from gradtool.target.operation import Operation

__all__ = ["ROWS"]

X, XY = ("x",), ("x", "y")
_REDUCE: dict[str, object] = {"axis": None, "keepdims": False}
_OVER = "axis=axis, keepdims=keepdims"
_ALONG = "axis=axis, keepdims=True"
_BCE = "mean(-(y*log(x) + (1 - y)*log(1 - x)))"

ROWS = (
    # ---- reductions
    Operation("sum", X, "Sum of the entries, of all or along an axis.",
              "torch.sum({x}, dim={axis}, keepdim={keepdims})",
              "tf.reduce_sum({x}, axis={axis}, keepdims={keepdims})", options=_REDUCE, shape="reduce",
              group="reduction", pullback=("G for every entry",)),
    Operation("mean", X, "Mean of the entries.", "torch.mean({x}, dim={axis}, keepdim={keepdims})",
              "tf.reduce_mean({x}, axis={axis}, keepdims={keepdims})", formula=f"sum(x, {_OVER})/count",
              options=_REDUCE, shape="reduce", group="reduction", aliases=("average",),
              pullback=("G/count for every entry",)),
    Operation("prod", X, "Product of the entries, of all or along one axis.",
              "torch.prod({x}, dim={axis}, keepdim={keepdims})",
              "tf.reduce_prod({x}, axis={axis}, keepdims={keepdims})", options=_REDUCE, shape="along",
              group="reduction", pullback=("G*out/x",)),
    Operation("var", X, "Variance: the mean square distance from the mean, divided by count - ddof.",
              "torch.var({x}, dim={axis}, correction={ddof}, keepdim={keepdims})",
              formula=f"sum((x - mean(x, {_ALONG}))**2, {_OVER})/(count - ddof)",
              options={**_REDUCE, "ddof": 0}, shape="reduce", group="reduction", aliases=("variance",),
              pullback=("G*2*(x - mean(x))/(count - ddof)",)),
    Operation("std", X, "Standard deviation: the square root of var.",
              "torch.std({x}, dim={axis}, correction={ddof}, keepdim={keepdims})",
              formula=f"sqrt(var(x, {_OVER}, ddof=ddof))", options={**_REDUCE, "ddof": 0}, shape="reduce",
              group="reduction", pullback=("G*(x - mean(x))/((count - ddof)*out)",)),
    Operation("norm", X, "Euclidean length: the square root of the sum of squares.",
              "torch.linalg.vector_norm({x}, dim={axis}, keepdim={keepdims})",
              formula=f"sqrt(sum(x**2, {_OVER}))", options=_REDUCE, shape="reduce", group="reduction",
              instead="norm is the Euclidean length; the 1-norm is sum(abs(x)), the largest magnitude max(abs(x))",
              pullback=("G*x/out",)),
    Operation("amax", X, "Largest entry, of all or along an axis; max(x) means this.",
              "torch.amax({x}, dim={axis}, keepdim={keepdims})",
              "tf.reduce_max({x}, axis={axis}, keepdims={keepdims})", options=_REDUCE, shape="reduce",
              group="reduction", pullback=("G at the largest entry, 0 elsewhere",), called="max"),
    Operation("amin", X, "Smallest entry, of all or along an axis; min(x) means this.",
              "torch.amin({x}, dim={axis}, keepdim={keepdims})",
              "tf.reduce_min({x}, axis={axis}, keepdims={keepdims})", options=_REDUCE, shape="reduce",
              group="reduction", pullback=("G at the smallest entry, 0 elsewhere",), called="min"),
    Operation("logsumexp", X, "log(sum(exp(x))) without overflow on the way.",
              "torch.logsumexp({x}, dim={axis}, keepdim={keepdims})",
              "tf.reduce_logsumexp({x}, axis={axis}, keepdims={keepdims})",
              formula=f"log(sum(exp(x), {_OVER}))",
              stable=f"_shifted_log(sum(exp(x - _top(x, {_ALONG})), {_OVER}), _top(x, {_OVER}))",
              options=_REDUCE, shape="reduce", group="reduction", pullback=("G*softmax(x)",)),
    Operation("cumsum", X, "Running sum along an axis.", "torch.cumsum({x}, dim={axis})",
              "tf.math.cumsum({x}, axis={axis})", options={"axis": None}, shape="keep", group="reduction",
              pullback=("the sum of G from each entry on",)),
    # ---- products and views
    Operation("matmul", XY, "Matrix product, as NumPy's @: also of vectors, and of stacks of matrices.",
              "torch.matmul({x}, {y})", "tf.experimental.numpy.matmul({x}, {y})", shape="matmul", operator="@",
              group="array", pullback=("G @ y.T", "x.T @ G")),
    Operation("dot", XY, "Scalar product of two vectors.", "torch.dot({x}, {y})", "tf.tensordot({x}, {y}, 1)",
              formula="matmul(x, y)", shape="dot", group="array", pullback=("G*y", "G*x")),
    Operation("transpose", X, "The axes in reverse, or in the order given.", "torch.permute({x}, {axes})",
              "tf.transpose({x}, {axes})", options={"axes": None}, shape="transpose", group="array",
              pullback=("G with its axes put back",)),
    Operation("reshape", X, "The same entries in another shape; one length may be -1.",
              "torch.reshape({x}, {shape})", "tf.reshape({x}, {shape})", options={"shape": ()}, shape="reshape",
              group="array", pullback=("G in the shape of x",)),
    Operation("index", X, "Part of an array: x[0], x[:, 1], x[1:3], x[..., 0].",
              "torch.Tensor.__getitem__({x}, {key})", "tf.Tensor.__getitem__({x}, {key})", options={"key": ()},
              shape="index", group="array", pullback=("G at these entries of x, 0 elsewhere",)),
    Operation("stack", ("items",), "A list [a, b, c]: its items along a new first axis.", "torch.stack({items})",
              "tf.stack({items})", shape="stack", gather=True, group="array", pullback=("the item's entry of G",)),
    # ---- softmax and losses
    Operation("softmax", X, "exp(x) divided by its sum along an axis.", "torch.softmax({x}, dim={axis})",
              "tf.nn.softmax({x}, axis={axis})", formula="exp(x)/sum(exp(x), axis=axis, keepdims=True)",
              stable="exp(x - _top(x, axis=axis, keepdims=True))"
                     "/sum(exp(x - _top(x, axis=axis, keepdims=True)), axis=axis, keepdims=True)",
              options={"axis": -1}, shape="keep", group="loss", pullback=("out*(G - sum(G*out))",)),
    Operation("log_softmax", X, "log(softmax(x)) without loss of digits.", "torch.log_softmax({x}, dim={axis})",
              "tf.nn.log_softmax({x}, axis={axis})", formula="x - log(sum(exp(x), axis=axis, keepdims=True))",
              stable="x - _top(x, axis=axis, keepdims=True)"
                     " - log(sum(exp(x - _top(x, axis=axis, keepdims=True)), axis=axis, keepdims=True))",
              options={"axis": -1}, shape="keep", group="loss", pullback=("G - exp(out)*sum(G)",)),
    Operation("mse", XY, "Mean squared error of x against y.", "torch.nn.functional.mse_loss({x}, {y})",
              "tf.reduce_mean(tf.math.squared_difference({x}, {y}))", formula="mean((x - y)**2)", shape="loss",
              group="loss", aliases=("mse_loss",), pullback=("G*2*(x - y)/count", "G*2*(y - x)/count")),
    Operation("bce", XY, "Binary cross-entropy of probabilities x against targets y.",
              "torch.nn.functional.binary_cross_entropy({x}, {y})", formula=_BCE, domain="0 < x and x < 1",
              shape="loss", group="loss", aliases=("binary_cross_entropy",),
              pullback=("G*(x - y)/(x*(1 - x))/count", "G*log((1 - x)/x)/count"),
              deviations={"torch": "PyTorch's binary_cross_entropy cuts log off at -100, and x*(1 - x) at 1e-12"}),
    Operation("bce_logits", XY, "Binary cross-entropy of logits x against targets y.",
              "torch.nn.functional.binary_cross_entropy_with_logits({x}, {y})",
              "tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits({y}, {x}))",
              formula="mean(softplus(x) - x*y)", shape="loss", group="loss",
              pullback=("G*(sigmoid(x) - y)/count", "-G*x/count")),
    Operation("cross_entropy", ("x", "labels"), "Mean of -log_softmax(x) at the integer labels, one for each row.",
              "torch.nn.functional.cross_entropy({x}, {labels})",
              "tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits({labels}, {x}))",
              formula="mean(-_pick(log_softmax(x), labels))", shape="cross_entropy", group="loss",
              pullback=("G*(softmax(x) - 1 at the label)/rows",)),
    # ---- for the formulas above
    Operation("_top", X, "Largest entry along an axis as a constant: what is subtracted before exp.",
              options=_REDUCE, shape="reduce", group="array", hidden=True),
    Operation("_shifted_log", XY, "y + log(x): PyTorch takes exp(y) out of the result again in its backward pass.",
              derivatives=("1/x", "1"), domain="x > 0", backward={"torch": ("exp(y - out)", "1")}, group="array",
              hidden=True),
    Operation("_pick", ("x", "labels"), "Of each row of x the entry that its label names.", shape="pick",
              group="array", hidden=True),
)  # fmt: skip
