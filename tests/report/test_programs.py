"""The two programs as text: what a textbook would print, in any terminal, whatever the variables are called."""

from __future__ import annotations

import ast
import io
import re
from typing import Any

import pytest

from gradtool.evidence import Request
from gradtool.problem import ProblemError
from gradtool.report.programs.names import Names
from gradtool.report.programs.pair import MOST_NUMBERS, markdown, programs, write
from gradtool.terminal import Terminal
from gradtool.values import Array

TORCH = """\
import torch

x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
y = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)

f = x**2 * torch.sin(y)
f.backward()

print("f =", f.item())
print("df/dx =", x.grad.item())
print("df/dy =", y.grad.item())
"""
TENSORFLOW = """\
import tensorflow as tf

x = tf.Variable(2.0, dtype=tf.float64)
y = tf.Variable(3.0, dtype=tf.float64)

with tf.GradientTape() as tape:
    f = x**2 * tf.sin(y)
df_dx, df_dy = tape.gradient(f, [x, y])

print("f =", f.numpy())
print("df/dx =", df_dx.numpy())
print("df/dy =", df_dy.numpy())
"""
PAIR = {"torch": TORCH, "tensorflow": TENSORFLOW}


def asked(expression: str, point: dict[str, Any], **cells: Any) -> dict[str, str]:
    values = {name: Array.of((len(v),), v) if isinstance(v, list) else v for name, v in point.items()}
    return programs(Request(0, expression, values, cells.pop("wrt", list(point)), "torch", **cells))


def value_line(expression: str, framework: str, **point: Any) -> str:
    """What stands behind ``f = ``."""
    lines = asked(expression, point)[framework].splitlines()
    return next(line.strip().removeprefix("f = ") for line in lines if line.strip().startswith("f = "))


def test_the_programs_are_those_of_a_textbook() -> None:
    assert asked("x**2*sin(y)", {"x": 2.0, "y": 3.0}) == PAIR


@pytest.mark.parametrize(
    ("expression", "torch", "tensorflow"),
    [
        ("-x**2 + y*z", "-x**2 + y * z", "-x**2 + y * z"),
        ("(-x)**2 + y*z", "(-x)**2 + y * z", "(-x)**2 + y * z"),
        ("x - (y - z)", "x - (y - z)", "x - (y - z)"),
        ("(x - y) - z", "x - y - z", "x - y - z"),
        ("x*(y/z)", "x * (y / z)", "x * (y / z)"),
        ("(x + y)*z", "(x + y) * z", "(x + y) * z"),
        ("x**y**z", "x**y**z", "x**y**z"),
        ("(x**y)**z", "(x**y)**z", "(x**y)**z"),
        ("x**-2 + 0*y*z", "x**(-2) + 0 * y * z", "x**(-2) + 0 * y * z"),
        ("x % y + 0*z", "x % y + 0 * z", "x % y + 0 * z"),
        ("2 % x + y*z", "torch.tensor(2, dtype=torch.float64) % x + y * z", "2 % x + y * z"),
        ("-(-x) + y*z", "-(-x) + y * z", "-(-x) + y * z"),
        ("x // y + z", "torch.floor(x / y) + z", "x // y + z"),
        ("x + 0.1*y/3*z", "x + 0.1 * y / 3 * z", "x + 0.1 * y / 3 * z"),
        ("x*y*z/sqrt(2*pi)", "x * y * z / math.sqrt(2 * math.pi)", "x * y * z / math.sqrt(2 * math.pi)"),
        ("where(x > y and not y > z, x, 0)", "torch.where((x > y) & ~(y > z), x, 0)",
         "tf.where((x > y) & ~(y > z), x, 0)"),
        ("where(x > y or y > z, 1, z)", "torch.where((x > y) | (y > z), 1, z)", "tf.where((x > y) | (y > z), 1, z)"),
        ("max(x, 0) + y + z", "torch.maximum(x, torch.tensor(0, dtype=torch.float64)) + y + z",
         "tf.maximum(x, 0) + y + z"),
        ("clip(x, -1, 1)*y*z", "torch.clamp(x, -1, 1) * y * z", "tf.clip_by_value(x, -1, 1) * y * z"),
    ],
)  # fmt: skip
def test_operators_stand_where_they_belong(expression: str, torch: str, tensorflow: str) -> None:
    point = {"x": 2.0, "y": 3.0, "z": 4.0}
    assert value_line(expression, "torch", **point) == torch
    assert value_line(expression, "tensorflow", **point) == tensorflow


def test_a_choice_between_two_numbers_has_the_dtype_of_the_point() -> None:
    """Of two of Python's numbers both frameworks would make float32."""
    point = {"x": 2.0}
    wanted = "torch.where(x > 0, torch.tensor(0.1, dtype=torch.float64), 2)"
    assert value_line("where(x > 0, 0.1, 2)", "torch", **point) == wanted
    wanted = "tf.where(x > 0, tf.constant(0.1, dtype=tf.float64), 2)"
    assert value_line("where(x > 0, 0.1, 2)", "tensorflow", **point) == wanted


def test_arrays_are_written_with_the_options_that_matter_only() -> None:
    x = {"x": [1.0, 2.0, 3.0]}
    for expression, torch, tensorflow in [
        ("sum(x**2)", "torch.sum(x**2)", "tf.reduce_sum(x**2)"),
        ("sum(x, axis=0)", "torch.sum(x, dim=0)", "tf.reduce_sum(x, axis=0)"),
        ("sum(x, keepdims=True)", "torch.sum(x, dim=0, keepdim=True)", "tf.reduce_sum(x, keepdims=True)"),
        ("prod(x)", "torch.prod(x)", "tf.reduce_prod(x)"),
        ("logsumexp(x)", "torch.logsumexp(x, dim=0)", "tf.reduce_logsumexp(x)"),
        ("softmax(x)", "torch.softmax(x, dim=-1)", "tf.nn.softmax(x, axis=-1)"),
        ("x[::2]", "x[::2]", "x[::2]"),
        ("x[:, None]*x", "x[:, None] * x", "x[:, None] * x"),
        ("x @ x", "x @ x", "tf.experimental.numpy.matmul(x, x)"),
        ("std(x, ddof=1)", "torch.std(x, correction=1)", None),
        ("var(x)", "torch.var(x, correction=0)", "tf.reduce_sum((x - tf.reduce_mean(x, keepdims=True))**2) / 3"),
    ]:
        assert value_line(expression, "torch", **x) == torch
        assert tensorflow is None or value_line(expression, "tensorflow", **x) == tensorflow


def test_names_that_python_or_the_program_needs_are_left_to_them() -> None:
    names = {"torch": 1.0, "tf": 2.0, "math": 3.0, "tape": 4.0, "f": 5.0, "x1": 6.0, "df_dx1": 7.0, "u": 8.0}
    for text in asked("sin(torch*pi)*tf*math*tape*f*x1*df_dx1*u", names).values():
        assert "torch_ = " in text
        assert "tf_ = " in text
        assert "math_ = " in text
        assert "value = " in text  # f is the user's
        assigned = [target.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assign)
                    for target in node.targets if isinstance(target, ast.Name)]  # fmt: skip
        assert len(assigned) == len(set(assigned)), text


def test_a_keyword_can_be_a_variable() -> None:
    """Python's parser keeps ``lambda`` from expressions; soft keywords are names."""
    names = Names(["lambda", "lambda_", "match"])
    assert names.variables == {"lambda": "lambda_1", "lambda_": "lambda_", "match": "match"}
    assert names.fresh("match", "u") == "u"


def test_a_power_that_no_computer_could_hold_is_left_to_the_tensor() -> None:
    """Python would work at 9**9**9 for ever, and tensors take no whole number beyond 2**63."""
    line = value_line("x*9**9**9", "torch", x=1.0)
    assert line == "x * torch.tensor(9, dtype=torch.float64)**9**9"
    assert value_line("x*10**30", "tensorflow", x=1.0) == "x * 1e+30"
    assert value_line("x*(0*x + 1/0)", "torch", x=1.0).endswith("torch.tensor(1, dtype=torch.float64) / 0)")
    line = value_line("x*(-8)**(1/3)", "torch", x=1.0)  # a complex number in Python
    assert line == "x * torch.tensor(-8, dtype=torch.float64)**(1 / 3)"


def test_a_long_expression_is_taken_apart_and_a_long_list_is_broken() -> None:
    terms = " + ".join(f"sin({number}*x)*exp(-y/{number})" for number in range(1, 30))
    z = [0.1 * number for number in range(60)]
    for text in asked(f"{terms} + sum(z)", {"x": 0.5, "y": 2.0, "z": z}, wrt=["x"]).values():
        assert max(map(len, text.splitlines())) <= 88
        ast.parse(text)


def test_what_no_gradient_reaches_is_said() -> None:
    both = asked("floor(x) + where(y > 0, 1, 2)", {"x": 1.5, "y": 2.0})
    assert 'print("df/dx =", x.grad.item())\n' in both["torch"]  # PyTorch hands back zeros
    assert 'print("df/dy =", y.grad)  # no path from it to the value' in both["torch"]
    assert 'print("df/dx =", df_dx)  # no gradient flows back to it' in both["tensorflow"]
    alone = asked("where(x > 0, 1, 2)", {"x": 1.5})
    assert "\nf.backward()" not in alone["torch"]


def test_a_point_too_large_to_be_printed_is_refused() -> None:
    with pytest.raises(ProblemError, match="1001 numbers"):
        asked("sum(x)", {"x": [1.0] * (MOST_NUMBERS + 1)})


# ---- how they are told


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO, width: int, *, colour: bool = False) -> str:
    write(PAIR, Terminal(stream, width, colour, unicode=True))
    return stream.getvalue()


def test_below_each_other_where_it_is_narrow_or_no_terminal() -> None:
    stacked = f"# PyTorch\n{TORCH}\n# TensorFlow\n{TENSORFLOW}"
    assert told(_Tty(), 80) == stacked
    assert told(_Tty(), 20) == stacked  # a line is never cut
    assert told(io.StringIO(), 200) == stacked  # a pipe
    ast.parse(stacked)


def test_side_by_side_where_both_fit() -> None:
    lines = told(_Tty(), 120).splitlines()
    gap = lines[0].index("TensorFlow")
    assert lines[0].startswith("PyTorch ")
    assert "\n".join(line[:gap].rstrip() for line in lines[2:]).rstrip() + "\n" == TORCH
    assert "\n".join(line[gap:].rstrip() for line in lines[2:]).rstrip() + "\n" == TENSORFLOW
    assert max(map(len, lines)) <= 120


def test_colour_changes_no_text() -> None:
    coloured = told(_Tty(), 120, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == told(_Tty(), 120)


def test_markdown_is_two_fenced_blocks() -> None:
    text = markdown(PAIR)
    assert text.split("```python\n")[1].split("```")[0] == TORCH
    assert text.split("```python\n")[2].split("```")[0] == TENSORFLOW
    assert text.count("```") == 4
