"""PyTorch's encoder layer, with samples on the second axis, and the same written out in a model of Keras's own kind."""

import numpy as np

inputs = np.random.default_rng(0).integers(0, 20, (6, 5))


def torch_model():
    import torch  # noqa: PLC0415  # each side imports its own framework
    from torch import nn  # noqa: PLC0415

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(20, 8)
            self.enc = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, activation="gelu")
            self.head = nn.Linear(8, 3)

        def forward(self, x):
            hidden = self.enc(self.emb(x).transpose(0, 1))
            return self.head(torch.mean(hidden, 0))

    return Net()


def keras_model():
    import keras  # noqa: PLC0415
    from keras import layers  # noqa: PLC0415

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.emb = layers.Embedding(20, 8)
            self.attention = layers.MultiHeadAttention(2, 4, dropout=0.1)
            self.first, self.second = (layers.LayerNormalization(epsilon=1e-5) for _ in range(2))
            self.wide, self.narrow = layers.Dense(16, activation="gelu"), layers.Dense(8)
            self.drop, self.head = layers.Dropout(0.1), layers.Dense(3)

        def call(self, x, training=None):
            x = self.emb(x)
            x = self.first(x + self.drop(self.attention(x, x, training=training), training=training))
            x = self.second(x + self.narrow(self.wide(x)))
            return self.head(keras.ops.mean(x, axis=1))

    return Net()
