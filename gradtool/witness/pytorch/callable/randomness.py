"""PyTorch's random numbers, the same for every call."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from gradtool.witness.callable.randomness import kept_random, random_state

__all__ = ["random_states", "seeded"]


def random_states() -> tuple[object, ...]:
    """Where every generator that ``seeded`` holds stands."""
    generators = [torch.default_generator]
    if torch.cuda.is_initialized():
        generators += torch.cuda.default_generators
    return (*(generator.get_state().numpy().tobytes() for generator in generators), *random_state())


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The same random numbers for every call, and the caller's random state untouched.

    The generators themselves are seeded: ``torch.manual_seed`` takes 0.2 ms, longer than many a small function.
    """
    generators = [torch.default_generator]
    if torch.cuda.is_initialized():
        generators += torch.cuda.default_generators
    states = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        with kept_random(seed):
            yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
