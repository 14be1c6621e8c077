"""TensorFlow's testimony on a callable: a function, a custom operation or a layer."""
