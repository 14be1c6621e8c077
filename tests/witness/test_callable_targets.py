"""From a file to callables that were called once: what is found in it, with which inputs, and every refusal."""

from __future__ import annotations

import linecache
import os
import sys
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradtool.evidence import CallableEvidence, CallableRequest, Failure, Progress, Record
from gradtool.values import Array
from gradtool.witness.callable.subject import Subject

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

FRAMEWORKS = ("torch", "tensorflow")
ROOMS = {"torch": "pytorch", "tensorflow": "tensorflow"}


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Running a file changes the folder, the path and the arguments of a worker; here they come back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    yield
    sys.modules.pop("ops", None)


class Told:
    """What a file was answered with: the records but for the progress, and the subjects behind the evidence."""

    def __init__(self, folder: Path, text: str, framework: str, name: str = "", **request: Any) -> None:
        path = folder / "ops.py"
        path.write_text(f"{HEAD[framework]}{textwrap.dedent(text)}", encoding="utf-8")
        sys.modules.pop("ops", None)
        linecache.clearcache()  # a test writes the file more than once
        self.subjects: dict[str, Subject] = {}
        testified = import_module(f"gradtool.witness.{ROOMS[framework]}.callable.testimony").testified
        asked = CallableRequest(7, str(path), name, framework, **request)
        records: list[Record] = list(testified(asked, self.examined))
        assert all(getattr(record, "key", None) == 7 for record in records)
        self.progress = [record.doing for record in records if isinstance(record, Progress)]
        self.records = [record for record in records if not isinstance(record, Progress)]

    def examined(self, subject: Subject, request: CallableRequest) -> CallableEvidence:
        """Stands for the opinions on the gradient, which these tests don't need."""
        origin = subject.origin
        self.subjects[origin.name] = subject
        inputs, outputs = list(subject.inputs), list(subject.results)
        return CallableEvidence(
            request.key, request.framework, "", origin.name, origin.kind, origin.source, subject.dtype, inputs,
            outputs, [], [], surrogate=request.surrogate,
        )  # fmt: skip

    @property
    def evidence(self) -> list[CallableEvidence]:
        failed = [record for record in self.records if isinstance(record, Failure)]
        assert not failed, failed
        return [record for record in self.records if isinstance(record, CallableEvidence)]

    @property
    def one(self) -> CallableEvidence:
        (found,) = self.evidence
        return found

    @property
    def failure(self) -> Failure:
        (found,) = self.records
        assert isinstance(found, Failure), found
        return found


HEAD = {"torch": "import torch\n", "tensorflow": "import tensorflow as tf\n"}
"""One line: what follows begins on line 2."""

RELU = {
    "torch": """
        class MyReLU(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, slope=0.0):
                ctx.save_for_backward(x)
                return x.clamp(min=0)
            @staticmethod
            def backward(ctx, g):
                return g * (ctx.saved_tensors[0] > 0), None
        """,
    "tensorflow": """
        @tf.custom_gradient
        def MyReLU(x, slope=0.0):
            def gradient(g):
                return g * tf.cast(x > 0, x.dtype)
            return tf.maximum(x, 0), gradient
        """,
}
MATMUL = "def product(x, y):\n    return x @ y\n"
both = pytest.mark.parametrize("framework", FRAMEWORKS)


# ---- what is found


@both
def test_a_custom_operation_is_found_by_its_name_and_by_itself(tmp_path: Path, framework: str) -> None:
    kind = {"torch": "autograd function", "tensorflow": "custom gradient"}[framework]
    for name in ("MyReLU", ""):
        found = Told(tmp_path, RELU[framework], framework, name).one
        line = {"torch": 3, "tensorflow": 4}[framework]
        assert (found.name, found.kind, found.source) == ("MyReLU", kind, f"ops.py:{line}")
        assert [slot.name for slot in found.inputs] == ["x"]
        assert (found.dtype, found.assumed, found.surrogate) == ("float64", "drawn: x (3,)", False)


def test_an_apply_is_the_operation_itself_and_counts_once(tmp_path: Path) -> None:
    text = textwrap.dedent(RELU["torch"]) + "relu = MyReLU.apply\n"
    assert [found.name for found in Told(tmp_path, text, "torch").evidence] == ["MyReLU"]
    assert Told(tmp_path, text, "torch", "relu").one.kind == "autograd function"
    assert Told(tmp_path, text, "torch", "MyReLU.apply").one.kind == "autograd function"


def test_an_operation_with_setup_context_has_no_ctx_among_its_arguments(tmp_path: Path) -> None:
    text = """
        class Power(torch.autograd.Function):
            @staticmethod
            def forward(x, n: int):
                return x**n
            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.x, ctx.n = inputs
            @staticmethod
            def backward(ctx, g):
                return g * ctx.n * ctx.x ** (ctx.n - 1), None
        """
    told = Told(tmp_path, text, "torch")
    assert told.one.assumed == "drawn: x (3,)"
    subject = told.subjects["Power"]
    _, gradient = subject.gradient(subject.point, [np.array([1.0, 2.0, 3.0])])
    np.testing.assert_allclose(gradient["x"], np.array([1.0, 2.0, 3.0]) * 2 * subject.point["x"], rtol=1e-14)


@both
def test_all_that_the_file_defines_is_checked_in_its_order(tmp_path: Path, framework: str) -> None:
    text = f"""
        from {framework} import abs as imported
        import math
        alias = math.sin

        def last(x):
            return x * 2

        def _private(x):
            return x

        def nothing():
            return 1

        def sizes(n: int, name: str):
            return n

        first_inputs = (1,)

        def gradtool_case():
            return None

        if True:
            def conditional(x):
                return x * 3

        again = last
        constant = 3
        """
    told = Told(tmp_path, text, framework)
    assert [(found.name, found.source) for found in told.evidence] == [
        ("last", "ops.py:7"),
        ("conditional", "ops.py:25"),
    ]
    assert told.progress == [
        "running ops.py", "looking for inputs of last", "looking for inputs of conditional",
        "checking last", "checking conditional",
    ]  # fmt: skip


def test_modules_are_found_as_objects_and_as_classes_without_arguments(tmp_path: Path) -> None:
    text = """
        from torch import nn
        criterion = nn.MSELoss()
        net = nn.Sequential(nn.Linear(10, 4), nn.Linear(4, 2))
        class Scale(nn.Module):
            def __init__(self):
                super().__init__()
                self.x = nn.Parameter(torch.ones(3))
            def forward(self, x):
                return self.x * x
        class Once(nn.Module):
            def forward(self, x):
                return x.sin()
        once = Once()
        """
    found = {one.name: one for one in Told(tmp_path, text, "torch").evidence}
    assert {name: one.kind for name, one in found.items()} == dict.fromkeys(
        ["criterion", "net", "Scale", "once"], "module"
    )
    assert found["net"].assumed == "drawn: input (8, 10)"
    assert found["net"].dtype == "float32"
    assert [slot.name for slot in found["Scale"].inputs] == ["x", "self.x"]


def test_layers_losses_and_modules_are_found(tmp_path: Path) -> None:
    text = """
        import keras
        dense = keras.layers.Dense(2)
        loss = keras.losses.MeanSquaredError()
        class Own(keras.layers.Layer):
            def build(self, shape):
                self.w = self.add_weight(shape=(shape[-1],), name="w", initializer="ones")
            def call(self, x, training=False):
                return tf.sin(x * self.w)
        class Plain(tf.Module):
            def __init__(self):
                super().__init__()
                self.one, self.two = tf.Variable([1.0, 2.0, 3.0]), tf.Variable([2.0, 0.5, 1.0])
            def __call__(self, x):
                return self.one * x + self.two
        """
    found = {one.name: one for one in Told(tmp_path, text, "tensorflow").evidence}
    kinds = {"dense": "layer", "loss": "loss", "Own": "layer", "Plain": "module"}
    assert {name: one.kind for name, one in found.items()} == kinds
    assert [slot.name for slot in found["Own"].inputs] == ["x", "w"]
    assert [slot.name for slot in found["Plain"].inputs] == ["x", "one", "two"]
    assert [slot.shape for slot in found["dense"].inputs] == [(2, 3), (3, 2), (2,)]


@both
def test_static_methods_and_methods_of_objects_have_dotted_names(tmp_path: Path, framework: str) -> None:
    text = """
        class Ops:
            @staticmethod
            def triple(x):
                return 3 * x
            def method(self, x):
                return 2 * x
        ops = Ops()
        Ops_triple_inputs = 1
        """
    assert Told(tmp_path, text.replace("Ops_triple_inputs = 1", ""), framework, "Ops.triple").one.source == "ops.py:5"
    assert Told(tmp_path, text, framework, "ops.method").one.kind == "function"
    told = Told(tmp_path, text, framework, "Ops.method").failure
    assert told.message == "ops.py:Ops.method is a method, and needs an object of Ops"
    told = Told(tmp_path, text, framework, "Ops.tripel").failure
    assert (told.message, told.hint) == (
        "ops.py:Ops has nothing called tripel", "did you mean triple? it holds method, triple",
    )  # fmt: skip


@both
def test_surrogates_are_marked_by_name_or_in_a_list(tmp_path: Path, framework: str) -> None:
    text = """
        def one(x):
            return x
        def two(x):
            return x * 2
        def three(x):
            return x * 3
        one_surrogate = True
        gradtool_surrogate = ("two",)
        """
    assert [found.surrogate for found in Told(tmp_path, text, framework).evidence] == [True, True, False]
    assert all(found.surrogate for found in Told(tmp_path, text, framework, surrogate=True).evidence)
    text = text.replace('("two",)', '"three"')
    assert [found.surrogate for found in Told(tmp_path, text, framework).evidence] == [True, False, True]


def test_keras_is_not_needed_for_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_module("tensorflow")
    monkeypatch.setitem(sys.modules, "keras", None)
    assert Told(tmp_path, RELU["tensorflow"], "tensorflow").one.kind == "custom gradient"


# ---- inputs that are given


@both
def test_numbers_of_at_become_tensors_of_float64_by_name(tmp_path: Path, framework: str) -> None:
    matrix = Array.of((2, 3), [1, 2, 3, 4, 5, 6])
    told = Told(tmp_path, MATMUL, framework, "product", at={"y": Array.of((3, 1), [0.5, 1, 2]), "x": matrix})
    assert told.one.assumed == "--at"
    subject = told.subjects["product"]
    assert list(subject.point) == ["x", "y"]
    np.testing.assert_array_equal(subject.outputs(subject.point)[0], [[8.5], [19.0]])


@both
def test_at_obeys_the_dtype_and_the_kinds_of_arguments(tmp_path: Path, framework: str) -> None:
    text = """
        def scaled(x, n: int, flag=True, factor=1.0):
            assert type(n) is int and type(flag) is bool and type(factor) is float
            return x * n * factor if flag else x
        """
    at = {"x": Array.of((2,), [1.0, -2.0]), "n": 3.0, "flag": 1.0, "factor": 0.5}
    told = Told(tmp_path, text, framework, at=at, dtype="float32")
    assert told.one.dtype == "float32"
    subject = told.subjects["scaled"]
    np.testing.assert_array_equal(subject.outputs(subject.point)[0], [1.5, -3.0])
    refused = Told(tmp_path, text, framework, at={**at, "n": 2.5}).failure
    assert refused.message == "scaled: --at: n is one whole number"


def test_whole_numbers_are_labels_where_floats_are_refused(tmp_path: Path) -> None:
    text = """
        def loss(logits, labels):
            return torch.nn.functional.nll_loss(logits, labels)
        """
    at = {"logits": Array.of((2, 3), [1, 2, 3, 4, 5, 6]), "labels": Array.of((2,), [0, 2])}
    found = Told(tmp_path, text, "torch", at=at).one
    assert found.assumed == "--at (labels as int64)"
    assert [(slot.name, slot.dtype, slot.differentiated) for slot in found.inputs] == [
        ("logits", "float64", True), ("labels", "int64", False),
    ]  # fmt: skip


@both
def test_at_names_arguments_and_needs_them_all(tmp_path: Path, framework: str) -> None:
    told = Told(tmp_path, MATMUL, framework, at={"z": 1.0}).failure
    assert (told.message, told.hint) == ("--at: product has no argument z", "it takes x, y")
    told = Told(tmp_path, MATMUL, framework, at={"x": 1.0}).failure
    assert (told.message, told.hint) == ("product needs y too", "--at x=...,y=...")


TENSOR = {"torch": "torch.tensor({}, dtype=torch.float64)", "tensorflow": "tf.constant({}, tf.float64)"}
GIVEN = {
    "a tuple": "add_inputs = ({x}, {y})",
    "a list": "add_inputs = [{x}, {y}]",
    "a dict": "add_inputs = dict(y={y}, x={x})",
    "a function": "def add_inputs():\n    return {x}, {y}",
    "for all": "gradtool_inputs = ({x}, {y})",
    "for all, by target": "gradtool_inputs = dict(add=({x}, {y}), other=1)\nother = 1",
    "for all, by a function": "def gradtool_inputs():\n    return dict(add=dict(x={x}, y={y}))",
    "NumPy": "import numpy as np\nadd_inputs = (np.array([1.5, 2.5]), np.array(4.0))",
}


@both
@pytest.mark.parametrize("way", GIVEN)
def test_the_file_gives_inputs(tmp_path: Path, framework: str, way: str) -> None:
    tensor = TENSOR[framework]
    given = GIVEN[way].format(x=tensor.format([1.5, 2.5]), y=tensor.format(4.0))
    told = Told(tmp_path, f"def add(x, y):\n    return x + y\n{given}\n", framework, "add")
    source = {"for all, by target": "gradtool_inputs['add']", "for all, by a function": "gradtool_inputs['add']"}
    named = "gradtool_inputs" if way.startswith("for all") else "add_inputs"
    assert told.one.assumed == f"ops.py's {source.get(way, named)}"
    subject = told.subjects["add"]
    np.testing.assert_array_equal(subject.point["x"], [1.5, 2.5])
    np.testing.assert_array_equal(subject.point["y"], 4.0)


@both
def test_what_is_no_tensor_passes_through_and_at_overrules_the_file(tmp_path: Path, framework: str) -> None:
    text = f"""
        def power(x, n, how):
            assert how == "plain" and n == 3
            return x ** n
        power_inputs = {{"x": {TENSOR[framework].format([2.0])}, "n": 3, "how": "plain"}}
        """
    told = Told(tmp_path, text, framework, at={"x": Array.of((2,), [1.0, 5.0])})
    assert told.one.assumed == "--at and ops.py's power_inputs"
    subject = told.subjects["power"]
    np.testing.assert_allclose(subject.outputs(subject.point)[0], [1.0, 125.0], rtol=1e-14)


@both
def test_inputs_that_do_not_fit_are_told(tmp_path: Path, framework: str) -> None:
    one = TENSOR[framework].format([2.0])
    told = Told(tmp_path, f"{MATMUL}product_inputs = ({one},) * 3\n", framework).failure
    assert told.message == "ops.py's product_inputs holds 3 inputs, and product takes 2: x, y"
    told = Told(tmp_path, f"{MATMUL}product_inputs = dict(x={one}, z={one})\n", framework).failure
    assert (told.message, told.hint) == ("ops.py's product_inputs: product has no argument z", "it takes x, y")
    told = Told(tmp_path, f"{MATMUL}def product_inputs():\n    raise ValueError('no data')\n", framework).failure
    assert "product_inputs() in ops.py failed: ValueError: no data (ops.py:5: " in told.message
    text = f"def fails(x):\n    raise ValueError('not today')\nfails_inputs = {one}\n"
    told = Told(tmp_path, text, framework).failure
    assert told.message.startswith("fails fails on ops.py's fails_inputs: ValueError: not today (ops.py:3: ")
    assert told.detail.startswith("Traceback")


@both
def test_the_file_s_inputs_are_cast_to_the_dtype_asked_for(tmp_path: Path, framework: str) -> None:
    text = f"def twice(x):\n    return 2 * x\ntwice_inputs = {TENSOR[framework].format([1.0, 2.0])}\n"
    assert Told(tmp_path, text, framework, dtype="float32").one.dtype == "float32"
    assert "has no dtype float17" in Told(tmp_path, text, framework, dtype="float17").failure.message


# ---- inputs that are drawn

DRAWN = {
    "a vector": ("(x)", "", "x * 2", "x (3,)"),
    "vectors": ("(x, y)", "", "x * y", "x (3,), y (3,)"),
    "a number": ("(x)", "assert x.shape == ()", "x * 2", "x ()"),
    "a matrix": ("(x)", "a, b = x.shape", "x * 2", "x (2, 3)"),
    "a square": ("(x)", "a, b = x.shape; assert a == b", "x * 2", "x (4, 4)"),
    "images": ("(x)", "a, b, c, d = x.shape", "x * 2", "x (2, 3, 8, 8)"),
    "a product": ("(x, y)", "assert x.shape[0] != y.shape[0]", "x @ y", "x (2, 3), y (3, 2)"),
    "a layer": ("(x, w, b)", "(a, c), (d,) = x.shape, b.shape", "x @ w + b", "x (2, 3), w (3, 2), b (2,)"),
    "many": ("(x, a, b, c)", "(d,), (e, f) = a.shape, x.shape", "x * a * b * c", "x (2, 3), a (3,), b (3,), c (3,)"),
    "a scale": ("(x, k: float)", "assert type(k) is float", "x * k", "x (3,)"),
    "numbers as annotated": ("(x: float, y: float) -> float", "", "x * y", "x (3,), y (3,)"),
    "several": ("(*xs)", "", "xs[0] * xs[1]", "xs[0] (3,), xs[1] (3,)"),
    "by keyword": ("(x, *, weight)", "", "x * weight", "x (3,), weight (3,)"),
    "with defaults": ("(x, y=None, mode='a', n=3)", "assert y is None", "x * n", "x (3,)"),
    "a part of the line": ("(x)", "assert all(0 < number < 1 for number in x)", "x * 2", "x (3,) in 0..1"),
}
"""What a function takes, what it insists on, what it returns, and the first inputs that suit it."""


@both
@pytest.mark.parametrize("what", DRAWN)
def test_shapes_are_tried_until_a_call_is_accepted(tmp_path: Path, framework: str, what: str) -> None:
    arguments, insists, returned, told = DRAWN[what]
    text = f"def f{arguments}:\n    {insists or 'pass'}\n    return {returned}\n"
    assert Told(tmp_path, text, framework).one.assumed == f"drawn: {told}"


LISTS = {
    "torch": "def joined(xs: list[torch.Tensor]):\n    return torch.cat(xs)\n",
    "tensorflow": "def joined(xs: list[tf.Tensor]):\n    return tf.concat(xs, 0)\n",
}
LABELS = {
    "torch": "def loss(logits, labels):\n    return torch.nn.functional.cross_entropy(logits, labels.view(2))\n",
    "tensorflow": """
def loss(logits, labels):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
""",
}
SINGLE = {
    "torch": "def f(x):\n    return x @ torch.ones(3)\n",
    "tensorflow": "def f(x):\n    return x * tf.ones(3)\n",
}
LOG = {
    "torch": "def log(x):\n    return torch.log(x)\ndef acosh(x):\n    return torch.acosh(x)\n",
    "tensorflow": "def log(x):\n    return tf.math.log(x)\ndef acosh(x):\n    return tf.acosh(x)\n",
}


@both
def test_lists_labels_and_single_precision_are_tried(tmp_path: Path, framework: str) -> None:
    found = Told(tmp_path, LISTS[framework], framework).one
    assert found.assumed == "drawn: xs[0] (3,), xs[1] (3,)"
    assert [slot.name for slot in found.inputs] == ["xs[0]", "xs[1]"]
    found = Told(tmp_path, LABELS[framework], framework).one
    assert found.assumed == "drawn: logits (2, 3), labels (2,) int64"
    assert [slot.differentiated for slot in found.inputs] == [True, False]
    found = Told(tmp_path, SINGLE[framework], framework).one
    assert (found.assumed, found.dtype) == ("drawn: x (3,), float32", "float32")


@both
def test_numbers_are_drawn_where_the_callable_is_defined(tmp_path: Path, framework: str) -> None:
    subjects = Told(tmp_path, LOG[framework], framework).subjects
    assert (subjects["log"].point["x"] > 0).all()
    assert (subjects["acosh"].point["x"] > 1).all()


@both
def test_drawn_numbers_differ_have_both_signs_and_come_from_the_seed(tmp_path: Path, framework: str) -> None:
    def drawn(seed: int) -> Any:
        point = Told(tmp_path, "def f(x, y):\n    return x + y\n", framework, seed=seed).subjects["f"].point
        return np.concatenate([point["x"], point["y"]])

    numbers = drawn(0)
    assert len({abs(number) for number in numbers}) == numbers.size
    assert (np.abs(numbers) > 0.25).all()
    assert (numbers > 0).any()
    assert (numbers < 0).any()
    np.testing.assert_array_equal(numbers, drawn(0))
    assert not np.array_equal(numbers, drawn(1))


# ---- what is refused


@both
def test_a_name_that_is_not_there_is_told_with_what_is(tmp_path: Path, framework: str) -> None:
    told = Told(tmp_path, f"{MATMUL}def other(x):\n    return x\n", framework, "prodct").failure
    assert (told.reason, told.message) == ("file", "ops.py has nothing called prodct")
    assert told.hint == "did you mean product? it holds product, other"
    told = Told(tmp_path, "", framework, "prodct").failure
    assert told.hint == "it defines nothing that can be checked"


@both
def test_a_name_that_is_no_callable_says_what_it_is(tmp_path: Path, framework: str) -> None:
    text = f"{MATMUL}constant = 3\nclass Own:\n    pass\n"
    told = Told(tmp_path, text, framework, "constant").failure
    assert told.message == "ops.py:constant is of type int, nothing that can be called with tensors"
    assert told.hint == "name a function, a custom operation or a module; ops.py offers product"
    assert "is a class, Own" in Told(tmp_path, text, framework, "Own").failure.message


@both
def test_a_file_without_targets_says_so(tmp_path: Path, framework: str) -> None:
    assert Told(tmp_path, "x = 1\n", framework).failure.message == "ops.py defines nothing to check"
    told = Told(tmp_path, "def size(x):\n    return len(x.shape)\n", framework).failure
    assert told.message == "ops.py defines nothing that can be checked by itself"
    assert told.hint == "size was left out: it returned no tensor, nothing that has a gradient"


@both
def test_a_file_that_cannot_run_is_told_at_its_line(tmp_path: Path, framework: str) -> None:
    told = Told(tmp_path, "import a_module_nobody_has\n", framework).failure
    assert told.message.startswith("ops.py could not be run: ModuleNotFoundError")
    assert "(ops.py:2: import a_module_nobody_has)" in told.message
    told = Told(tmp_path, "import sys\nsys.exit(3)\n", framework).failure
    assert "it ended itself with sys.exit(3) (ops.py:3: sys.exit(3))" in told.message
    assert "ops.py:2 is not valid Python" in Told(tmp_path, "def\n", framework).failure.message


CLASSES = {
    "torch": "class Scale(torch.nn.Module):\n    def __init__(self, width):\n        super().__init__()\n",
    "tensorflow": "class Scale(tf.Module):\n    def __init__(self, width):\n        super().__init__()\n"
    "    def __call__(self, x):\n        return x\n",
}


@both
def test_a_class_that_needs_arguments_says_how_to_make_one(tmp_path: Path, framework: str) -> None:
    told = Told(tmp_path, CLASSES[framework], framework).failure
    assert told.message == "ops.py:Scale needs arguments: width"
    assert told.hint == "make one in the file, scale = Scale(...), and name that: ops.py:scale"
    text = CLASSES[framework].replace("self, width", "self").replace("super().__init__()", "raise ValueError('none')")
    assert "Scale() in ops.py failed: ValueError: none" in Told(tmp_path, text, framework).failure.message


@both
def test_what_takes_nothing_that_was_tried_sums_up_the_tries(tmp_path: Path, framework: str) -> None:
    text = """
        def picky(x, y):
            if len(x.shape) < 2:
                raise ValueError("no vectors")
            raise TypeError("nor this")
        """
    told = Told(tmp_path, text, framework, "picky").failure
    assert told.message.startswith("no inputs were found that picky takes: x (3,), y (3,): ValueError: no vectors (")
    assert "; x (2, 3), y (2, 3): TypeError: nor this (ops.py:" in told.message
    assert told.hint == "give inputs: --at x=...,y=... or picky_inputs = (...) in ops.py"
    told = Told(tmp_path, "def broken(x):\n    return absent * x\n", framework).failure
    assert told.message.startswith("broken fails on every input that was tried (")
    assert told.message.endswith("NameError: name 'absent' is not defined (ops.py:3: return absent * x)")
    assert told.detail.startswith("Traceback")
    told = Told(tmp_path, "def styled(x, how: str):\n    return x\n", framework).failure
    assert (told.message, told.hint) == (
        "styled needs text: how", "give inputs: --at x=... or styled_inputs = (...) in ops.py",
    )  # fmt: skip


@both
def test_what_ends_the_program_is_the_callable_s_failure(tmp_path: Path, framework: str) -> None:
    told = Told(tmp_path, "import sys\ndef leaves(x):\n    sys.exit(4)\n", framework).failure
    assert "it ended itself with sys.exit(4) (ops.py:4: sys.exit(4))" in told.message


@both
def test_one_that_fails_leaves_the_others_and_helpers_are_a_note(tmp_path: Path, framework: str) -> None:
    text = """
        def helper(width):
            return list(range(width))
        def good(x):
            return x * len(helper(3))
        def bad(x):
            raise ValueError("bad luck")
        def count(x):
            return 7
        def fine(x):
            return x * 2
        """
    told = Told(tmp_path, text, framework)
    first, failed, last = told.records
    assert isinstance(first, CallableEvidence)
    assert isinstance(failed, Failure)
    assert isinstance(last, CallableEvidence)
    assert (first.name, last.name) == ("good", "fine")
    assert failed.message.startswith("bad fails on every input that was tried")
    assert [note.partition(":")[0] for note in first.notes] == [
        "helper was left out, since others of the file use it", "count was left out",
    ]  # fmt: skip
    assert last.notes == []
    assert isinstance(Told(tmp_path, text, framework, "helper").failure, Failure)


@both
def test_an_exception_while_it_is_checked_is_a_failure_of_that_target(
    tmp_path: Path, framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examined(_self: Told, subject: Subject, _request: CallableRequest) -> CallableEvidence:
        if subject.origin.name == "memory":
            raise MemoryError
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Told, "examined", examined)
    told = Told(tmp_path, "def f(x):\n    return x\ndef memory(x):\n    return x\n", framework)
    assert [record.reason for record in told.records if isinstance(record, Failure)] == ["file", "memory"]
    assert [record.message for record in told.records if isinstance(record, Failure)][1] == "memory ran out of memory"


@both
def test_what_is_differentiated_can_be_chosen(tmp_path: Path, framework: str) -> None:
    text = f"{MATMUL}{LISTS[framework]}{LABELS[framework]}"
    assert list(Told(tmp_path, text, framework, "product", wrt=["y"]).subjects["product"].point) == ["y"]
    assert list(Told(tmp_path, text, framework, "joined", wrt=["xs"]).subjects["joined"].point) == ["xs[0]", "xs[1]"]
    assert list(Told(tmp_path, text, framework, "joined", wrt=["xs[1]"]).subjects["joined"].point) == ["xs[1]"]
    told = Told(tmp_path, text, framework, "product", wrt=["z"]).failure
    assert (told.message, told.hint) == ("product: z is no input of it", "its tensors are x, y")
    told = Told(tmp_path, text, framework, "loss", wrt=["labels"]).failure
    assert (told.message, told.hint) == ("loss: labels is int64, and has no gradient", "its gradient is by logits")


def test_the_device_is_obeyed(tmp_path: Path) -> None:
    text = "def f(x):\n    assert x.device.type == 'meta'\n    return x\n"
    assert "PyTorch has no device nowhere" in Told(tmp_path, MATMUL, "torch", device="nowhere").failure.message
    assert Told(tmp_path, MATMUL, "torch", device="cpu").one.name == "product"
    assert "meta" in Told(tmp_path, text, "torch", device="meta").failure.message


def test_variables_of_another_dtype_than_asked_for_are_told(tmp_path: Path) -> None:
    text = """
        class Plain(tf.Module):
            def __init__(self):
                super().__init__()
                self.w = tf.Variable([1.0, 2.0, 3.0])
            def __call__(self, x):
                return self.w * x
        """
    told = Told(tmp_path, text, "tensorflow", dtype="float64").failure
    assert told.message == "the variables of Plain are float32, and can't be cast to float64"


def test_a_module_is_moved_to_the_dtype_asked_for(tmp_path: Path) -> None:
    told = Told(tmp_path, "net = torch.nn.Linear(3, 2)\n", "torch", dtype="float64")
    assert told.one.dtype == "float64"
    assert {slot.dtype for slot in told.one.inputs} == {"float64"}
