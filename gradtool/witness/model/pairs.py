"""Shapes that broadcast each with each where entry by entry is meant."""

from __future__ import annotations

__all__ = ["paired"]


def paired(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether the shapes are (N, 1) and (N), in either order, so that their difference has N times N numbers."""
    flat, column = sorted((one, other), key=len)
    return len(flat) == 1 and flat[0] > 1 and column == (*flat, 1)
