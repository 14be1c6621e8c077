"""Keras on TensorFlow, whatever the user's configuration says elsewhere."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
