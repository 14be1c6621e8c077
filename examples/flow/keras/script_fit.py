"""A training script as people write them, with compile and fit. It knows nothing of gradtool.

gradtool flow --script runs it until fit, with its own data, loss and optimizer. No finding.
"""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).standard_normal((256, 10)).astype("float32")
y = (x[:, 0] + x[:, 1] > 0).astype("int64")

classifier = keras.Sequential(
    [
        keras.Input((10,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(2, activation="softmax"),
    ]
)
classifier.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
classifier.fit(x, y, epochs=3, batch_size=32)
