"""PyTorch as one side of a comparison of two models."""
