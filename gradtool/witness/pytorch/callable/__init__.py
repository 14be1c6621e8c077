"""PyTorch's testimony on a callable: a function, a custom operation or a module."""
