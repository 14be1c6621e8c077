"""The same numbers in the order of the other side: channels, flattened images, steps of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["arrangements", "of_outputs"]

Numbers = NDArray[Any]
Arranged = Callable[[Numbers], Numbers]


def _as_it_is(array: Numbers) -> Numbers:
    return array


def channels_last(array: Numbers) -> Numbers:
    """Channels moved from behind the samples to the end."""
    return np.moveaxis(array, 1, -1)


def _last_step(array: Numbers) -> Numbers:
    return np.asarray(array[:, -1])


def _last_row(array: Numbers) -> Numbers:
    return np.asarray(array[-1])


def _steps_first(array: Numbers) -> Numbers:
    return np.swapaxes(array, 0, 1)


def arrangements(left: Numbers, right: Numbers, flattened: tuple[int, ...]) -> Iterator[Arranged]:
    """Every way in which the left array has the shape of the right one."""
    if flattened and left.shape == right.shape:
        yield lambda array: channels_last(array.reshape(-1, *flattened)).reshape(array.shape)
        return
    ways: list[Arranged] = [_as_it_is]
    if left.ndim > 2:
        ways += [channels_last, _steps_first, _last_step, _last_row]
    yield from (way for way in ways if way(left).shape == right.shape)


def of_outputs(left: tuple[int, ...], right: tuple[int, ...], *, images: bool) -> Arranged | None:
    """How the left model's output becomes the right one's; None where the shapes don't fit.

    ``images`` says that the sides have images in different orders, and that an image comes out; without it no axes
    change places.
    """
    ways = [channels_last, _as_it_is] if images else [_as_it_is]
    probe = np.empty(left, dtype=bool)
    return next((way for way in ways if (len(left) > 2 or way is _as_it_is) and way(probe).shape == right), None)
