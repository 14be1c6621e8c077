"""What is tried beside the one backward pass: a step, clipping, micro-batches, the path integral, training."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.evidence import Training
from gradtool.values import Array

PLAIN = """
import json
import torch
from torch import nn

torch.manual_seed(1)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), {} nn.Linear(8, 2)).double()
sample_inputs, sample_targets = torch.randn(12, 4).double(), torch.randn(12, 2).double()
loss_fn = nn.MSELoss()
"""


def test_a_step_leaves_the_weights_as_they_were_to_the_last_bit(file: Any) -> None:
    """The step goes 1000 down from 1e-9, which is lost where the step is only taken back."""
    evidence = file.evidence(
        """
        import torch
        model = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.constant_(model.weight, 1e-9)
        def gradtool_case():
            return model, torch.ones(1, 1), None, lambda out: out.sum() + 1e6
        """,
        training=Training(1, "sgd", 0.25),
    )
    assert evidence.descent.before - evidence.descent.after == pytest.approx(1000)
    assert evidence.steps[0].point == {"weight[0,0]": pytest.approx(1e-9, rel=1e-6, abs=0.0)}
    assert evidence.after.point == {"weight[0,0]": pytest.approx(-0.25, rel=1e-6)}


def test_the_step_promises_what_the_gradient_says(file: Any) -> None:
    evidence = file.evidence(PLAIN.format(""))
    found = evidence.descent
    assert found.promised == pytest.approx(found.step * evidence.norm**2, rel=1e-12)
    assert found.promised == pytest.approx(1e-3 * evidence.loss.value, rel=1e-12)
    assert found.before - found.after == pytest.approx(found.promised, rel=1e-2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_step_longer_than_a_number_of_half_precision_is_tried_all_the_same(file: Any, dtype: str) -> None:
    """The gradient is 2^-12 at a loss of 100: the step along -g is 0.1 / 2^-24, above 65504."""
    evidence = file.evidence(
        """
        import torch
        model = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.ones_(model.weight)
        def gradtool_case():
            return model, torch.full((1, 1), 2.0**-12), None, lambda out: out.double().sum() + 100
        """,
        dtype=dtype,
    )
    assert evidence.descent.step == pytest.approx(0.1 * 2**24, rel=1e-3)
    assert evidence.descent.before - evidence.descent.after == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("limit", [1e-3, 0.5, 1e3])
def test_clipping_is_what_clip_grad_norm_does(file: Any, limit: float) -> None:
    text = PLAIN.format("") + (
        "loss_fn(model(sample_inputs), sample_targets).backward()\n"
        f"before = float(nn.utils.clip_grad_norm_(model.parameters(), {limit}))\n"
        "after = float(torch.cat([p.grad.reshape(-1) for p in model.parameters()]).norm())\n"
        "json.dump([before, after], open('truth.json', 'w'))\n"
    )
    found = file.evidence(text, name="model", clip=limit).clipped
    before, after = file.wrote()
    assert found.limit == limit
    assert found.before == pytest.approx(before, rel=1e-12)
    assert found.after == pytest.approx(after, rel=1e-12)
    assert found.own == pytest.approx(after, rel=1e-12)


def test_micro_batches_of_a_plain_model_add_up(file: Any) -> None:
    found = file.evidence(PLAIN.format(""), accumulate=3).accumulated
    assert (found.parts, found.sizes, found.reasons) == (3, [4, 4, 4], [])
    assert found.difference < 1e-14 * found.full
    assert found.summed == pytest.approx(found.full, rel=1e-12)


def test_unequal_micro_batches_batch_norm_and_dropout_are_reasons(file: Any) -> None:
    found = file.evidence(PLAIN.format("nn.BatchNorm1d(8), nn.Dropout(0.5),"), accumulate=5).accumulated
    assert found.sizes == [3, 3, 2, 2, 2]
    assert found.difference > 0.01 * found.full
    assert [reason.split()[0] for reason in found.reasons] == ["BatchNorm", "the", "Dropout"]
    assert found.reasons[0].endswith(": 2")


def test_accumulation_differs_by_what_a_hand_written_loop_differs(file: Any) -> None:
    """BatchNorm and unequal batches: the mean over 5 micro-batches of 3, 3, 2, 2, 2 against the whole 12."""
    text = (
        PLAIN.format("nn.BatchNorm1d(8),")
        + """
def gradient(*spans):
    model.zero_grad()
    for start, stop in spans:
        (loss_fn(model(sample_inputs[start:stop]), sample_targets[start:stop]) / len(spans)).backward()
    return [p.grad.clone() for p in model.parameters()]
full, parts = gradient((0, 12)), gradient((0, 3), (3, 6), (6, 8), (8, 10), (10, 12))
flat = lambda found: torch.cat([g.reshape(-1) for g in found])
ratio = [float((a - b).norm() / a.norm()) for a, b in zip(full, parts)]
json.dump({"full": float(flat(full).norm()), "summed": float(flat(parts).norm()),
    "difference": float((flat(full) - flat(parts)).norm()), "ratio": ratio}, open("truth.json", "w"))
"""
    )
    evidence = file.evidence(text, name="model", accumulate=5)
    told, found = file.wrote(), evidence.accumulated
    assert (found.full, found.summed) == pytest.approx((told["full"], told["summed"]), rel=1e-12)
    assert found.difference == pytest.approx(told["difference"], rel=1e-12)
    # The bias before BatchNorm has a gradient of rounding errors, whose ratio means nothing.
    ratio = dict(zip([p.name for p in evidence.parameters], told["ratio"], strict=True))
    assert found.worst_difference == pytest.approx(ratio[found.worst], rel=1e-3)


def test_a_batch_too_small_for_the_micro_batches_is_refused(file: Any) -> None:
    assert "a batch of 12 can't be cut into 13" in file.failure(PLAIN.format(""), accumulate=13).message


def test_micro_batches_of_a_sparse_gradient_add_up(file: Any) -> None:
    found = file.evidence(
        """
        import torch
        from torch import nn
        model = nn.Sequential(nn.Embedding(9, 2, sparse=True), nn.Flatten(), nn.Linear(6, 1))
        sample_inputs = torch.arange(12).reshape(4, 3) % 9
        sample_targets = torch.ones(4, 1)
        """,
        accumulate=2,
    ).accumulated
    assert found.difference < 1e-6 * found.full


def test_the_path_integral_agrees_with_a_right_gradient(file: Any) -> None:
    evidence = file.evidence(PLAIN.format(""), verify=True)
    assert evidence.verified.agree
    assert evidence.verified.power < 1e-5


SQUARE = """
import torch
from torch import nn
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, up):
        (x,) = ctx.saved_tensors
        return up * x * {factor}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 1)
    def forward(self, x):
        return self.last(Square.apply(self.first(x)))
model, sample_inputs, sample_targets = Net().to(torch.{dtype}), torch.randn(8, 4, dtype=torch.{dtype}), \
    torch.randn(8, 1, dtype=torch.{dtype})
"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_path_integral_finds_a_wrong_function_and_names_the_parameters_behind_it(file: Any, dtype: str) -> None:
    """Half of the gradient is missing before the square; the layer after it is right."""
    survey = file.evidence(SQUARE.format(factor="1", dtype=dtype), verify=True).verified
    assert not survey.agree
    assert set(survey.scaled) == {"first.weight", "first.bias"}
    assert list(survey.scaled.values()) == pytest.approx([0.5, 0.5], rel=1e-2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_healthy_twin_of_a_wrong_function_agrees(file: Any, dtype: str) -> None:
    survey = file.evidence(SQUARE.format(factor="2", dtype=dtype), verify=True).verified
    assert survey.agree
    assert not survey.scaled


def test_the_path_integral_wants_single_or_double_precision(file: Any) -> None:
    assert "not bfloat16" in file.failure(PLAIN.format(""), verify=True, dtype="bfloat16").message


LOOP = """
optimizer = torch.optim.{}
losses, norms = [], []
for _ in range({}):
    optimizer.zero_grad()
    loss = loss_fn(model(sample_inputs), sample_targets)
    loss.backward()
    losses.append(float(loss))
    norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), {})))
    optimizer.step()
losses.append(float(loss_fn(model(sample_inputs), sample_targets)))
json.dump([losses, norms], open("truth.json", "w"))
"""


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        ("SGD(model.parameters(), lr=0.1)", ("sgd", 0.1)),
        ("SGD(model.parameters(), lr=0.05, momentum=0.9)", ("", None)),
        ("Adam(model.parameters(), lr=0.01)", ("adam", 0.01)),
        ("Adam(model.parameters())", ("adam", None)),
    ],
)
@pytest.mark.parametrize("limit", [None, 0.01])
def test_training_is_what_a_loop_written_by_hand_does(
    file: Any, made: str, asked: tuple[str, float | None], limit: float | None
) -> None:
    plain = PLAIN.format("")
    own = f"optimizer = torch.optim.{made}\n" if not asked[0] else ""
    evidence = file.evidence(plain + own, training=Training(5, *asked), clip=limit)
    file.evidence(plain + LOOP.format(made, 5, limit or 1e9), name="model")
    losses, norms = file.wrote()
    assert [step.loss for step in evidence.steps] == pytest.approx(losses[:5], rel=1e-10)
    assert evidence.after.loss == pytest.approx(losses[5], rel=1e-10)
    assert [step.norm for step in evidence.steps] == pytest.approx(norms, rel=1e-10)
    assert [step.step for step in evidence.steps] == [1, 2, 3, 4, 5]
    for step in evidence.steps:
        assert step.clipped == (None if limit is None else pytest.approx(limit, rel=1e-4))
        assert step.ratio > 0


def test_the_update_ratio_is_the_move_over_the_weights(file: Any) -> None:
    """One step of 0.1 from the weight 2 with the gradient 4 moves it by a fifth; the bias of 0 has no ratio."""
    evidence = file.evidence(
        """
        import torch
        model = torch.nn.Linear(1, 1)
        torch.nn.init.constant_(model.weight, 2.0)
        torch.nn.init.zeros_(model.bias)
        def gradtool_case():
            return model, torch.full((1, 1), 4.0), None, lambda out: out.sum()
        """,
        training=Training(1, "sgd", 0.1),
    )
    assert evidence.steps[0].ratio == pytest.approx(0.2)
    assert evidence.steps[0].gradient == {"weight[0,0]": 4.0, "bias[0]": 1.0}
    assert evidence.after.point == {"weight[0,0]": pytest.approx(1.6), "bias[0]": pytest.approx(-0.1)}


def test_training_ends_at_a_gradient_that_is_not_finite(file: Any) -> None:
    evidence = file.evidence(
        """
        import torch
        model = torch.nn.Linear(2, 1)
        sample_inputs = torch.ones(4, 2)
        def loss_fn(out):
            return (out - out).sqrt().mean()
        """,
        training=Training(9),
    )
    assert len(evidence.steps) == 1
    assert evidence.steps[0].nonfinite == "weight"
    assert evidence.after is None


def test_training_with_lbfgs_evaluates_its_closure(file: Any) -> None:
    text = PLAIN.format("") + "optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1)\n"
    evidence = file.evidence(text, training=Training(3))
    assert evidence.optimizer.kind == "LBFGS"
    assert evidence.after.loss < evidence.steps[2].loss < evidence.steps[0].loss


def test_an_optimizer_that_refuses_the_gradient_is_told_in_its_own_words(file: Any) -> None:
    failure = file.failure(
        """
        import torch
        from torch import nn
        model = nn.Sequential(nn.Embedding(9, 2, sparse=True), nn.Linear(2, 1))
        """,
        training=Training(2, "adam"),
    )
    assert "sparse" in failure.message
    assert failure.reason == "file"


def test_an_expression_goes_down_as_the_closed_form_says(file: Any) -> None:
    """For (x - 5)^2 from 0 at a rate of 0.1, x = 5 - 5 * 0.8^n."""
    evidence = file.evidence("", expression="(x - 5)**2", point={"x": 0.0}, training=Training(20, "sgd", 0.1))
    assert [step.point["x"] for step in evidence.steps] == pytest.approx([5 - 5 * 0.8**n for n in range(20)], rel=1e-12)
    assert [step.norm for step in evidence.steps] == pytest.approx([10 * 0.8**n for n in range(20)], rel=1e-12)
    assert evidence.after.point["x"] == pytest.approx(5 - 5 * 0.8**20, rel=1e-14)
    assert evidence.after.loss == pytest.approx(25 * 0.64**20, rel=1e-10)


def test_an_expression_whose_gradient_has_no_square_still_testifies(file: Any) -> None:
    evidence = file.evidence("", expression="exp(x)", point={"x": 500.0})
    assert evidence.norm == pytest.approx(1.4035922178528375e217, rel=1e-12)
    assert evidence.descent is None


def test_class_labels_of_an_expression_are_constants(file: Any) -> None:
    """The gradient of the mean cross-entropy is (softmax - one-hot) over the rows; here softmax is 1/4 and 3/4."""
    point = {"x": Array.of((1, 2), (0.0, math.log(3))), "t": Array.of((1,), (1.0,))}
    evidence = file.evidence("", expression="cross_entropy(x, t)", point=point, training=Training(1, "sgd", 1.0))
    assert [row.name for row in evidence.parameters] == ["x"]
    assert evidence.loss.value == pytest.approx(-math.log(3 / 4), rel=1e-14)
    assert evidence.parameters[0].gradient.norm == pytest.approx(math.sqrt(2) / 4, rel=1e-14)
    assert evidence.after.point == pytest.approx({"x[0,0]": -0.25, "x[0,1]": math.log(3) + 0.25}, rel=1e-14)
    assert [(row.value, row.flag) for row in evidence.assumed if row.what in {"point", "labels"}] == [
        ("x", "--at"),
        ("t", "--at"),
    ]


@pytest.mark.parametrize("text", ["floor(x)", "where(x > 0, 1, 2)", "y + round(x)"])
def test_an_expression_that_does_not_move_has_a_gradient_of_zero(file: Any, text: str) -> None:
    """PyTorch itself has none for the choice between two numbers."""
    evidence = file.evidence("", expression=text, point={"x": 1.5, "y": 2.0} if "y" in text else {"x": 1.5})
    (gradient,) = [row.gradient for row in evidence.parameters if row.name == "x"]
    assert (gradient.norm, gradient.zeros) == (0.0, 1)


@pytest.mark.parametrize("activation", ["nn.ReLU()", "Called()"])
def test_units_that_are_dead_are_seen_at_every_step_of_a_training(file: Any, activation: str) -> None:
    """A bias of -50 keeps 3 of 4 units off for every sample, and without a gradient they stay off."""
    evidence = file.evidence(
        f"""
        import torch
        from torch import nn
        class Called(nn.Module):
            def forward(self, x):
                return nn.functional.relu(x)
        model = nn.Sequential(nn.Linear(2, 4), {activation}, nn.Linear(4, 1))
        nn.init.constant_(model[0].weight, 0.1)
        model[0].bias.data = torch.tensor([1.0, -50.0, -50.0, -50.0])
        sample_inputs = torch.ones(16, 2)
        """,
        training=Training(3),
    )
    assert [step.dead for step in evidence.steps] == [0.75, 0.75, 0.75]


@pytest.mark.parametrize(("optimizer", "after"), [("SGD", 2.56), ("Adam", 3.61), ("RMSprop", 1.0)])
def test_one_step_of_the_optimizer_is_tried_and_undone(file: Any, optimizer: str, after: float) -> None:
    """(w - 3)^2 at w = 1 has the gradient -4: SGD goes to 1.4, Adam to 1.1, RMSprop by 0.1 / sqrt(0.01) to 2."""
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        def gradtool_case():
            model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
            nn.init.ones_(model.weight)
            ones = torch.ones(1, 1, dtype=torch.float64)
            optimizer = torch.optim.{optimizer}(model.parameters(), lr=0.1)
            return dict(model=model, inputs=ones, targets=3 * ones, loss=nn.MSELoss(), optimizer=optimizer)
    """)
    assert (evidence.stepped.before, evidence.stepped.same) == (4.0, True)
    assert evidence.stepped.after == pytest.approx(after, rel=1e-6)
    assert evidence.parameters[0].weights.norm == 1.0


def test_a_scripts_own_first_step_leads_to_the_loss_of_its_second(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        w = torch.ones(1, 1, requires_grad=True)
        optimizer = torch.optim.SGD([w], 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            ((w - 3) ** 2).sum().backward()
            optimizer.step()
    """)
    assert (evidence.stepped.before, evidence.stepped.same) == (4.0, False)
    assert evidence.stepped.after == pytest.approx(2.56)
