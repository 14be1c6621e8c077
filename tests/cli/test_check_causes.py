"""``gradtool check FILE.py:NAME`` names the line on which a gradient is lost; the line carries ``# <- here``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TORCH = {
    "detached": (
        "none", "detach",
        """\
import torch
def f(x):
    p = torch.sigmoid(x)
    q = p.detach()  # <- here
    return (q * 2).sum()
""",
    ),
    "numpy": (
        "none", "numpy",
        """\
import torch
def double(x):
    return torch.from_numpy(2 * x.detach().numpy())  # <- here
def f(x):
    return double(x).sum()
""",
    ),
    "a part alone": (
        "cut", "detach",
        """\
import torch
def f(x):
    y = (x**2).detach() + x  # <- here
    return y.sum()
""",
    ),
    "a root at 0": (
        "nan", "sqrt_of_zero",
        """\
import torch
def f(x):
    r = torch.sqrt(x)  # <- here
    return (r * r).sum()
f_inputs = (torch.zeros(3),)
""",
    ),
    "a logarithm of 0": (
        "nan", "log_of_zero",
        """\
import torch
def entropy(p):
    return -(p * torch.log(p)).sum()  # <- here
def f(x):
    return entropy(x)
f_inputs = (torch.tensor([0.0, 0.5, 0.5]),)
""",
    ),
}  # fmt: skip

TENSORFLOW = {
    "stopped": (
        "none", "stop_gradient",
        """\
import tensorflow as tf
def f(x):
    p = tf.sigmoid(x)
    q = tf.stop_gradient(p)  # <- here
    return tf.reduce_sum(q * 2)
""",
    ),
    "numpy": (
        "none", "numpy",
        """\
import tensorflow as tf
def double(x):
    return tf.constant(2 * x.numpy())  # <- here
def f(x):
    return tf.reduce_sum(double(x))
""",
    ),
    "a part alone": (
        "cut", "stop_gradient",
        """\
import tensorflow as tf
def f(x):
    y = tf.stop_gradient(x**2) + x  # <- here
    return tf.reduce_sum(y)
""",
    ),
    "a norm at 0": (
        "nan", "norm_of_zero",
        """\
import tensorflow as tf
def f(x):
    return tf.norm(x)  # <- here
f_inputs = (tf.zeros(3),)
""",
    ),
    "a logarithm of 0": (
        "nan", "log_of_zero",
        """\
import tensorflow as tf
def entropy(p):
    return -tf.reduce_sum(p * tf.math.log(p))  # <- here
def f(x):
    return entropy(x)
f_inputs = (tf.constant([0.0, 0.5, 0.5]),)
""",
    ),
    "a logarithm of 0 in what is compiled": (
        "nan", "log_of_zero",
        """\
import tensorflow as tf
@tf.function
def f(x):
    p = tf.nn.relu(x)
    return -tf.reduce_sum(p * tf.math.log(p))  # <- here
f_inputs = (tf.constant([0.0, 0.5, 0.5]),)
""",
    ),
    "stopped in what is compiled and called": (
        "none", "stop_gradient",
        """\
import tensorflow as tf
@tf.function
def inner(x):
    y = x * 2.0
    return tf.stop_gradient(y)  # <- here
def f(x):
    return tf.reduce_sum(inner(x))
""",
    ),
}  # fmt: skip

HEALTHY = {
    "torch": """\
import torch
def f(x):
    with torch.no_grad():
        scale = torch.ones(3, dtype=x.dtype)
    return (torch.sigmoid(x) * scale.detach()).sum()
""",
    "tensorflow": """\
import tensorflow as tf
def f(x):
    scale = tf.stop_gradient(tf.ones(3, x.dtype))
    return tf.reduce_sum(tf.sigmoid(x) * scale)
""",
}
PLANTED = [("torch", name) for name in TORCH] + [("tensorflow", name) for name in TENSORFLOW]


Asked = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def records(tmp_path: Path, cli: Callable[..., Any]) -> Asked:
    """records(text, *options): what is found on ``f`` in a file of that text, by the warm witnesses."""

    def run(text: str, *options: str) -> list[dict[str, Any]]:
        path = tmp_path / "ops.py"
        path.write_text(text, encoding="utf-8")
        found = cli("check", f"{path}:f", "--format", "json", *options).json
        return found if isinstance(found, list) else [found]

    return run


@pytest.fixture
def causes(records: Asked) -> Asked:
    """Those of every finding."""
    return lambda *asked: [one["cause"] for record in records(*asked) for one in record["findings"] if "cause" in one]


@pytest.mark.parametrize(("framework", "name"), PLANTED)
def test_the_kind_and_the_line(causes: Asked, framework: str, name: str) -> None:
    fate, kind, text = (TORCH if framework == "torch" else TENSORFLOW)[name]
    number = next(place for place, line in enumerate(text.splitlines(), 1) if "# <- here" in line)
    (found,) = causes(text, "--framework", framework)
    assert found["fate"] in ({"nan", "inf"} if fate == "nan" else {fate})
    assert (found["kind"], found["line"]["source"]) == (kind, f"ops.py:{number}")
    assert found["parameters"] in (["x"], [])


@pytest.mark.parametrize("framework", HEALTHY)
def test_where_all_is_in_order_nothing_is_blamed(causes: Asked, framework: str) -> None:
    assert causes(HEALTHY[framework], "--framework", framework) == []


def test_what_is_compiled_is_looked_at_line_by_line_and_a_note_says_so(records: Asked) -> None:
    """And behind it everything is compiled again: the same process is asked."""
    _, _, text = TENSORFLOW["a logarithm of 0 in what is compiled"]
    (record,) = records(text, "--framework", "tensorflow")
    assert [one for one in record["callable"]["notes"] if "eagerly, line by line" in one]
    plain = TENSORFLOW["a logarithm of 0"][2]
    assert "eagerly" not in json.dumps(records(plain, "--framework", "tensorflow"))
