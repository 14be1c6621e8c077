"""A sequence classifier in Keras, which runs on TensorFlow and on PyTorch and is the same on both. No finding."""

import keras
from keras import layers

model = keras.Sequential(
    [keras.Input((12, 6)), layers.LSTM(8, name="read"), layers.Dropout(0.5), layers.Dense(3, name="decide")]
)
