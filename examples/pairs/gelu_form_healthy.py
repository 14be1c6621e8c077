"""The block of gelu_form.py, healthy: the exact gelu on both sides. GT326, a note: Keras rounds its constant."""


def torch_model():
    from torch import nn

    return nn.Sequential(nn.LayerNorm(8, eps=1e-6), nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 8))


def keras_model():
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((5, 8)),
            layers.LayerNormalization(epsilon=1e-6, name="normalise"),
            layers.Dense(32, name="widen"),
            layers.Activation("gelu", name="gelu"),
            layers.Dense(8, name="narrow"),
        ]
    )
