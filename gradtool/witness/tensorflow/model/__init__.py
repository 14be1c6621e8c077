"""TensorFlow's room for models: Keras runs on TensorFlow here, whatever the user's configuration says elsewhere."""

import os

BACKEND = "tensorflow"

os.environ["KERAS_BACKEND"] = BACKEND
