"""Gradients, norms and statistics equal those of an autograd call that the file writes by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.evidence import Training

MLP = """
import torch
from torch import nn

torch.manual_seed(1)
model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)).to(torch.{dtype})
x, y = torch.randn(11, 5, dtype=torch.{dtype}), torch.randint(0, 3, (11,))
loss = nn.CrossEntropyLoss()

def gradtool_case():
    return model, x, y, loss

truth(lambda: loss(model(x), y), model.parameters())
"""


@pytest.mark.parametrize(("dtype", "near"), [("float64", 1e-12), ("float32", 1e-5)])
def test_the_gradients_of_a_sequential_model_are_those_of_its_own_autograd(
    file: Any, truth: str, dtype: str, near: float
) -> None:
    evidence = file.evidence(truth + MLP.format(dtype=dtype), clip=0.01)
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=near)
    assert [p.gradient.largest for p in evidence.parameters] == pytest.approx(told["largest"], rel=near)
    assert evidence.norm == pytest.approx(told["global"], rel=near)
    assert evidence.loss.value == pytest.approx(told["loss"], rel=near)
    assert evidence.clipped.before == evidence.norm
    assert evidence.clipped.after == pytest.approx(told["clipped"], rel=near)
    assert evidence.clipped.own == pytest.approx(told["clipped"], rel=near)
    assert [p.name for p in evidence.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [p.shape for p in evidence.parameters] == [(7, 5), (7,), (3, 7), (3,)]
    assert [p.fan_in for p in evidence.parameters] == [5, 0, 7, 0]
    assert (evidence.batch, evidence.route, evidence.dtype, evidence.device) == (11, "case", dtype, "cpu")


def test_clipping_leaves_a_norm_below_the_limit_alone(file: Any, truth: str) -> None:
    evidence = file.evidence(truth + MLP.format(dtype="float64"), clip=1e6)
    assert evidence.clipped.after == evidence.clipped.own == evidence.norm


@pytest.mark.parametrize("sparse", [True, False])
def test_rows_of_an_embedding_count_once_however_often_they_are_looked_up(
    file: Any, truth: str, *, sparse: bool
) -> None:
    evidence = file.evidence(
        truth
        + f"""
import torch
from torch import nn
torch.manual_seed(1)
words, last = nn.Embedding(50, 4, sparse={sparse}), nn.Linear(4, 1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.last = words, last
    def forward(self, x):
        return self.last(torch.tanh(self.words(x)).mean(1))
x = torch.tensor([[1, 2, 3, 3, 3, 9], [1, 1, 1, 1, 7, 7]])
y = torch.tensor([[1.0], [0.0]])
net = Net()
def gradtool_case():
    return dict(model=net, inputs=x, targets=y, loss=nn.BCEWithLogitsLoss())
truth(lambda: nn.BCEWithLogitsLoss()(net(x), y), net.parameters())
"""
    )
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-5)
    assert [p.gradient.largest for p in evidence.parameters] == pytest.approx(told["largest"], rel=1e-5)
    assert evidence.norm == pytest.approx(told["global"], rel=1e-5)
    embedding = evidence.parameters[0]
    assert (embedding.rows, embedding.all_rows) == ((5, 50) if sparse else (0, 0))
    assert (embedding.gradient.count, embedding.gradient.zeros) == (200, 180)
    assert evidence.descent.after < evidence.descent.before


def test_tied_weights_are_told_once_under_both_names(file: Any, truth: str) -> None:
    evidence = file.evidence(
        truth
        + """
import torch
from torch import nn
torch.manual_seed(1)
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 4)
        self.back = nn.Linear(4, 20, bias=False)
        self.back.weight = self.words.weight
    def forward(self, x):
        return self.back(self.words(x))
net, x, y = Tied(), torch.arange(6), torch.arange(6)
def gradtool_case():
    return net, x, y, "cross_entropy"
truth(lambda: nn.functional.cross_entropy(net(x), y), net.parameters())
"""
    )
    (row,) = evidence.parameters
    assert (row.name, row.others, row.layer) == ("words.weight", ["back.weight"], "words")
    assert row.gradient.norm == pytest.approx(file.wrote()["norms"][0], rel=1e-5)
    assert evidence.norm == row.gradient.norm


def test_frozen_and_unused_parameters_have_no_gradient_and_buffers_are_none(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.still, self.unused = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)
                self.norm, self.last = nn.BatchNorm1d(8), nn.Linear(8, 2)
                self.still.requires_grad_(False)
                self.register_buffer("scale", torch.ones(8))
            def forward(self, x):
                return self.last(self.norm(self.still(self.first(x))) * self.scale)
        model, sample_inputs = Net(), torch.randn(8, 6)
    """)
    rows = {p.name: p for p in evidence.parameters}
    assert [name for name, p in rows.items() if not p.trainable] == ["still.weight", "still.bias"]
    assert [name for name, p in rows.items() if p.gradient is None] == [
        "still.weight", "still.bias", "unused.weight", "unused.bias",
    ]  # fmt: skip
    assert list(rows)[-4:] == ["norm.weight", "norm.bias", "last.weight", "last.bias"]
    assert evidence.norm == pytest.approx(math.hypot(*(p.gradient.norm for p in rows.values() if p.gradient)))


@pytest.mark.parametrize("scale", [1e30, 1e-30])
@pytest.mark.parametrize("width", [1, 100])
def test_norms_hold_where_squares_leave_float32(file: Any, scale: float, width: int) -> None:
    """The gradient is (3, 4, 0, ...) times the scale: its norm is 5 times the scale."""
    evidence = file.evidence(
        f"""
        import torch
        model = torch.nn.Linear({2 * width}, 1, bias=False)
        x = torch.zeros(1, {2 * width})
        x[0, 0], x[0, -1] = 3.0, 4.0
        def gradtool_case():
            return model, x, None, lambda out: {scale} * out.sum()
        """,
        moments=True,
        clip=scale,
    )
    (row,) = evidence.parameters
    assert evidence.norm == pytest.approx(5 * scale, rel=1e-5, abs=0.0)
    assert row.gradient.norm == pytest.approx(5 * scale, rel=1e-5, abs=0.0)
    assert row.gradient.largest == pytest.approx(4 * scale, rel=1e-5, abs=0.0)
    assert row.gradient.deviation**2 == pytest.approx(
        (25 / (2 * width) - (7 / (2 * width)) ** 2) * scale**2, rel=1e-4, abs=0.0
    )
    (layer,) = evidence.layers
    assert layer.gradient == pytest.approx(scale, rel=1e-5, abs=0.0)


def test_a_layer_keeps_the_size_of_outputs_whose_squares_leave_float32(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Scale(nn.Module):
            def __init__(self, by):
                super().__init__()
                self.by = nn.Parameter(torch.tensor(by))
            def forward(self, x):
                return x * self.by
        model = nn.Sequential(Scale(1e30), Scale(1e-30), Scale(1e-30), Scale(1e30))
        def gradtool_case():
            return model, torch.tensor([3.0, 4.0]), None, lambda out: out.sum()
    """)
    sizes = [(25 / 2) ** 0.5 * by for by in (1e30, 1.0, 1e-30, 1.0)]
    assert [layer.rms for layer in evidence.layers] == pytest.approx(sizes, rel=1e-5, abs=0.0)
    assert [layer.nonfinite for layer in evidence.layers] == [0, 0, 0, 0]
    # by w.x of each layer's output, from the first: 1e-30, 1, 1e30, 1 in both numbers
    assert [layer.gradient for layer in evidence.layers] == pytest.approx(
        [2**0.5 * by for by in (1e-30, 1.0, 1e30, 1.0)], rel=1e-5, abs=0.0
    )


def test_nan_and_infinite_numbers_are_counted(file: Any) -> None:
    """The gradient is the input times (nan, inf, 1) by output, for inputs 1 and 2."""
    evidence = file.evidence("""
        import torch
        model = torch.nn.Linear(2, 3)
        def gradtool_case():
            weight = torch.tensor([float("nan"), float("inf"), 1.0])
            return model, torch.tensor([[1.0, 2.0]]), None, lambda out: (out * weight).sum()
    """)
    weight, bias = evidence.parameters
    assert (weight.gradient.nan, weight.gradient.inf, weight.gradient.count) == (2, 2, 6)
    assert (bias.gradient.nan, bias.gradient.inf, bias.gradient.count) == (1, 1, 3)
    assert math.isnan(evidence.norm)
    assert math.isnan(evidence.loss.value)
    assert evidence.descent is None


def test_moments_are_there_where_they_are_asked_for(file: Any) -> None:
    text = """
        import torch
        model = torch.nn.Linear(2, 1, bias=False)
        def gradtool_case():
            return model, torch.tensor([[3.0, -1.0]]), None, lambda out: out.sum()
    """
    gradient = file.evidence(text, moments=True).parameters[0].gradient
    assert (gradient.mean, gradient.mean_size, gradient.deviation) == pytest.approx((1.0, 2.0, 2.0))
    assert file.evidence(text).parameters[0].gradient.mean is None


PLAIN = """
import torch
from torch import nn
torch.manual_seed(1)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
sample_inputs, sample_targets = torch.randn(16, 4), torch.randn(16, 1)
"""


@pytest.mark.parametrize(
    ("dtype", "least", "most"), [("float64", 14, 17), ("float32", 5.5, 9), ("float16", 2, 4), ("bfloat16", 1, 3)]
)
def test_the_digits_of_a_gradient_are_those_of_its_dtype(file: Any, dtype: str, least: float, most: float) -> None:
    evidence = file.evidence(PLAIN, dtype=dtype)
    assert evidence.dtype == dtype
    assert {p.dtype for p in evidence.parameters} == {dtype}
    (digits,) = evidence.digits
    assert digits.dtype == dtype
    assert least <= digits.whole <= most
    assert list(digits.parameters) == [p.name for p in evidence.parameters]
    assert all((p.halves is None) is (dtype in ("float64", "float32")) for p in evidence.parameters)


def test_what_half_precision_loses_is_counted(file: Any) -> None:
    """Gradients of 1, 2^-13, 2^-15 (subnormal in float16), 2^-20 (likewise), 2^-30 (lost) and 0 in bfloat16."""
    evidence = file.evidence(
        """
        import torch
        model = torch.nn.Linear(6, 1, bias=False)
        def gradtool_case():
            x = torch.tensor([[1.0, 2.0**-13, 2.0**-15, 2.0**-20, 2.0**-30, 0.0]])
            return model, x, None, lambda out: out.sum()
        """,
        dtype="bfloat16",
    )
    found = evidence.parameters[0].halves
    assert (found.count, found.lost, found.subnormal) == (6, 1, 3)
    assert (found.largest, found.least) == (1.0, 2.0**-30)
    assert evidence.parameters[0].gradient.zeros == 1


def test_the_weights_are_described(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        model = nn.Linear(3, 4)
        nn.init.constant_(model.weight, -0.5)
        with torch.no_grad():
            model.bias.copy_(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    """)
    weight, bias = (p.weights for p in evidence.parameters)
    assert (weight.count, weight.norm, weight.equal, weight.mean) == (12, pytest.approx(3**0.5), True, None)
    assert (bias.norm, bias.equal, bias.mean) == (pytest.approx(50**0.5), False, 3.0)


def test_the_evidence_is_the_same_twice_and_dropout_drops_the_same_units_in_the_step(file: Any) -> None:
    text = """
        import torch
        from torch import nn
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 4))
        loss_fn = nn.CrossEntropyLoss()
    """
    one, other = file.evidence(text), file.evidence(text)
    assert one.parameters == other.parameters
    assert one.descent == other.descent
    assert one.descent.before - one.descent.after == pytest.approx(one.descent.promised, rel=0.1)


def test_groups_rates_and_hooks_are_told_by_parameter(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        stray = nn.Parameter(torch.ones(1))
        optimizer = torch.optim.AdamW([
            {"params": [model[0].weight, stray], "lr": 0.5}, {"params": model[1].parameters(), "lr": 0.25}], lr=1.0)
        model[1].weight.register_hook(lambda gradient: gradient * 2)
    """)
    assert [(p.group, p.rate) for p in evidence.parameters] == [(0, 0.5), (None, None), (1, 0.25), (1, 0.25)]
    assert (evidence.optimizer.kind, evidence.optimizer.rate, evidence.optimizer.foreign) == ("AdamW", 0.5, 1)
    assert evidence.optimizer.adaptive
    assert [p.hooks for p in evidence.parameters] == [[], [], ["<lambda> (model.py:8)"], []]


def test_the_named_terms_of_a_loss_have_norms_and_directions_of_their_own(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        model = torch.nn.Linear(2, 1, bias=False)
        torch.nn.init.ones_(model.weight)
        def terms(out):
            return {"up": 3.0 * out.sum(), "down": -out.sum(), "across": out.sum() * 0, "still": torch.tensor(2.0)}
        def gradtool_case():
            return model, torch.tensor([[3.0, 4.0]]), None, terms
    """)
    assert evidence.norm == pytest.approx(10)
    assert evidence.loss.value == pytest.approx(16)
    assert [(t.name, t.value, t.norm, t.cosine) for t in evidence.loss.terms] == [
        ("up", pytest.approx(21), pytest.approx(15), pytest.approx(1)),
        ("down", pytest.approx(-7), pytest.approx(5), pytest.approx(-1)),
        ("across", 0.0, 0.0, 0.0),
        ("still", 2.0, 0.0, 0.0),
    ]


def test_clipping_a_sparse_gradient_is_refused_as_pytorch_does(file: Any) -> None:
    text = """
        import torch
        from torch import nn
        model = nn.Sequential(nn.Embedding(9, 2, sparse=True), nn.Linear(2, 1))
    """
    for asked in ({}, {"training": Training(2)}):
        failure = file.failure(text, clip=1.0, **asked)
        assert failure.message == "clip_grad_norm_ takes no sparse gradient, as that of 0.weight is"
        assert (failure.reason, "sparse=False" in failure.hint) == ("file", True)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_norms_hold_where_squares_leave_float64(file: Any, scale: float) -> None:
    evidence = file.evidence(f"""
        import torch
        model = torch.nn.Linear(2, 1, bias=False).double()
        def gradtool_case():
            return model, torch.tensor([[3.0, 4.0]]).double(), None, lambda out: {scale} * out.sum()
    """)
    assert evidence.norm == pytest.approx(5 * scale, rel=1e-12, abs=0.0)
    assert evidence.layers[0].gradient == pytest.approx(scale, rel=1e-12, abs=0.0)
    assert evidence.descent is None


def test_complex_parameters_count_with_both_of_their_parts(file: Any) -> None:
    """The loss is the sum of |w|^2 at w = (3+4j, 0): PyTorch's gradient is 2 w."""
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Spectral(nn.Module):
            def __init__(self):
                super().__init__()
                self.scale = nn.Parameter(torch.ones(1))
                self.w = nn.Parameter(torch.tensor([[3.0 + 4.0j, 0.0]]))
            def forward(self, x):
                return self.scale * (self.w * self.w.conj()).real
        def gradtool_case():
            return Spectral(), torch.ones(1), None, lambda out: out.sum()
    """)
    row = {p.name: p for p in evidence.parameters}["w"]
    assert (row.gradient.norm, row.gradient.largest, row.gradient.zeros) == (10.0, 10.0, 1)
    assert (row.weights.norm, row.gradient.count, row.dtype) == (5.0, 2, "complex64")
    assert evidence.descent.before - evidence.descent.after == pytest.approx(evidence.descent.promised, rel=0.1)
