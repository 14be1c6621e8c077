"""--code with models: what is printed for a pair is run in its folder, and gives the loss of the comparison."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pair_files import Compare
from printed import Printers

from gradtool.pipeline.compare_models import compare_models
from gradtool.pipeline.pair_sides import sides_of
from gradtool.report.programs.idioms import idiom
from gradtool.report.programs.models import SHOWN, programs
from gradtool.settings import PairSettings
from gradtool.target.model_file import read_model_file
from gradtool.verdict.pairing.record import ModelComparison
from gradtool.witness.host import Host

EXAMPLES = Path(__file__).parents[2] / "examples" / "pairs"
OWN = [name for name, why in SHOWN.items() if not why]
Code = dict[str, dict[str, str]]

SET = """
import numpy as np

def numbers(*shapes):
    drawn = np.random.default_rng(5)
    return [0.4 * drawn.standard_normal(shape) + (0.9 if shape == (3,) else 0) for shape in shapes]

def given(model, arrays):
    import torch
    with torch.no_grad():
        for tensor, array in zip(model.state_dict().values(), arrays, strict=True):
            tensor.copy_(torch.from_numpy(array))
    return model
"""
"""Both models begin with the same weights, none of them a constant, so that the comparison leaves them alone."""

DENSE = (
    SET
    + """
SHAPES = (6, 4), (6,), (2, 6), (2,)

def torch_model():
    from torch import nn
    return given(nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)), numbers(*SHAPES))

def keras_model():
    import keras
    from keras import layers
    model = keras.Sequential([keras.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(2)])
    model.set_weights([array.T for array in numbers(*SHAPES)])
    return model
"""
)
LOSSES = """
inputs = np.random.standard_normal((8, 4)).astype("float32")
targets = np.random.default_rng(2).standard_normal((8, 2)).astype("float32")

def torch_loss(output, targets):
    return ((output - targets) ** 2).mean()

def keras_loss(y_true, y_pred):
    import keras
    return keras.ops.mean((y_pred - y_true) ** 2)
"""
TORCHS = LOSSES.replace("np.random.standard_normal((8, 4)).astype('float32')", "[torch.randn(8, 4)]").replace(
    'np.random.standard_normal((8, 4)).astype("float32")', "[torch.randn(8, 4)]"
)
ALONE = """
def torch_loss(output):
    return output.square().mean()

def keras_loss(output):
    import keras
    return keras.ops.mean(keras.ops.square(output))

def inputs():
    return {"x": np.arange(12.0).reshape(3, 4) / 10}
"""
IMAGES = (
    SET
    + """
SHAPES = (3, 2, 3, 3), (3,), (3,), (3,), (3,), (3,)

def torch_model():
    from torch import nn
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, eps=1e-3), nn.Tanh())
    arrays = numbers(*SHAPES)
    return given(model, [*arrays, np.array(0)])

def keras_model():
    import keras
    from keras import layers
    model = keras.Sequential([keras.Input((6, 5, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(),
                              layers.Activation("tanh")])
    kernel, *rest = numbers(*SHAPES)
    model.set_weights([kernel.transpose(2, 3, 1, 0), *rest])
    return model
"""
)
TWO_INPUTS = (
    SET
    + """
SHAPES = (9, 3), (2, 5), (2,)

def torch_model():
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.decide, self.unused = nn.Embedding(9, 3), nn.Linear(5, 2), nn.Linear(1, 1)
            self.unused.requires_grad_(False)

        def forward(self, tokens, x):
            return self.decide(torch.cat([torch.tanh(self.words(tokens)).mean(1), x], 1))

    return given(Net(), [*numbers(*SHAPES), np.zeros((1, 1)), np.zeros(1)])

def keras_model():
    import keras
    from keras import layers, ops
    tokens, x = keras.Input((7,), dtype="int32"), keras.Input((2,))
    words = ops.mean(ops.tanh(layers.Embedding(9, 3)(tokens)), 1)
    model = keras.Model([tokens, x], layers.Dense(2)(layers.Concatenate()([words, x])))
    rows, kernel, bias = numbers(*SHAPES)
    model.set_weights([rows, kernel.T, bias])
    return model
"""
)
PAIRS = {
    "a projection": (DENSE, {}),
    "the file's own loss and NumPy's data": (DENSE + LOSSES, {"seed": 3}),
    "data that PyTorch draws": ("import torch\n" + DENSE + TORCHS, {"seed": 4}),
    "a loss without targets, inputs by a function": (DENSE + ALONE, {}),
    "images": (IMAGES, {}),
    "images, with stored statistics": (IMAGES, {"mode": "eval"}),
    "two inputs, integers among them": (TWO_INPUTS, {"seed": 1}),
}

SECOND_ORDER_APART = {("images", "hessian_vector")}
"""tf.nn.moments, of which Keras makes batch statistics, keeps the mean constant: a second derivative lacks a term."""


def code_of(record: ModelComparison, *paths: Path) -> Code:
    assert record.evidence is not None, record.failures
    return programs(record, paths)


def printed(printers: Printers, code: Code, side: str, folder: Path) -> dict[str, list[tuple[str, list[float]]]]:
    """What the programs with the models print, by idiom: label and numbers of each line with an equals sign."""
    told = printers.texts([code[name][side] for name in OWN], side, folder)
    rows = [[line.partition(" = ") for line in text.splitlines() if " = " in line] for text in told]
    return {
        name: [(label, [float(word) for word in numbers.split(", ")]) for label, _, numbers in lines]
        for name, lines in zip(OWN, rows, strict=True)
    }


@pytest.mark.parametrize("name", PAIRS)
def test_the_programs_give_the_loss_of_the_comparison(
    compare_pair: Compare, printers: Printers, tmp_path: Path, name: str
) -> None:
    text, settings = PAIRS[name]
    record = compare_pair(text, **settings)
    assert record.findings == ()
    assert record.evidence is not None
    code = code_of(record, tmp_path / "pair.py", tmp_path / "pair.py")
    sides = {side: printed(printers, code, side, tmp_path) for side in ("torch", "tensorflow")}
    for side, loss in zip(sides, record.evidence.values[0], strict=True):
        told = sides[side]
        assert dict(told["training_step"])["loss at step 0"] == [pytest.approx(loss, rel=1e-12, abs=1e-10)], side
        assert dict(told["none_gradients"])["loss"] == [pytest.approx(loss, rel=1e-12, abs=1e-10)], side
        assert dict(told["none_gradients"])["without a gradient"] == [0], side
    for own in (one for one in OWN if (name, one) not in SECOND_ORDER_APART):
        mine, yours = (sorted(told[own]) for told in sides.values())
        trained = [row for row in mine if row != ("weights", [0.0])]  # what is frozen, Keras has not
        assert [label for label, _ in trained] == [label for label, _ in yours]
        for (label, one), (_, other) in zip(trained, yours, strict=True):
            assert one == pytest.approx(other, rel=1e-9, abs=2e-10), (own, label)


def test_the_steps_lower_a_loss_by_its_gradient(compare_pair: Compare, printers: Printers, tmp_path: Path) -> None:
    """The first step of length 0.1 against the gradient, whose norm is that before clipping, by NumPy."""
    record = compare_pair(DENSE + ALONE)
    code = code_of(record, tmp_path / "pair.py", tmp_path / "pair.py")
    drawn = np.random.default_rng(5)
    w, b, v, c = (0.4 * drawn.standard_normal(shape) for shape in ((6, 4), (6,), (2, 6), (2,)))
    x = np.arange(12.0).reshape(3, 4) / 10
    hidden = np.tanh(x @ w.T + b)
    output = hidden @ v.T + c
    above = 2 * output / output.size
    below = (above @ v) * (1 - hidden**2)
    norm = np.sqrt(sum(np.sum(g**2) for g in (below.T @ x, below.sum(0), above.T @ hidden, above.sum(0))))
    for side in ("torch", "tensorflow"):
        told = printed(printers, code, side, tmp_path)
        assert told["training_step"][0] == ("loss at step 0", [pytest.approx(np.mean(output**2), abs=1e-10)])
        assert told["clipping"][0] == ("global norm before", [pytest.approx(norm, abs=1e-10)])


def test_two_files_share_the_data_of_one(workers: Host, printers: Printers) -> None:
    """The weights of PyTorch's file are random, and the same from the same seed."""
    names = ("two_torch.py", "two_keras.py")
    record = compare_models("both", sides_of([read_model_file(str(EXAMPLES / name)) for name in names]),
                            PairSettings(), workers)  # fmt: skip
    code = code_of(record, *(EXAMPLES / name for name in names))
    assert record.evidence is not None
    torch, keras = (printed(printers, code, side, EXAMPLES)["training_step"] for side in ("torch", "tensorflow"))
    assert torch[0] == ("loss at step 0", [pytest.approx(record.evidence.values[0][0], abs=1e-10)])
    for losses in ([told[0] for label, told in rows if "loss" in label] for rows in (torch, keras)):
        assert losses == sorted(losses, reverse=True)
    assert "two_torch.inputs" in code["training_step"]["tensorflow"]


TOYS = {
    "a case": (DENSE.replace("def torch_model", "def built") + textwrap.dedent("""
        def torch_model():
            return built(), np.ones((2, 4)) * np.arange(8.0).reshape(2, 4)
    """), "no name in pair.py gives the PyTorch model alone"),
    "two outputs": (DENSE.replace("return given(nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)), ", """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 6), nn.Linear(6, 2)

        def forward(self, x):
            h = self.a(x).tanh()
            return h, self.b(h)

    return given(Net(), """).replace(
        'model = keras.Sequential([keras.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(2)])',
        'x = keras.Input((4,)); h = layers.Dense(6, "tanh")(x); model = keras.Model(x, [h, layers.Dense(2)(h)])',
    ), "the PyTorch model gives more than a tensor, and its file names no loss"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOYS)
def test_where_few_lines_do_not_do_the_toy_model_stands_for_any(
    compare_pair: Compare, tmp_path: Path, name: str
) -> None:
    text, reason = TOYS[name]
    code = code_of(compare_pair(text), tmp_path / "pair.py", tmp_path / "pair.py")
    for own in OWN:
        assert code[own] == {side: f"# With a toy model: {reason}.\n{toy}" for side, toy in idiom(own).items()}


def test_a_file_is_renamed_where_the_program_has_its_name(
    compare_pair: Callable[..., ModelComparison], printers: Printers, tmp_path: Path
) -> None:
    record = compare_pair(DENSE)
    (tmp_path / "pair.py").rename(tmp_path / "model.py")
    code = code_of(record, tmp_path / "model.py", tmp_path / "model.py")
    assert "import model as model_file" in code["training_step"]["torch"]
    assert record.evidence is not None
    (_, first), *_ = printed(printers, code, "torch", tmp_path)["training_step"]
    assert first == [pytest.approx(record.evidence.values[0][0], abs=1e-10)]


def test_a_package_and_a_name_of_no_module_have_the_toy(compare_pair: Compare, tmp_path: Path) -> None:
    record = compare_pair(DENSE)
    assert (
        "has a name that can't be imported"
        in code_of(record, tmp_path / "a-b.py", tmp_path / "a-b.py")["clipping"]["torch"]
    )
    (tmp_path / "__init__.py").touch()
    assert "is part of a package" in code_of(record, tmp_path / "pair.py", tmp_path / "pair.py")["clipping"]["torch"]


def test_the_projection_of_one_layer_is_linear_in_its_weights(compare_pair: Compare, tmp_path: Path) -> None:
    """PyTorch's second backward pass would find no way and raise; a loss of the file's own curves it."""
    one = DENSE.replace("nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)", "nn.Linear(4, 6)").replace(
        'layers.Dense(6, "tanh"), layers.Dense(2)', "layers.Dense(6)"
    )
    one = one.replace("(6, 4), (6,), (2, 6), (2,)", "(6, 4), (6,)")
    for text, straight in ((one, True), (one + ALONE, False)):
        code = code_of(compare_pair(text), tmp_path / "pair.py", tmp_path / "pair.py")
        assert code["hessian_vector"]["torch"].startswith("# With a toy model: the projection of") == straight
        assert "pair.torch_model()" in code["training_step"]["torch"]
