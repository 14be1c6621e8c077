"""LoRA, healthy: a frozen layer with a low-rank addition B A, where B starts at 0.

The gradient of A is exactly zero at the first step, because its partner B is 0. That is lawful: gradtool flow should
note the frozen base (GT107) and may note A, and find no error.
"""

import keras
import numpy as np
from keras import layers


class LoraDense(layers.Layer):
    def __init__(self, units, rank, name):
        super().__init__(name=name)
        self.base = layers.Dense(units, trainable=False, name="base")
        self.lora_a = layers.Dense(rank, use_bias=False, name="lora_a")
        self.lora_b = layers.Dense(units, use_bias=False, kernel_initializer="zeros", name="lora_b")

    def call(self, x):
        return self.base(x) + self.lora_b(self.lora_a(x))


def gradtool_case():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((16,)), LoraDense(32, 4, "first"), layers.ReLU(), LoraDense(3, 4, "second")])
    x = np.random.default_rng(0).standard_normal((32, 16), dtype="float32")
    return model, x, np.arange(32) % 3, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
