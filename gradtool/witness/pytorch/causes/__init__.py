"""PyTorch's finders of why a gradient is None, zero or not finite."""
