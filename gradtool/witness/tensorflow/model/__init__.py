"""TensorFlow's room for models: Keras runs on TensorFlow here, whatever the user's configuration says elsewhere."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
