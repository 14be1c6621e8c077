"""An ill training script: between its two halves the data go through NumPy, where no gradient can follow.

The loop runs, the loss falls, and the encoder stays as it was. gradtool flow should say GT106, missing gradient, at
`encoder`, and show the line that leaves TensorFlow.
"""

import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(0)
x = tf.random.normal((256, 10))
y = tf.cast(x[:, 0] + x[:, 1] > 0, tf.int64)

encoder = layers.Dense(32, activation="relu", name="encoder")
head = layers.Dense(2, name="head")
criterion = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.Adam(1e-3)

for epoch in range(20):
    with tf.GradientTape() as tape:
        features = encoder(x).numpy()  # the fault
        features = (features - features.mean()) / features.std()
        loss = criterion(y, head(features))
    variables = encoder.trainable_variables + head.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    print(f"epoch {epoch}: loss {float(loss):.4f}")
