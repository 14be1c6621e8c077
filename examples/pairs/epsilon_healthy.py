"""The two encoders of epsilon.py, healthy: one epsilon on both sides. No finding."""


def torch_model():
    from torch import nn

    return nn.Sequential(nn.Linear(16, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 4))


def keras_model():
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((16,)),
            layers.Dense(32, name="encode"),
            layers.LayerNormalization(epsilon=1e-5, name="normalise"),
            layers.ReLU(name="rectify"),
            layers.Dense(4, name="decide"),
        ]
    )
