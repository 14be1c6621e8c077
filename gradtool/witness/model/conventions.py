"""What people call the parts of a training in their files, and what is taken where they say nothing."""

from __future__ import annotations

__all__ = [
    "ARRAYS", "BATCH", "CLASSES", "FEW", "INPUTS", "LARGE", "LENGTH", "LOADERS", "LOSSES", "LOST", "MOST", "OFTEN",
    "OPTIMIZERS", "RARE", "ROUTES", "SHORT", "SHRINK", "SIDE", "SUBNORMAL", "TARGETS", "TRIES",
]  # fmt: skip

INPUTS = ("sample_inputs", "example_inputs", "dummy_inputs", "example_input_array", "sample_input", "example_input")
TARGETS = ("sample_targets", "example_targets", "targets", "labels")
ARRAYS = (
    ("x_train", "y_train"), ("X_train", "y_train"), ("train_x", "train_y"), ("x", "y"), ("X", "y"), ("X", "Y"),
    ("inputs", "targets"), ("inputs", "labels"),
)  # fmt: skip
LOADERS = ("train_dataloader", "train_loader", "trainloader", "dataloader", "loader")
LOSSES = ("loss_fn", "criterion", "loss_function", "loss")
OPTIMIZERS = ("optimizer", "opt", "optim", "optimiser")

BATCH = 8
"""Samples of an inferred batch: dead units are judged from so many on."""
LENGTH, SIDE, CLASSES = 16, 32, 1000
"""Tokens of a sequence, pixels of an image's side, and where nothing bounds them, the integers that are drawn."""

ROUTES = {
    "case": "it defines gradtool_case()",
    "name": "by its name",
    "only": "the only model of the file",
    "class": "the only class that can be built without arguments",
    "function": "a function over the tensors that the file keeps",
    "script": "the file trains it",
}
"""Why a model was taken, by the route on which it was found."""

LOST, SUBNORMAL = 2.0**-24, 2.0**-14
"""Below float16's smallest number, and below its smallest normal number."""
RARE = 1000
"""One number in so many may be lost."""

LARGE = 50_000_000
"""Parameters above which a step is not tried unasked: it costs another forward pass, and three over the weights."""
SHORT = 1e-3
"""The first step along -g promises to lower the loss by this part of it ..."""
SHRINK, TRIES = 16.0, 4
"""... and is made shorter so often, where the loss curves."""

MOST = 50_000_000
"""Numbers up to which a copy of the weights is kept, to measure how far a step moves them."""
FEW = 8
"""Numbers that are written down at every step."""
OFTEN = 0.2
"""Seconds between two words about the progress."""
