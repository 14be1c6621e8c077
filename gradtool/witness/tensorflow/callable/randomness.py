"""TensorFlow's random numbers, the same for every call."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf
from tensorflow.python.eager import context

from gradtool.witness.callable.randomness import kept_random, random_state

__all__ = ["random_kept", "random_states"]


@contextlib.contextmanager
def random_kept(seed: int, *, draws: bool = True) -> Iterator[None]:
    """A time after which every source of random numbers goes on as if it had not been.

    TensorFlow's own is left alone where nothing ``draws`` from it.
    """
    state = vars(context.context())  # TensorFlow offers no other way to look at them; before a seed there is no _rng
    before = {name: state[name] for name in ("_seed", "_rng") if name in state}
    with kept_random(seed):
        if draws:
            tf.random.set_seed(seed)
        try:
            yield
        finally:
            if draws:
                state.pop("_rng", None)
                state.update(before)


def random_states() -> tuple[object, ...]:
    """Where the generators that ``random_kept`` holds stand."""
    drawn = vars(context.context()).get("_rng")
    return (None if drawn is None else drawn.getstate(), *random_state())
