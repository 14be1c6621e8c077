"""Two encoders with the defaults of their frameworks: Keras's layer normalisation adds 1e-3 to the variance.

PyTorch adds 1e-5. GT320, at the normalisation.
"""


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
            layers.LayerNormalization(name="normalise"),
            layers.ReLU(name="rectify"),
            layers.Dense(4, name="decide"),
        ]
    )
