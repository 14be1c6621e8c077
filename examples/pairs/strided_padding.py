"""Two small convolutional networks: with a stride of 2, Keras's padding="same" pads at the end of an even image alone.

PyTorch's padding=1 pads on all sides. GT320, at the second convolution.
"""


def torch_model():
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 10),
    )


def keras_model():
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="first"),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="second"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, name="decide"),
        ]
    )
