"""The networks of strided_padding.py, healthy: ZeroPadding2D pads all sides in Keras too. No finding."""


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
            layers.ZeroPadding2D(1, name="pad"),
            layers.Conv2D(16, 3, strides=2, activation="relu", name="second"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, name="decide"),
        ]
    )
