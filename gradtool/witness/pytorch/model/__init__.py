"""PyTorch's testimony on a model: one forward and backward pass, looked at from outside."""
