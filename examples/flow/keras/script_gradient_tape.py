"""A training script with its own loop: a Keras model, tf.data, a GradientTape. It knows nothing of gradtool.

gradtool flow --script runs it until its first tape.gradient, with its own data, loss and optimizer. No finding.
"""

import keras
import tensorflow as tf
from keras import layers


def main():
    keras.utils.set_random_seed(0)
    x = tf.random.normal((256, 10))
    y = tf.cast(x[:, 0] + x[:, 1] > 0, tf.int64)
    batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(256, seed=0).batch(32)

    classifier = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(2),
        ]
    )
    criterion = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(1e-3)

    for epoch in range(3):
        total = 0.0
        for inputs, labels in batches:
            with tf.GradientTape() as tape:
                loss = criterion(labels, classifier(inputs, training=True))
            gradients = tape.gradient(loss, classifier.trainable_variables)
            optimizer.apply_gradients(zip(gradients, classifier.trainable_variables, strict=True))
            total += float(loss)
        print(f"epoch {epoch}: loss {total / len(batches):.4f}")


if __name__ == "__main__":
    main()
