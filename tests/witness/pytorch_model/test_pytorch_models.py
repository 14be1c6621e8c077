"""Every kind of model is found, fed and given a loss that fits it; nothing about it is assumed in silence."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import InputSpec, Training


def said(evidence: Any) -> dict[str, str]:
    return {row.what: row.value for row in evidence.assumed}


HEADS = {
    "nn.Sigmoid()": ("bce", "0 or 1, drawn", 0.0, 1.0),
    "nn.Softmax(-1)": ("nll_of_probabilities", "4 classes, drawn", 0.0, 3.0),
    "nn.LogSoftmax(-1)": ("nll", "4 classes, drawn", 0.0, 3.0),
    "nn.Tanh()": ("mse", "numbers in -1..1, drawn", -1.0, 1.0),
    "nn.ReLU()": ("mse", "positive numbers, drawn", 0.0, 9.0),
    "nn.Identity()": ("mse", "normal numbers, drawn", -9.0, 9.0),
}


@pytest.mark.parametrize("final", HEADS)
def test_the_head_decides_the_loss_and_the_targets_where_the_file_says_nothing(file: Any, final: str) -> None:
    loss, targets, low, high = HEADS[final]
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        model = nn.Sequential(nn.Linear(6, 4), {final})
    """)
    assert (said(evidence)["loss"], said(evidence)["targets"]) == (loss, targets)
    assert said(evidence)["inputs"].startswith("8x6 float32")
    if evidence.head is not None:
        assert low <= evidence.head.target_least <= evidence.head.target_largest <= high
    assert evidence.norm > 0


LOSSES = {
    "nn.CrossEntropyLoss()": "4 classes, drawn",
    "nn.BCEWithLogitsLoss()": "0 or 1, drawn",
    "nn.functional.cross_entropy": "4 classes, drawn",
    "nn.L1Loss()": "normal numbers, drawn",
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["criterion", "loss_fn"])
def test_targets_are_drawn_as_the_loss_of_the_file_takes_them(file: Any, name: str, loss: str) -> None:
    evidence = file.evidence(f"import torch\nfrom torch import nn\nmodel = nn.Linear(6, 4)\n{name} = {loss}\n")
    assert said(evidence)["targets"] == LOSSES[loss]
    assert evidence.norm > 0


FIRST = {
    "nn.Embedding(50, 4)": "8x16 int64",
    "nn.Conv1d(3, 4, 3)": "8x3x64 float32",
    "nn.Conv2d(3, 4, 3)": "8x3x32x32 float32",
    "nn.Conv3d(1, 2, 3)": "8x1x16x32x32 float32",
    "nn.LayerNorm(5)": "8x5 float32",
    "nn.BatchNorm2d(3)": "8x3x32x32 float32",
    "nn.Sequential(nn.Flatten(), nn.Linear(784, 3))": "8x784 float32",
    "nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 26 * 26, 3))": "8x1x28x28 float32",
}


@pytest.mark.parametrize("model", FIRST)
def test_the_first_layer_says_what_goes_in(file: Any, model: str) -> None:
    evidence = file.evidence(f"import torch\nfrom torch import nn\nmodel = {model}\n")
    assert said(evidence)["inputs"].startswith(FIRST[model])
    assert evidence.batch == 8


def test_inputs_of_the_command_line_come_first_and_integers_stay_below_their_bound(file: Any) -> None:
    text = """
        import torch
        from torch import nn
        model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 1))
        sample_inputs = torch.zeros(3, 3, dtype=torch.int64)
    """
    evidence = file.evidence(text, inputs=[InputSpec((5, 200), "int64", 4)])
    assert said(evidence)["inputs"] == "5x200 int64 in 0..3"
    assert said(file.evidence(text))["inputs"] == "3x3 int64 in 0..0"


def test_a_loader_of_the_file_gives_the_first_batch(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        from torch.utils.data import DataLoader, TensorDataset
        train_loader = DataLoader(TensorDataset(torch.randn(40, 3), torch.ones(40, 1)), batch_size=10)
        def build_model():
            return nn.Linear(3, 1)
    """)
    assert (evidence.batch, evidence.route, evidence.model) == (10, "name", "build_model")
    assert evidence.head.target_least == evidence.head.target_largest == 1.0


def test_a_case_may_name_its_optimizer_and_a_dict_of_inputs(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.last = nn.Linear(3, 1)
            def forward(self, *, left, right):
                return self.last(left * right)
        def gradtool_case():
            net = Net()
            return {"model": net, "inputs": {"left": torch.ones(5, 3), "right": torch.ones(5, 3)},
                "targets": torch.ones(5, 1), "loss": "mse", "optimizer": torch.optim.Adam(net.parameters(), lr=0.5)}
    """)
    assert (evidence.optimizer.kind, evidence.optimizer.rate, evidence.batch) == ("Adam", 0.5, 5)
    assert said(evidence)["optimizer"] == "Adam, lr 0.5"


def test_every_output_of_several_gets_a_loss(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.left, self.right = nn.Linear(4, 2), nn.Linear(4, 3)
            def forward(self, x):
                return self.left(x), {"right": self.right(x)}
        model = Two()
    """)
    assert all(p.gradient.norm > 0 for p in evidence.parameters)
    assert said(evidence)["loss"] == "mse, summed over the outputs"


HUGGING_FACE = """
import json
from types import SimpleNamespace
import torch
from torch import nn

class Output(dict):
    __getattr__ = dict.get

class TinyForSequenceClassification(nn.Module):
    main_input_name = "input_ids"
    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(model_type="tiny", num_labels=3)
        self.words, self.last = nn.Embedding(30, 4), nn.Linear(4, 3)
    @property
    def dummy_inputs(self):
        return {"input_ids": torch.tensor([[1, 2, 3], [4, 5, 6]])}
    def forward(self, input_ids=None, labels=None):
        logits = self.last(self.words(input_ids).mean(1))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return Output(loss=loss, logits=logits)

torch.manual_seed(0)
model = TinyForSequenceClassification()
"""


def test_a_model_of_hugging_faces_kind_gets_labels_and_computes_its_own_loss(file: Any) -> None:
    evidence = file.evidence(HUGGING_FACE)
    assert said(evidence)["loss"] == "the model's own"
    assert "labels 2 int64" in said(evidence)["inputs"]
    assert evidence.loss.how == "the loss in the model's output"
    assert all(p.gradient.norm > 0 for p in evidence.parameters)
    assert evidence.batch == 2
    assert (evidence.head.expects, evidence.head.shape) == ("logits", (2, 3))


def test_the_inputs_of_a_hugging_face_case_are_completed_too(file: Any) -> None:
    text = (
        HUGGING_FACE
        + """
x, y = torch.tensor([[7, 8]]), torch.tensor([2])
def gradtool_case():
    return model, {"input_ids": x, "labels": y}
loss = model(x, y).loss
json.dump([float(g.norm()) for g in torch.autograd.grad(loss, list(model.parameters()))], open("truth.json", "w"))
"""
    )
    evidence = file.evidence(text)
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(file.wrote(), rel=1e-5)


LIGHTNING = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

class Lit(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.net = nn.Linear(3, 1)
    def forward(self, x):
        return self.net(x)
    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.mse_loss(self(x), y)
        return {returned}
    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=0.02)
        return {{"optimizer": optimizer, "lr_scheduler": None}}
    def train_dataloader(self):
        torch.manual_seed(2)
        return DataLoader(TensorDataset(torch.randn(12, 3), torch.randn(12, 1)), batch_size=6)
"""


@pytest.mark.parametrize("returned", ["loss", "{'loss': loss}"])
def test_a_model_of_lightnings_kind_takes_its_own_training_step(file: Any, truth: str, returned: str) -> None:
    own = """
lit = Lit()
x, y = next(iter(lit.train_dataloader()))
truth(lambda: nn.functional.mse_loss(lit(x), y), lit.parameters())
"""
    text = LIGHTNING.format(returned=returned)
    file.evidence(truth + text + own, name="Lit")
    evidence = file.evidence(text, clip=0.01)
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-5)
    assert (evidence.loss.value, evidence.loss.how) == (pytest.approx(told["loss"], rel=1e-6), "training_step")
    assert (evidence.route, evidence.batch) == ("class", 6)
    assert (evidence.optimizer.kind, evidence.optimizer.rate) == ("Adam", 0.02)
    assert evidence.clipped.own == pytest.approx(told["clipped"], rel=1e-5)
    assert evidence.descent.after < evidence.descent.before


def test_dropout_is_off_in_eval_mode(file: Any) -> None:
    text = """
        import torch
        from torch import nn
        model = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5), nn.Linear(50, 1))
        sample_inputs = torch.ones(1, 4)
    """
    assert (file.evidence(text).mode, file.evidence(text, mode="eval").mode) == ("train", "eval")
    zeros = [file.evidence(text, mode=mode).parameters[0].gradient.zeros for mode in ("train", "eval")]
    assert zeros[0] > zeros[1] == 0


def test_what_else_the_file_holds_is_told(file: Any) -> None:
    evidence = file.evidence("""
        from torch import nn
        class Other(nn.Module):
            pass
        model, extra = nn.Linear(2, 1), nn.Linear(3, 1)
    """)
    assert [(c.name, c.kind) for c in evidence.candidates] == [("extra", "Linear"), ("Other", "class")]


def test_a_lazy_model_is_built_by_its_first_batch(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        model = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(1))
        sample_inputs = torch.randn(8, 5)
    """)
    assert [p.shape for p in evidence.parameters] == [(4, 5), (4,), (1, 4), (1,)]


def test_a_lazy_model_runs_in_another_dtype_and_says_that_nothing_was_compared(file: Any) -> None:
    evidence = file.evidence(
        """
        import torch
        from torch import nn
        model = nn.Sequential(nn.LazyLinear(4), nn.Tanh(), nn.Linear(4, 1))
        sample_inputs = torch.randn(8, 5)
        """,
        dtype="bfloat16",
    )
    assert {p.dtype for p in evidence.parameters} == {"bfloat16"}
    assert evidence.digits == []
    assert "lazy" in evidence.notes[0]


def test_micro_batches_of_a_hugging_face_model_cut_its_labels_too(file: Any) -> None:
    found = file.evidence(HUGGING_FACE, accumulate=2, verify=True)
    assert found.accumulated.sizes == [1, 1]
    assert found.accumulated.difference < 1e-6 * found.accumulated.full
    assert found.verified.agree


@pytest.mark.parametrize("lit", ["accumulate", "verify", "training"])
def test_a_training_step_can_be_cut_verified_and_trained(file: Any, lit: str) -> None:
    asked = {"accumulate": {"accumulate": 2}, "verify": {"verify": True}, "training": {"training": Training(3)}}[lit]
    evidence = file.evidence(LIGHTNING.format(returned="loss"), **asked)
    if lit == "accumulate":
        assert evidence.accumulated.difference < 1e-6 * evidence.accumulated.full
    elif lit == "verify":
        assert evidence.verified.agree
    else:
        assert evidence.after.loss < evidence.steps[0].loss


def test_the_files_own_arrays_are_its_data(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        x_train, y_train = torch.randn(1000, 6), torch.randint(0, 3, (1000,))
        model = nn.Linear(6, 3)
    """)
    assert evidence.batch == 256
    assert said(evidence)["loss"] == "cross_entropy"
    assert (evidence.head.target_shape, evidence.head.classes) == ((256,), 3)


@pytest.mark.parametrize(
    ("forward", "answer", "own"),
    [
        ("input_ids, labels=None", "SimpleNamespace(loss=loss, logits=scores)", True),
        ("input_ids, labels=None", "{'loss': loss, 'logits': scores}", True),
        ("input_ids, labels=None", "SimpleNamespace(logits=scores)", False),
        ("input_ids, marks=None, *, labels=None", "SimpleNamespace(loss=loss, logits=scores)", True),
    ],
)
def test_a_model_that_computes_its_own_loss_from_labels_is_given_them(
    file: Any, forward: str, answer: str, *, own: bool
) -> None:
    evidence = file.evidence(f"""
        import torch
        from torch import nn
        from types import SimpleNamespace
        class Words(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed, self.out = nn.Embedding(20, 4), nn.Linear(4, 20)
            def forward(self, {forward}):
                scores, loss = self.out(self.embed(input_ids)), None
                if labels is not None:
                    loss = nn.functional.cross_entropy(scores.reshape(-1, 20), labels.reshape(-1))
                return {answer}
        model = Words()
    """)
    assert (evidence.loss.how == "the loss in the model's output") == own
    assert evidence.batch == 8
