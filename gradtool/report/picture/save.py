"""A figure as a PNG or SVG file.

The same records give the same bytes: no date is written, and a reader's own matplotlib settings change nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from matplotlib import rc_context, rcdefaults
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from gradtool.problem import Problem, ProblemError
from gradtool.report.picture.style import DPI, INK

__all__ = ["page", "save"]

METADATA = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
}
"""The kinds of picture, and what is left out of each so that it can be repeated."""


def page(width: float, height: float, fill: Callable[[Figure], None]) -> Figure:
    """A figure of so many inches, in gradtool's colours and type, after ``fill`` has drawn on it."""
    with rc_context({"axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "font.size": 9.5}):
        figure = Figure(figsize=(width, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.09))
        FigureCanvasAgg(figure)
        fill(figure)
    return figure


def save(make: Callable[[], Figure], path: Path) -> None:
    """Write the figure that ``make`` draws to ``path``. Raises ProblemError where that can't be done, and why."""
    suffix = path.suffix.lower()
    if suffix not in METADATA:
        span = (max(len(str(path)) - len(path.suffix), 0), len(str(path)))
        hint = f"name it {path.stem}.png or {path.stem}.svg"
        raise ProblemError(Problem("plot", "a picture is a .png or a .svg file", str(path), span, hint=hint))
    with rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a letter that the font lacks is drawn as a box
        rcdefaults()
        figure = make()
        with rc_context({"svg.hashsalt": "gradtool"}):
            _write(figure, path, suffix)


def _write(figure: Figure, path: Path, suffix: str) -> None:
    try:
        figure.savefig(path, format=suffix[1:], metadata=METADATA[suffix])
    except OSError as error:
        raise ProblemError(Problem("plot", f"{path} can't be written: {error.strerror or error}")) from None
