"""Finders of why a gradient is None, zero or not finite, in TensorFlow and Keras."""
