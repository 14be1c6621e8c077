"""What the pictures look like: colours that a colour-blind reader tells apart, sizes, and words that fit."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

__all__ = [
    "DPI",
    "EXACT",
    "FRAMEWORK",
    "HIGH",
    "INK",
    "KINKS",
    "LOW",
    "PALE",
    "SIDES",
    "SMALL",
    "TITLE",
    "VERDICTS",
    "cut",
    "minus",
]

DPI = 150
TITLE, SMALL = 13.0, 9.0
"""Sizes of type in points."""

LOW, HIGH = 0.035, 0.965
"""Where NaN and minus infinity, and plus infinity, are shown: inside the edges of a panel."""

EXACT = "#E69F00"
FRAMEWORK = "#0072B2"
SIDES = "#009E73"
INK = "#333333"
PALE = "#D9D9D9"
VERDICTS: Mapping[str, str] = {
    "wrong": "#D55E00",
    "unstable": "#CC79A7",
    "inconclusive": "#F0E442",
    "undefined": "#8C8C8C",
    "out_of_range": "#56B4E9",
    "not_differentiable": "#000000",
    "verified": "#009E73",
    "both_wrong": "#D55E00",
    "one_right": "#CC79A7",
    "mismatch": "#F0E442",
    "convention": "#000000",
}
"""The palette of Okabe and Ito: one colour for each verdict of a check, and for each of a comparison."""

KINKS = frozenset({"not_differentiable", "convention"})
"""Verdicts on points that have no derivative: a single one is a dotted line."""


def cut(text: str, inches: float, size: float) -> str:
    """``text`` with an ellipsis where it is longer than so many inches of type of ``size`` points."""
    font, renderer = FontProperties(size=size, weight="bold" if size == TITLE else "normal"), RendererAgg(1, 1, 72)  # type: ignore[no-untyped-call]
    if _inches(renderer, text, font) <= inches:
        return text
    low, high = 0, len(text)
    while low < high - 1:
        middle = (low + high) // 2
        fits = _inches(renderer, text[:middle] + "…", font) <= inches
        low, high = (middle, high) if fits else (low, middle)
    return text[:low].rstrip() + "…"


def _inches(renderer: RendererAgg, text: str, font: FontProperties) -> float:
    width, _, _ = renderer.get_text_width_height_descent(text[:2000], font, ismath=False)  # type: ignore[no-untyped-call]
    return float(width) / 72


def minus(text: str) -> str:
    """A number with a true minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")
