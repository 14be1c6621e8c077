"""Where in a file's names the model is: every route, and what is said where none leads to one. No framework needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest

from gradtool.witness.model.discovery import Case, Found, Kind, discover
from gradtool.witness.model.user_file import UserFileError


class Model:
    """What stands for a framework's model."""


class Leaf:
    """What stands for a tensor that learns."""

    shape = (2,)
    requires_grad = True


class Data:
    """What stands for a tensor that does not."""

    shape = (2,)
    requires_grad = False


class Plain(Model):
    """What stands for a model made of a function."""

    def __init__(self, function: Callable[..., Any], leaves: Mapping[str, Any]) -> None:
        self.function, self.leaves = function, leaves


KIND = Kind(
    "Model",
    lambda value: isinstance(value, Model),
    lambda value: isinstance(value, type) and issubclass(value, Model) and value is not Model,
    is_leaf=lambda value: isinstance(value, Leaf),
    of_function=Plain,
)


def names_of(text: str) -> dict[str, Any]:
    """The names of a file called ``user``."""
    module = ModuleType("user")
    module.__dict__.update(Model=Model, Leaf=Leaf, Data=Data)
    exec(compile(text, "user.py", "exec"), module.__dict__)  # noqa: S102
    return module.__dict__


def found(text: str, asked: str = "") -> Found:
    one = discover(names_of(text), "user.py", asked, KIND)
    assert one is not None
    return one


def refused(text: str, asked: str = "") -> UserFileError:
    with pytest.raises(UserFileError) as told:
        discover(names_of(text), "user.py", asked, KIND)
    return told.value


NET = "class Net(Model):\n    pass\n"
ROUTES = {
    "a case": (
        NET + "def gradtool_case():\n    return Net()\nmodel = Net()\n",
        "gradtool_case() in user.py returned Net",
    ),
    "a case with data": (NET + "def gradtool_case():\n    return Net(), 1\nmodel = Net()\n", ("gradtool_case", "case")),
    "the name model": (NET + "other, model = Net(), Net()\n", ("model", "name")),
    "the name net": (NET + "other, net = Net(), Net()\n", ("net", "name")),
    "model before net": (NET + "net, model = Net(), Net()\n", ("model", "name")),
    "a function that builds it": (
        NET + "def build_model():\n    return Net()\none, two = Net(), Net()\n",
        ("build_model", "name"),
    ),
    "a function with defaults": (NET + "def get_model(w=3, *rest, **more):\n    return Net()\n", ("get_model", "name")),
    "the only one": (NET + "anything = Net()\n", ("anything", "only")),
    "the only one under two names": (NET + "one = Net()\ntwo = one\n", ("one", "only")),
    "the only class": (NET, ("Net", "class")),
    "the outer class": (
        NET + "class All(Model):\n    def __init__(self):\n        self.part = Net()\n",
        ("All", "class"),
    ),
    "the class without arguments": (
        NET + "class Other(Model):\n    def __init__(self, width):\n        pass\n", ("Net", "class"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROUTES)
def test_every_route_leads_to_the_model_that_its_convention_names(name: str) -> None:
    text, told = ROUTES[name]
    if isinstance(told, str):
        assert told in refused(text).message
        return
    one = found(text)
    assert (one.name, one.route) == told
    assert isinstance(one.model, Model)


ASKED = {
    "an instance": (NET + "deep = Net()\n", "deep"),
    "a class": (NET, "Net"),
    "a function": (NET + "def make():\n    return Net()\n", "make"),
    "an attribute": (NET + "class Holder:\n    inner = Net()\n", "Holder.inner"),
    "a name that begins with an underscore": (NET + "_net = Net()\n", "_net"),
    "a class that was imported": (NET.replace("Net", "Imported") + "Imported.__module__ = 'elsewhere'\n", "Imported"),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_name_that_is_asked_for_is_taken_whatever_else_is_there(what: str) -> None:
    text, asked = ASKED[what]
    one = found(text + "model = Model()\n", asked)
    assert (one.name, one.route) == (asked, "name")
    assert type(one.model) is not Model


def test_the_case_can_be_asked_for_by_name() -> None:
    one = found(NET + "def gradtool_case():\n    return Net(), 1, 2, 3, 4\n", "gradtool_case")
    assert one.route == "case"
    assert one.case == Case(inputs=1, targets=2, loss=3, optimizer=4)


CASES = {
    "(Net(), 1)": Case(inputs=1),
    "(Net(), 1, 2, 3)": Case(inputs=1, targets=2, loss=3),
    "{'model': Net(), 'loss': 3, 'inputs': 1}": Case(inputs=1, loss=3),
    "{'model': Net()}": Case(),
    "(Net(),)": Case(),
}


@pytest.mark.parametrize("returned", CASES)
def test_a_case_is_a_tuple_or_a_dict(returned: str) -> None:
    assert found(NET + f"def gradtool_case():\n    return {returned}\n").case == CASES[returned]


def test_a_case_may_return_what_only_its_framework_can_run() -> None:
    layers = Kind(KIND.title, KIND.is_model, KIND.is_class, lambda value: value == "layer")
    one = discover(names_of("def gradtool_case():\n    return 'layer', 1\n"), "user.py", "", layers)
    assert one is not None
    assert one.model == "layer"


@pytest.mark.parametrize("returned", ["(Net(), 1, 2, 3)", "Net()"])
def test_a_function_may_return_its_data_beside_the_model(returned: str) -> None:
    one = found(NET + f"def build_model():\n    return {returned}\n")
    assert (one.route, one.case.inputs) == ("name", 1 if "(Net(), 1" in returned else None)


BAD_CASES = {
    "7": ("returned int", "return (model, inputs, targets, loss)"),
    "None": ("returned NoneType", "return (model, inputs, targets, loss)"),
    "()": ("returned tuple", "return (model, inputs, targets, loss)"),
    "(Net(), 1, 2, 3, 4, 5)": ("returned tuple", "return (model, inputs, targets, loss)"),
    "{'inputs': 1}": ("other keys", "there is no model in it"),
    "{'model': Net(), 'x': 1, 'y': 2}": ("other keys", "unknown: x, y; known: model, inputs, targets, loss, optimizer"),
    "(7, 1)": ("the model of gradtool_case() in user.py is int, no Model", "itself"),
    "{'model': 'net'}": ("is str, no Model", "itself"),
    "{'model': Net}": ("is the class Net, no Model", "itself"),
    "1 / 0": ("gradtool_case() in user.py failed: ZeroDivisionError", ""),
}


@pytest.mark.parametrize("returned", BAD_CASES)
def test_a_case_that_returns_something_else_is_told_what_to_return(returned: str) -> None:
    told = refused(NET + f"def gradtool_case():\n    return {returned}\n")
    message, hint = BAD_CASES[returned]
    assert message in told.message
    assert hint in told.hint


def test_several_models_are_told_with_the_commands_that_choose_one() -> None:
    told = refused(NET + "one, two, three = Net(), Net(), Net()\n")
    assert told.message == "user.py holds 3 models: one, two, three"
    assert told.hint == "say which: gradtool flow user.py:one; gradtool flow user.py:two; gradtool flow user.py:three"


def test_several_classes_are_told_with_the_commands_that_choose_one() -> None:
    told = refused(NET + "class Wide(Model):\n    pass\n")
    assert told.message == "user.py holds 2 classes: Net, Wide"
    assert told.hint == "say which: gradtool flow user.py:Net; gradtool flow user.py:Wide"


NEEDY = "class Net(Model):\n    def __init__(self, width, *, depth, rate=0.1, **more):\n        pass\n"


@pytest.mark.parametrize(
    ("text", "asked", "call"),
    [(NEEDY, "", "Net"), (NEEDY, "Net", "Net"), ("def make_model(width, depth):\n    pass\n", "", "make_model")],
)
def test_missing_arguments_are_named_with_the_function_to_write(text: str, asked: str, call: str) -> None:
    told = refused(text, asked)
    assert told.message == f"user.py:{call} needs arguments: width, depth"
    assert told.hint == f"add a function to the file: def gradtool_case(): return {call}(...)"


def test_a_name_that_is_not_there_is_told_with_those_that_are() -> None:
    told = refused(NET + "deep, number = Net(), 7\ndef make():\n    pass\n", "Nte")
    assert (told.message, told.hint) == ("user.py has nothing called Nte", "it holds Net, deep, make")
    assert refused("x = 1\n", "Net").hint == "it defines no model and no function"
    assert "has nothing called Net.absent" in refused(NET, "Net.absent").message


@pytest.mark.parametrize("asked", ["number", "make"])
def test_a_name_that_is_no_model_is_told(asked: str) -> None:
    told = refused("number = 7\ndef make():\n    return 7\n", asked)
    assert told.message == f"user.py:{asked} is no Model"
    assert "a function without arguments" in told.hint


def test_what_the_users_function_raises_is_told() -> None:
    assert "build_model() in user.py failed: KeyError" in refused("def build_model():\n    {}['a']\n").message


@pytest.mark.parametrize(
    "text",
    ["", "x = 1\n", "_model = Model()\n", "class Net(Model):\n    pass\nNet.__module__ = 'torchvision'\n",
     "def other():\n    raise RuntimeError\n"],
)  # fmt: skip
def test_a_file_without_a_model_holds_none_and_nothing_is_called(text: str) -> None:
    assert discover(names_of(text), "user.py", "", KIND) is None


def test_what_was_not_taken_is_told() -> None:
    one = found(NET + "class Wide(Model):\n    pass\nmodel, spare = Net(), Wide()\nagain = model\n")
    assert [(c.name, c.kind) for c in one.candidates] == [("spare", "Wide"), ("Net", "class"), ("Wide", "class")]


def test_a_model_is_built_once_and_only_the_one_that_is_taken() -> None:
    built: list[str] = []
    counted: Callable[[str], None] = built.append
    names = names_of(NET)
    names["Net"].__init__ = lambda _self: counted("Net")
    names["model"] = Model()
    assert discover(names, "user.py", "", KIND) is not None
    assert built == []
    del names["model"]
    assert discover(names, "user.py", "", KIND) is not None
    assert built == ["Net"]


LOSS = "class FocalLoss(Model):\n    pass\n"
BESIDE_A_LOSS = {
    "an instance beside a loss by its class": (NET + LOSS + "deep, focal = Net(), FocalLoss()\n", ("deep", "only")),
    "an instance beside a loss by its name": (NET + "deep, criterion = Net(), Model()\n", ("deep", "only")),
    "a class beside that of a loss": (NET + LOSS, ("Net", "class")),
    "a class beside an instance of a loss": (NET + LOSS + "loss_fn = FocalLoss()\n", ("Net", "class")),
    "a model called like a loss, where there is nothing else": (LOSS, ("FocalLoss", "class")),
}


@pytest.mark.parametrize("what", BESIDE_A_LOSS)
def test_a_loss_is_taken_for_no_model_beside_one(what: str) -> None:
    text, told = BESIDE_A_LOSS[what]
    one = found(text)
    assert (one.name, one.route) == told
    assert not any("oss" in c.name or c.name == "criterion" for c in one.candidates)


DICT = "params = {'w': Leaf(), 'b': Leaf(), 'rate': 0.1}\n"
BARE = "W, b = Leaf(), Leaf()\n"
XY = "x, y = Data(), Data()\n"
FORWARD = "def forward(params, x):\n    return 'forward', params, x\n"
OVER = "def model(x):\n    return 'model', W, x\n"
OBJECT = "class Net:\n    def __init__(self):\n        self.w = Leaf()\nnet = Net()\n"
IN_DICT, TWO = ["params['w']", "params['b']"], ["W", "b"]
FUNCTIONS = {
    "a function of all leaves and the data": (DICT + FORWARD, "forward", IN_DICT, False),
    "a function over bare leaves": (BARE + OVER, "model", TWO, False),
    "the only one, in a list": (
        "layers = [Leaf(), [Leaf()]]\ndef mlp(params, x):\n    return params\n", "mlp", ["layers[0]", "layers[1][0]"],
        False,
    ),
    "the only one that reaches a leaf": (BARE + "def act(x):\n    return x\ndef run(x):\n    return act(x), W\n",
        "run", TWO, False),
    "the whole loss": (DICT + XY + FORWARD + "def loss(params, x, y):\n    return x, y\n", "loss", IN_DICT, True),
    "the whole loss, other names": (
        "X, Y = Data(), Data()\n" + DICT + "def loss(params, inp, goal):\n    return goal\n", "loss", IN_DICT, True,
    ),
    "the whole loss by way of the model": (
        BARE + XY + OVER + "def loss(x, y):\n    return model(x), y\n", "loss", TWO, True,
    ),
    "the whole loss without arguments": (BARE + "def loss():\n    return W\n", "loss", TWO, True),
    "a loss of the output is none": (BARE + XY + OVER + "def loss(x, y):\n    return x\n", "model", TWO, False),
    "a loss whose data are not there": (DICT + FORWARD + "def loss(params, x, y):\n    return x\n", "forward",
        IN_DICT, False),
    "attributes of a plain object": (OBJECT + "def forward(x):\n    return net.w\n", "forward", ["net.w"], False),
    "one that a case returns": (
        "def gradtool_case():\n    W = Leaf()\n    def f(x):\n        return W\n    return f, 1\n", "gradtool_case",
        ["W"], False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_over_the_files_leaves_is_a_model(name: str) -> None:
    text, called, leaves, whole = FUNCTIONS[name]
    one = found(text)
    assert (one.name, list(one.model.leaves), one.whole) == (called, leaves, whole)
    assert one.route == ("case" if called == "gradtool_case" else "function")
    assert list(found(text, called).model.leaves) == leaves


def test_a_function_is_given_the_leaves_and_the_data_in_their_places() -> None:
    one = found(DICT + FORWARD)
    name, params, data = one.model.function(7)
    assert (name, list(params), data, one.case.inputs) == ("forward", ["w", "b", "rate"], 7, None)
    one = found("X, Y = Data(), Data()\n" + DICT + "def loss(x, params, y):\n    return x, params, y\n")
    assert [type(part) for part in one.case.inputs] == [Data, Data]
    assert one.model.function(1, 2)[::2] == (1, 2)


def test_functions_that_use_no_leaf_or_are_several_are_no_model() -> None:
    for text in (XY + "def loss(x, y):\n    return x\n", "def one(x):\n    return W\ndef two(x):\n    return b\n"):
        assert discover(names_of(BARE + text), "user.py", "", KIND) is None
    assert "needs arguments: x" in refused(BARE + "def model(x):\n    return x\n").message


def test_a_model_goes_before_a_function() -> None:
    assert found(NET + BARE + "def forward(x):\n    return W\nanything = Net()\n").route == "only"
