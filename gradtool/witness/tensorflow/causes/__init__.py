"""Finders of why a gradient is None, zero or not finite, for TensorFlow; programs run eagerly under them."""
