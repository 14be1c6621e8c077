"""Keras as one side of a comparison of two models, on either backend; which one a process has is settled by then."""
