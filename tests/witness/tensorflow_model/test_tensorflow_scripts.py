"""Unmodified training scripts: their own data, loss and optimizer, up to the first step."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.evidence import Training
from gradtool.verdict.flow.depth import profile_of
from gradtool.verdict.flow.judgement import judge

FIT = """
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(3)
x, y = np.random.rand(64, 4).astype("float32"), np.random.randint(0, 2, (64, 1))
net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"),
    keras.layers.Dense(1, activation="sigmoid")])
net.compile(optimizer=keras.optimizers.Adam(3e-4), loss="binary_crossentropy", metrics=["accuracy"])
"""
CALLS = {
    "net.fit(x, y, batch_size=16, epochs=2, shuffle=False)": 16,
    "net.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(8), epochs=1)": 8,
    "net.fit(((x[i:i + 4], y[i:i + 4]) for i in range(0, 64, 4)), steps_per_epoch=2)": 4,
    "net.train_on_batch(x[:10], y[:10])": 10,
}


@pytest.mark.parametrize("call", CALLS)
def test_the_first_batch_of_a_fit_is_looked_at(file: Any, truth: str, call: str) -> None:
    count = CALLS[call]
    own = f"truth(lambda: keras.losses.BinaryCrossentropy()(y[:{count}], net(x[:{count}])), net.trainable_variables)\n"
    file.evidence(truth + FIT + own, name="net")  # by name, the file's own tapes are not looked at
    evidence = file.evidence(FIT + call + "\nraise SystemExit('trained to the end')\n")
    assert (evidence.route, evidence.model, evidence.batch) == ("script", "net", count)
    assert (evidence.optimizer.kind, evidence.optimizer.rate) == ("Adam", 3e-4)
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-4)
    assert (evidence.head.activation, evidence.head.classes) == ("sigmoid", 2)
    assert evidence.descent.after < evidence.descent.before


def test_sample_weights_count(file: Any) -> None:
    whole = file.evidence(FIT + "net.fit(x, y, batch_size=64, shuffle=False)")
    double = file.evidence(FIT + "net.fit(x, y, batch_size=64, shuffle=False, sample_weight=np.full(64, 2.0))")
    assert double.norm == pytest.approx(2 * whole.norm, rel=1e-5)


def test_a_fit_for_some_steps_shows_each(file: Any) -> None:
    evidence = file.evidence(FIT + "net.fit(x, y, batch_size=16, epochs=2, verbose=0)", training=Training(3))
    assert [step.step for step in evidence.steps] == [1, 2, 3]
    assert all(step.norm > 0 for step in evidence.steps)


@pytest.mark.parametrize("steps", [0, 3])
def test_clipping_is_shown_of_the_first_step(file: Any, steps: int) -> None:
    training = Training(steps) if steps else None
    evidence = file.evidence(FIT + "net.fit(x, y, batch_size=16, verbose=0)", clip=1e-2, training=training)
    assert evidence.clipped.before == evidence.norm
    assert evidence.clipped.after == pytest.approx(1e-2)
    assert evidence.clipped.own == pytest.approx(1e-2, rel=1e-4)
    assert all(step.norm > 1e-2 and step.clipped is None for step in evidence.steps)
    told = "--clip shows what clipping would do; the script's own steps are not clipped by it"
    assert (told in evidence.notes) is bool(steps)


LOOP = """
import keras
import tensorflow as tf

keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
optimizer = keras.optimizers.Adam(1e-3)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
x, y = tf.random.normal((16, 4)), tf.random.uniform((16,), 0, 3, tf.int32)
"""
OWN = "truth(lambda: loss_fn(y, model(x)), model.trainable_variables)"
STEP = """
def step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y, model(x, training=True))
    grads = tape.gradient(loss, model.trainable_variables)
    grads, _ = tf.clip_by_global_norm(grads, 1e-3)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return loss

for _ in range(3):
    step(x, y)
raise SystemExit("trained to the end")
"""


@pytest.mark.parametrize("decorator", ["", "@tf.function"])
def test_a_loop_with_a_tape_is_seen_before_it_clips(file: Any, truth: str, decorator: str) -> None:
    file.evidence(truth + LOOP + OWN, name="model")
    evidence = file.evidence(LOOP + decorator + STEP)
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-5)
    assert evidence.norm == pytest.approx(told["global"], rel=1e-5)
    assert evidence.loss.value == pytest.approx(told["loss"], rel=1e-5)
    assert evidence.loss.source.startswith("model.py:")
    assert [layer.kind for layer in evidence.layers][:2] == ["Dense", "Dense"]
    assert all(layer.gradient > 0 for layer in evidence.layers)
    assert all(p.group == 0 and p.rate == 1e-3 for p in evidence.parameters)
    assert bool(evidence.notes) is bool(decorator)


def test_a_variable_that_the_optimizer_is_not_given(file: Any) -> None:
    text = (LOOP + STEP).replace("model.trainable_variables))", "model.trainable_variables[:2]))")
    evidence = file.evidence(text.replace("loss, model.trainable_variables", "loss, model.trainable_variables[:2]"))
    assert [p.group for p in evidence.parameters] == [0, 0, None, None]
    assert [p.gradient is None for p in evidence.parameters] == [False, False, True, True]


def test_bare_variables_updated_by_hand(file: Any) -> None:
    text = """
        import tensorflow as tf
        w, b = tf.Variable([[10.0], [10.0]]), tf.Variable(0.0)
        x, y = tf.constant([[10.0, 10], [5, 5], [-10, -10]]), tf.constant([[1.0], [0.5], [-1.0]])
        for i in range(5):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((x @ w + b - y) ** 2)
            dw, db = tape.gradient(loss, [w, b])
            w.assign_sub(0.1 * dw)
            b.assign_sub(0.1 * db)
    """
    evidence = file.evidence(text)
    assert [p.name for p in evidence.parameters] == ["w", "b"]
    assert evidence.loss.value == pytest.approx(29700.75)
    assert evidence.norm == pytest.approx(4221.95, rel=1e-4)
    several = file.evidence(text, training=Training(5))
    assert [step.norm for step in several.steps] == pytest.approx(
        [4221.95, 122468, 3.5525e6, 1.0305e8, 2.9892e9], rel=1e-3
    )


@pytest.mark.parametrize(
    ("loss", "told"),
    [("v + tf.sqrt(w)", ["", "w", "w"]), ("v * w", ["", "", ""]), ("v + tf.sqrt(w - 4)", ["w", "w", "w"])],
)
def test_a_step_of_a_script_whose_gradient_is_not_finite_names_the_parameter(file: Any, loss: str, told: Any) -> None:
    """From w = 4 the steps go to -4, where a square root has no gradient; that of 0 has an infinite one."""
    text = f"""
        import tensorflow as tf
        v, w = tf.Variable(1.0), tf.Variable(4.0)
        for _ in range(5):
            with tf.GradientTape() as tape:
                loss = {loss}
            tape.gradient(loss, [v, w])
            w.assign_sub(8.0)
    """
    evidence = file.evidence(text, training=Training(3))
    assert [step.nonfinite for step in evidence.steps] == told


def test_several_losses_before_one_step_count_together(file: Any) -> None:
    evidence = file.evidence("""
        import keras, tensorflow as tf
        w = tf.Variable([1.0, 2.0])
        optimizer = keras.optimizers.SGD(0.1)
        grads = []
        for part in (3.0, 4.0):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(part * w)
            grads.append(tape.gradient(loss, w))
        optimizer.apply_gradients([(grads[0] + grads[1], w)])
    """)
    assert evidence.norm == pytest.approx(7 * 2**0.5)
    assert evidence.loss.value == pytest.approx(21.0)


def test_a_train_step_of_its_own(file: Any) -> None:
    evidence = file.evidence("""
        import keras, tensorflow as tf
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(1)
            def call(self, x):
                return self.dense(x)
            def train_step(self, data):
                x, y = data
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
                grads = tape.gradient(loss, self.trainable_variables)
                self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
                return {"loss": loss}
        if __name__ == "__main__":
            net = Net()
            net.compile("sgd")
            net.fit(tf.random.normal((32, 3)), tf.random.normal((32, 1)), batch_size=16)
    """)
    assert (evidence.model, evidence.kind, evidence.loss.source) == ("net", "Net", "model.py:13")
    assert evidence.optimizer.kind == "SGD"
    assert evidence.batch == 16


def test_gradient_inside_the_tape_and_second_derivatives_still_work(file: Any) -> None:
    evidence = file.evidence("""
        import tensorflow as tf
        w = tf.Variable(3.0)
        with tf.GradientTape() as tape:
            x = tf.constant(2.0)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = w * x ** 3
                slope = inner.gradient(value, x)
            loss = value + slope ** 2
            (g,) = tape.gradient(loss, [w])
        w.assign_sub(0.1 * g)
    """)
    # d(8 w + (12 w)^2)/dw at 3
    assert evidence.norm == pytest.approx(8 + 2 * 144 * 3)


ADVERSARIAL = """
import keras
import tensorflow as tf

make = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
judge = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8), keras.layers.LeakyReLU(), keras.layers.Dense(1)])
loss = keras.losses.BinaryCrossentropy(from_logits=True)
first, second = keras.optimizers.Adam(1e-4), keras.optimizers.SGD(1e-2)
real, noise = tf.random.normal((16, 2)), tf.random.normal((16, 4))
"""


def test_two_models_with_an_optimizer_each(file: Any) -> None:
    evidence = file.evidence(
        ADVERSARIAL
        + """
with tf.GradientTape() as one, tf.GradientTape() as other:
    fake = make(noise, training=True)
    good, bad = judge(real), judge(fake)
    fooled = loss(tf.ones_like(bad), bad)
    told = loss(tf.ones_like(good), good) + loss(tf.zeros_like(bad), bad)
first.apply_gradients(zip(one.gradient(fooled, make.trainable_variables), make.trainable_variables))
second.apply_gradients(zip(other.gradient(told, judge.trainable_variables), judge.trainable_variables))
"""
    )
    assert evidence.model == "make"
    assert all(p.gradient is not None and p.group == 0 for p in evidence.parameters)
    assert evidence.notes == ["judge ran too; no gradient by its variables is asked for in model.py:16"]
    both = file.evidence(
        ADVERSARIAL
        + """
with tf.GradientTape() as one, tf.GradientTape() as other:
    fake = make(noise, training=True)
    bad = judge(fake)
    fooled, told = loss(tf.ones_like(bad), bad), loss(tf.zeros_like(bad), bad)
mine, theirs = one.gradient(fooled, make.trainable_variables), other.gradient(told, judge.trainable_variables)
first.apply_gradients(zip(mine, make.trainable_variables))
second.apply_gradients(zip(theirs, judge.trainable_variables))
raise SystemExit("too far")
"""
    )
    assert both.model == "make, judge"
    assert (both.notes, both.loss.how) == ([], "the file's own, sum of 2 losses")
    assert [p.group for p in both.parameters] == [0] * 4 + [1] * 4
    assert [p.rate for p in both.parameters] == [1e-4] * 4 + [1e-2] * 4


TARGET = """
import keras
import tensorflow as tf
keras.utils.set_random_seed(2)
def net(out=4):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, activation="relu"), keras.layers.Dense(out)])
online, target, scale = net(), net(), keras.layers.Dense(4, name="scale")
scale.build((None, 4))
target.trainable = {trainable}
scale.trainable = {trainable}
optimizer = keras.optimizers.SGD(0.05)
weights = online.trainable_variables
for _ in range(3):
    x = tf.random.normal((8, 4))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((online(x + 0.1) - tf.stop_gradient(target(x)) - tf.stop_gradient(scale(x))) ** 2)
    optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
"""


def test_a_target_network_that_is_frozen_is_not_missed(file: Any) -> None:
    """Keras keeps ``trainable`` for itself, so the tape watches what is frozen, and the gradient by it is none."""
    evidence = file.evidence(TARGET.format(trainable=False))
    trained = [p for p in evidence.parameters if p.trainable]
    assert (evidence.model, len(trained)) == ("online", 4)
    assert all(p.gradient is not None for p in trained)
    assert [p.name for p in evidence.parameters if not p.trainable] == ["scale/kernel", "scale/bias"]
    assert any(note.startswith("target ran too; no gradient by its variables") for note in evidence.notes)
    assert {row.severity for row in judge(evidence)[0]} <= {"note"}


def test_one_loss_asked_for_twice_counts_once(file: Any) -> None:
    evidence = file.evidence(
        ADVERSARIAL
        + """
with tf.GradientTape(persistent=True) as tape:
    told = tf.reduce_sum(judge(make(tf.ones((2, 4))))) * 0 + 3.0
mine, theirs = tape.gradient(told, make.trainable_variables), tape.gradient(told, judge.trainable_variables)
first.apply_gradients(zip(mine, make.trainable_variables))
second.apply_gradients(zip(theirs, judge.trainable_variables))
"""
    )
    assert (evidence.loss.value, evidence.loss.how) == (3.0, "the file's own")


IN_TURNS = (
    ADVERSARIAL
    + """
class Game(keras.Model):
    def __init__(self):
        super().__init__()
        self.make, self.judge = make, judge
    def train_step(self, real):
        fake = self.make(noise)
        with tf.GradientTape() as tape:
            good, bad = self.judge(real), self.judge(tf.stop_gradient(fake))
            told = loss(tf.ones_like(good), good) + loss(tf.zeros_like(bad), bad)
        found = tape.gradient(told, self.judge.trainable_weights)
        second.apply_gradients(zip(found, self.judge.trainable_weights))
        with tf.GradientTape() as tape:
            fooled = loss(tf.ones((16, 1)), self.judge(self.make(noise)))
        first.apply_gradients(zip(tape.gradient(fooled, self.make.trainable_weights), self.make.trainable_weights))
        return {"loss": told}

game = Game()
game.compile()
game.fit(tf.data.Dataset.from_tensor_slices(tf.random.normal((64, 2))).batch(16), verbose=0)
"""
)


@pytest.mark.parametrize("steps", [0, 4])
@pytest.mark.parametrize("where", ["outside the tape", "inside"])
def test_models_trained_in_turns_inside_a_model(file: Any, steps: int, where: str) -> None:
    text = IN_TURNS if where != "inside" else IN_TURNS.replace("tf.stop_gradient(fake)", "self.make(noise)")
    evidence = file.evidence(text, training=Training(steps) if steps else None)
    line = evidence.loss.source
    assert line == "model.py:20"
    assert evidence.notes[0] == f"make is left out: no gradient by its variables is asked for in {line}"
    assert len(evidence.notes) == (2 if steps else 1)  # and whose steps they are
    assert [p.shape for p in evidence.parameters] == [(2, 8), (8,), (8, 1), (1,)]
    assert all(p.gradient is not None and p.group == 0 for p in evidence.parameters)
    assert [row.value.split()[0] for row in evidence.assumed if row.what == "parameters"] == ["4"]
    assert len(evidence.steps) == steps
    assert all(step.norm > 0 for step in evidence.steps)


def test_a_model_inside_that_the_loss_does_not_reach_is_no_bystander_where_it_is_asked_for(file: Any) -> None:
    text = IN_TURNS.replace("self.judge.trainable_weights", "self.trainable_weights")
    evidence = file.evidence(text)
    assert sum(p.gradient is None for p in evidence.parameters) == 4
    assert evidence.notes == []


def test_layers_without_a_model_keep_their_names(file: Any) -> None:
    evidence = file.evidence("""
        import tensorflow as tf
        layers = [tf.keras.layers.Dense(8, activation="tanh") for _ in range(2)]
        optimizer = tf.keras.optimizers.SGD(0.1)
        with tf.GradientTape() as tape:
            h = tf.ones((8, 4))
            for layer in layers:
                h = layer(h)
            loss = tf.reduce_mean(h)
        variables = [v for layer in layers for v in layer.trainable_variables]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    """)
    assert [p.name for p in evidence.parameters] == ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]
    assert [layer.name for layer in evidence.layers] == ["dense", "dense_1"]
    assert all(p.fan_in for p in evidence.parameters if p.name.endswith("kernel"))


def test_variables_inside_plain_classes_are_named_by_their_attributes(file: Any) -> None:
    evidence = file.evidence("""
        import tensorflow as tf
        class Net:
            def __init__(self):
                self.w, self.more = tf.Variable(tf.ones((3, 4))), {"b": tf.Variable(tf.zeros(4))}
        class Trainer:
            def __init__(self):
                self.net = Net()
            def run(self):
                with tf.GradientTape() as tape:
                    loss = tf.reduce_sum(tf.nn.relu(tf.ones((2, 3)) @ self.net.w + self.net.more["b"]))
                return tape.gradient(loss, [self.net.w, self.net.more["b"]])
        Trainer().run()
    """)
    assert [p.name for p in evidence.parameters] == ["net.w", "net.more['b']"]
    assert [layer.activation for layer in evidence.layers] == ["relu"]


def test_a_watched_tensor_is_a_parameter_too(file: Any) -> None:
    evidence = file.evidence(
        """
        import tensorflow as tf
        x = tf.constant(5.0)
        for _ in range(4):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = (x - 1.0) ** 2
            x = x - 0.1 * tape.gradient(y, x)
        """,
        training=Training(4),
    )
    assert [step.norm for step in evidence.steps] == pytest.approx([8.0 * 0.8**n for n in range(4)])


def test_a_fit_that_asks_to_be_compiled_from_a_data_set_of_keras(file: Any) -> None:
    evidence = file.evidence("""
        import keras, numpy as np
        class Data(keras.utils.PyDataset):
            def __len__(self):
                return 4
            def __getitem__(self, index):
                return np.ones((5, 8, 8, 3), "float32"), np.arange(5) % 2
        m = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
        m.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True)
        m.fit(Data(), epochs=1)
    """)
    assert (evidence.model, evidence.batch, evidence.head.classes) == ("m", 5, 2)


AUTOENCODER = """
import json
import keras
import tensorflow as tf
from keras import layers, ops

keras.utils.set_random_seed(SEED)

class Sampling(layers.Layer):
    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(1337)
    def call(self, inputs):
        mean, variance = inputs
        return mean + ops.exp(0.5 * variance) * keras.random.normal(ops.shape(mean), seed=self.seed_generator)

x = keras.Input((64,))
h = layers.Dense(32, activation="relu")(x)
h = layers.Dense(16, activation="relu")(h)
mean, variance = layers.Dense(2)(h), layers.Dense(2)(h)
encoder = keras.Model(x, [mean, variance, Sampling()([mean, variance])])
z = keras.Input((2,))
h = layers.Dense(3136, activation="relu")(z)
h = layers.Dense(32, activation="relu")(h)
decoder = keras.Model(z, layers.Dense(64)(h))

def loss_of(x, mean, variance, seen):
    error = ops.mean(ops.sum(ops.square(x - seen), axis=1))
    return error - 0.5 * ops.mean(ops.sum(1 + variance - ops.square(mean) - ops.exp(variance), axis=1))

class Autoencoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
    def train_step(self, x):
        with tf.GradientTape() as tape:
            mean, variance, z = self.encoder(x)
            loss = loss_of(x, mean, variance, self.decoder(z))
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        return {"loss": loss}

data = tf.cast(tf.random.uniform((32, 64)) > 0.7, tf.float32)
"""


@pytest.mark.parametrize("seed", [0, 1])
def test_the_profile_of_a_variational_autoencoder_is_that_of_a_tape_by_hand(file: Any, seed: int) -> None:
    """Glorot's rule makes the wide layer behind two latent numbers small, so the encoder does begin with little."""
    text = AUTOENCODER.replace("SEED", str(seed))
    own = """
inside = [keras.Model(one.input, [layer.output for layer in one.layers[1:]]) for one in (encoder, decoder)]
with tf.GradientTape() as tape:
    first = inside[0](data)
    last = inside[1](first[-1])
    loss = loss_of(data, first[2], first[3], last[-1])
json.dump([float(tf.norm(g)) for g in tape.gradient(loss, [*first, *last])], open("truth.json", "w"))
"""
    file.evidence(text + own, name="encoder")  # by name, the file's own gradients are not looked at
    norms = file.wrote()
    evidence = file.evidence(
        text + "model = Autoencoder()\nmodel.compile('adam')\nmodel.fit(data, batch_size=32, shuffle=False)\n"
    )
    inner = [layer.gradient for layer in evidence.layers if not layer.inner]
    assert inner == pytest.approx(norms, rel=1e-4)
    profile = profile_of(evidence)
    assert profile.fall == pytest.approx(math.log10(max(norms[-2:]) / max(norms[:2])), abs=1e-4)


WRITTEN = """
import keras
import numpy as np
import tensorflow as tf
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Dense(1)
    def call(self, x):
        out = self.inner(x)
        return out + 0 * tf.reduce_mean(out - tf.ones(len(x)))
net = {net}
optimizer = keras.optimizers.SGD()
x, y = tf.random.normal((32, 4)), tf.random.normal((32,))
for _ in range(2):
    with tf.GradientTape() as tape:
        output = net(x)
        loss = {loss}
    variables = net.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
"""


@pytest.mark.parametrize(
    ("net", "loss", "shapes"),
    [
        ("keras.layers.Dense(1)", "tf.reduce_mean((output - y) ** 2)", ((32, 1), (32,))),
        ("keras.layers.Dense(1)", "tf.reduce_mean(tf.abs(y.numpy() - output))", ((32, 1), (32,))),
        ("keras.layers.Dense(1)", "tf.reduce_mean(tf.math.squared_difference(output, y))", ((32, 1), (32,))),
        ("keras.layers.Dense(1)", "tf.reduce_mean((tf.squeeze(output) - y[:, None]) ** 2)", ((32,), (32, 1))),
        ("keras.layers.Dense(1)", "tf.reduce_mean((tf.squeeze(output) - y) ** 2)", None),
        ("keras.layers.Dense(1)", "tf.reduce_mean((output - tf.squeeze(output)) ** 2)", None),
        ("Net()", "tf.reduce_mean((output - y[:, None]) ** 2)", None),
    ],
)
def test_a_loss_written_by_hand_that_pairs_each_output_with_each_target(
    file: Any, net: str, loss: str, shapes: Any
) -> None:
    evidence = file.evidence(WRITTEN.replace("{net}", net).replace("{loss}", loss))
    head = evidence.head
    assert (head and (head.shape, head.target_shape)) == shapes
    assert head is None or head.source == "model.py:18"
    assert [row.code for row in judge(evidence)[0] if row.code == "GT135"] == (["GT135"] if shapes else [])


@pytest.mark.parametrize(("goals", "ill"), [("tf.squeeze(y)", True), ("y", False)])
def test_a_compiled_loss_of_the_users_own_that_pairs_each_with_each(file: Any, goals: str, *, ill: bool) -> None:
    evidence = file.evidence(f"""
        import keras, numpy as np, tensorflow as tf
        m = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(1)])
        def my_loss(y, p):
            return tf.reduce_mean(tf.square({goals} - p))
        m.compile("adam", my_loss)
        x = np.random.randn(64, 6).astype("float32")
        m.fit(x, x.sum(1, keepdims=True), epochs=1)
    """)
    assert [row.code for row in judge(evidence)[0] if row.code == "GT135"] == (["GT135"] if ill else [])


@pytest.mark.parametrize(("axis", "ill"), [(0, True), (1, True), (-1, False)])
@pytest.mark.parametrize("loss", ["keras.losses.SparseCategoricalCrossentropy()", "sparse"])
def test_a_softmax_over_another_axis_than_the_last(file: Any, axis: int, loss: str, *, ill: bool) -> None:
    evidence = file.evidence(f"""
        import keras
        import tensorflow as tf
        sparse = keras.losses.sparse_categorical_crossentropy
        m = keras.Sequential([keras.layers.Dense(3), keras.layers.Softmax(axis={axis})])
        x, y = 3 * tf.random.normal((6, 5, 4)), tf.random.uniform((6, 5), 0, 3, tf.int32)
        criterion = {loss}
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(criterion(y, m(x)))
        tape.gradient(loss, m.trainable_variables)
    """)
    assert (evidence.head.class_axis, evidence.head.sums_to_one) == (2, [axis % 3])
    assert [row.code for row in judge(evidence)[0] if row.code == "GT136"] == (["GT136"] if ill else [])
