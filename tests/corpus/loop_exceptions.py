"""Exceptions of automatic differentiation, each with a part of its remedy and a program that is right."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EXCEPTIONS", "Raising"]

STARTS = {
    "torch": """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.05)
x, y = torch.randn(64, 4), torch.randn(64, 1)
""",
    "tensorflow": """
import keras
import tensorflow as tf
keras.utils.set_random_seed(0)
net = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
opt = keras.optimizers.SGD(0.005)
x, y = tf.random.normal((64, 4)), tf.random.normal((64, 1))
weights = net.trainable_variables
def loss_of():
    return tf.reduce_mean((net(x) - y) ** 2)
""",
}


@dataclass(frozen=True)
class Raising:
    """``faulty`` raises ``error`` on the line ``# <- here``, and ``remedy`` is a part of what to do; ``healthy`` is
    the same program, mended by it."""

    framework: str
    name: str
    error: str
    remedy: str
    faulty: str
    healthy: str

    def text(self, *, faulty: bool) -> str:
        """The program."""
        return STARTS[self.framework] + (self.faulty if faulty else self.healthy)

    def line(self, mark: str = "# <- here") -> str:
        """Where it raises, or where another ``mark`` is; empty where that is nowhere."""
        lines = self.text(faulty=True).splitlines()
        return next((f"model.py:{number}" for number, text in enumerate(lines, 1) if mark in text), "")


def _torch(name: str, error: str, remedy: str, faulty: str, healthy: str) -> Raising:
    return Raising("torch", name, error, remedy, faulty, healthy)


def _tf(name: str, error: str, remedy: str, faulty: str, healthy: str) -> Raising:
    return Raising("tensorflow", name, error, remedy, faulty, healthy)


TAPE = "with tf.GradientTape() as tape:\n    loss = loss_of()\n"
STEP = "opt.apply_gradients(zip(tape.gradient(loss, weights), weights))\n"

EXCEPTIONS = [
    _torch(
        "a_loss_that_goes_backward_twice", "second time", "detach what one iteration",
        "loss = (net(x) - y).pow(2).mean()\nloss.backward()\nloss.backward()  # <- here\n",
        "loss = (net(x) - y).pow(2).mean()\nloss.backward()\nopt.step()\n",
    ),
    _torch(
        "a_running_sum", "second time", "total += loss.detach()",
        """total = 0
for _ in range(3):
    opt.zero_grad()
    total = total + (net(x) - y).pow(2).mean()
    total.backward()  # <- here
    opt.step()
""",
        """total = 0
for _ in range(3):
    opt.zero_grad()
    loss = (net(x) - y).pow(2).mean()
    loss.backward()
    total += loss.detach()
    opt.step()
""",
    ),
    _torch(
        "a_loss_of_many_numbers", "scalar outputs", ".mean() or .sum()",
        "loss = (net(x) - y).pow(2)\nloss.backward()  # <- here\n",
        "loss = (net(x) - y).pow(2)\nloss.backward(torch.full_like(loss, 1 / 64))\nopt.step()\n",
    ),
    _torch(
        "a_float", "no attribute 'backward'", "until it goes backward",
        "loss = float((net(x) - y).pow(2).mean())\nloss.backward()  # <- here\n",
        "loss = (net(x) - y).pow(2).mean()\nloss.backward()\nfloat(loss)\nopt.step()\n",
    ),
    _torch(
        "an_item", "no attribute 'backward'", "until it goes backward",
        "loss = (net(x) - y).pow(2).mean().item()\nloss.backward()  # <- here\n",
        "loss = (net(x) - y).pow(2).mean()\nloss.backward()\nloss.item()\nopt.step()\n",
    ),
    _torch(
        "an_array", "Can't call numpy()", "x.detach().numpy()",
        "loss = (net(x).numpy() ** 2).mean()  # <- here\n",
        "out = net(x)\nout.detach().numpy()\n(out - y).pow(2).mean().backward()\nopt.step()\n",
    ),
    _torch(
        "a_sum_in_place", "inplace operation", "x = x + y",
        """hidden = net[1](net[0](x))
hidden += 1  # changed
loss = (net[2](hidden) - y).pow(2).mean()
loss.backward()  # <- here
""",
        """hidden = net[1](net[0](x))
hidden = hidden + 1
loss = (net[2](hidden) - y).pow(2).mean()
loss.backward()
opt.step()
""",
    ),
    _torch(
        "a_relu_in_place", "inplace operation", "no inplace=True",
        """hidden = torch.sigmoid(net[0](x))
hidden = nn.functional.relu(hidden, inplace=True)  # changed
loss = (net[2](hidden) - y).pow(2).mean()
loss.backward()  # <- here
""",
        """hidden = nn.functional.relu(net[0](x), inplace=True)
loss = (net[2](hidden) - y).pow(2).mean()
loss.backward()
opt.step()
""",
    ),
    _torch(
        "a_column_in_place", "inplace operation", "compute a new tensor",
        """hidden = torch.exp(net[0](x))
other = torch.tanh(net[0](x))
other[:, 0] *= 1.0 + hidden.detach()[:, 0]  # changed
loss = (net[2](hidden + other) - y).pow(2).mean()
loss.backward()  # <- here
""",
        """hidden = torch.exp(net[0](x))
loss = (net[2](hidden * (torch.arange(8) > 0)) - y).pow(2).mean()
loss.backward()
opt.step()
""",
    ),
    _torch(
        "a_step_before_the_other_model_goes_backward", "inplace operation", "behind every backward pass",
        """judge = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1))
other = torch.optim.SGD(judge.parameters(), lr=0.1)
fake = net(x)
one, two = judge(fake.detach()).mean(), -judge(fake).mean()
one.backward()
other.step()  # changed
two.backward()  # <- here
""",
        """judge = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1))
other = torch.optim.SGD(judge.parameters(), lr=0.1)
fake = net(x)
judge(fake.detach()).mean().backward()
other.step()
(-judge(fake).mean()).backward()
opt.step()
""",
    ),
    _torch(
        "a_leaf_in_place", "leaf Variable", "torch.no_grad()",
        "w = torch.ones(4, 1, requires_grad=True)\n(x @ w).pow(2).mean().backward()\nw -= 0.1 * w.grad  # <- here\n",
        """w = torch.ones(4, 1, requires_grad=True)
(x @ w - y).pow(2).mean().backward()
with torch.no_grad():
    w -= 0.1 * w.grad
""",
    ),
    _torch(
        "a_parameter_that_is_no_leaf", "non-leaf", "nn.Parameter(",
        "w = torch.ones(4, 1, requires_grad=True) * 0.1\nopt = torch.optim.SGD([w], lr=0.1)  # <- here\n",
        """w = nn.Parameter(torch.ones(4, 1) * 0.1)
opt = torch.optim.SGD([w], lr=0.1)
(x @ w - y).pow(2).mean().backward()
opt.step()
""",
    ),
    _torch(
        "a_gradient_by_integers", "floating point", "torch.tensor([1.0, 2.0])",
        "w = torch.tensor([1, 2, 3, 4], requires_grad=True)  # <- here\n",
        "w = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)\n(x @ w).pow(2).mean().backward()\n",
    ),
    _torch(
        "an_optimizer_of_nothing", "empty parameter list", "nn.ModuleList",
        "weights = net.parameters()\nlist(weights)\nopt = torch.optim.SGD(weights, lr=0.1)  # <- here\n",
        "opt = torch.optim.SGD(net.parameters(), lr=0.1)\nnet(x).mean().backward()\nopt.step()\n",
    ),
    _torch(
        "an_input_of_another_graph", "to not have been used", "allow_unused=True",
        "w = torch.ones(3, requires_grad=True)\ntorch.autograd.grad(net(x).mean(), [w])  # <- here\n",
        "torch.autograd.grad(net(x).mean(), list(net.parameters()))\n",
    ),
    _torch(
        "inference_mode", "Inference tensors", "torch.no_grad()",
        "with torch.inference_mode():\n    hidden = net[:2](x)\nnet[2](hidden).mean().backward()  # <- here\n",
        "hidden = net[:2](x)\nnet[2](hidden).mean().backward()\nopt.step()\n",
    ),
    _torch(
        "a_custom_backward_that_returns_too_little", "incorrect number of gradients", "one gradient for each argument",
        """class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(b)
        return a * b
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]
Product.apply(net(x), y).mean().backward()  # <- here
""",
        """class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(b)
        return a * b
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0], None
Product.apply(net(x), y).mean().backward()
opt.step()
""",
    ),
    _torch(
        "a_scaler_that_unscales_twice", "already been called", "once in each step",
        """scaler = torch.amp.GradScaler("cpu")
scaler.scale((net(x) - y).pow(2).mean()).backward()
scaler.unscale_(opt)
scaler.unscale_(opt)  # <- here
""",
        """scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
scaler.scale((net(x) - y).pow(2).mean()).backward()
scaler.unscale_(opt)
scaler.step(opt)
scaler.update()
""",
    ),
    _torch(
        "a_scaler_that_has_scaled_nothing", "_scale is None", "scaler.scale(loss)",
        'scaler = torch.amp.GradScaler("cpu")\n(net(x) - y).pow(2).mean().backward()\nscaler.step(opt)  # <- here\n',
        """scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
scaler.scale((net(x) - y).pow(2).mean()).backward()
scaler.step(opt)
scaler.update()
""",
    ),
    _tf(
        "a_penalty_of_a_gradient_by_what_is_not_watched", "(None)", "tape.watch(x)",
        """
with tf.GradientTape() as tape:
    with tf.GradientTape() as inner:
        out = net(x)
    slope = inner.gradient(out, x)
    loss = loss_of() + tf.reduce_mean((tf.norm(slope, axis=1) - 1.0) ** 2)  # <- here
"""
        + STEP,
        """
with tf.GradientTape() as tape:
    with tf.GradientTape() as inner:
        inner.watch(x)
        out = net(x)
    slope = inner.gradient(out, x)
    loss = loss_of() + tf.reduce_mean((tf.norm(slope, axis=1) - 1.0) ** 2)
"""
        + STEP,
    ),
    _tf(
        "a_tape_that_is_asked_twice", "non-persistent", "once, for all variables",
        TAPE + "one = tape.gradient(loss, weights[:2])\ntwo = tape.gradient(loss, weights[2:])  # <- here\n",
        TAPE.replace("Tape()", "Tape(persistent=True)")
        + "pairs = [(tape.gradient(loss, one), one) for one in weights]\nopt.apply_gradients(pairs)\n",
    ),
    _tf(
        "a_tape_that_is_never_entered", "non-persistent", "inside with tf.GradientTape() as tape:",
        "tape = tf.GradientTape()\nloss = loss_of()\ntape.gradient(loss, weights)  # <- here\n",
        "tape = tf.GradientTape()\nfor _ in range(2):\n    with tape:\n        loss = loss_of()\n    "
        "found = tape.gradient(loss, weights)\n    opt.apply_gradients(zip(found, weights))\n",
    ),
    _tf(
        "pairs_the_wrong_way_round", "_unique_id", "zip(gradients, variables)",
        TAPE + "opt.apply_gradients(zip(weights, tape.gradient(loss, weights)))  # <- here\n",
        TAPE + STEP,
    ),
    _tf(
        "the_optimizer_of_another_model", "Unknown variable", "for each model",
        "other = keras.models.clone_model(net)\nopt.build(other.trainable_variables)\n"
        + TAPE + STEP.replace("\n", "  # <- here\n"),
        "other = keras.models.clone_model(net)\nopt.build(net.trainable_variables)\n" + TAPE + STEP,
    ),
    _tf(
        "a_float", "type_value", "until it goes backward",
        "with tf.GradientTape() as tape:\n    loss = float(loss_of())\ntape.gradient(loss, weights)  # <- here\n",
        TAPE + "float(loss)\n" + STEP,
    ),
    _tf(
        "an_array", "no attribute '_id'", "until it goes backward",
        TAPE + "tape.gradient(loss.numpy(), weights)  # <- here\n",
        TAPE + "loss.numpy()\n" + STEP,
    ),
    _tf(
        "the_call_of_pytorch", "no attribute 'backward'", "TensorFlow has no backward()",
        TAPE + "loss.backward()  # <- here\n",
        TAPE + STEP,
    ),
    _tf(
        "the_call_of_keras_2", "no attribute 'minimize'", "apply_gradients()",
        "opt.minimize(loss_of, weights)  # <- here\n",
        TAPE + STEP,
    ),
]  # fmt: skip
"""One row for each exception."""
