"""PyTorch's side of the finders: they run a pass again and see every operation of it."""
