"""The picture of a sweep as a PNG or SVG file: curves for one variable that changes, maps for two.

The same records give the same bytes: no date is written, and a reader's own matplotlib settings change nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context, rcdefaults
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from gradtool.problem import Problem, ProblemError
from gradtool.report.picture.curves import draw_curves
from gradtool.report.picture.heat_map import draw_maps
from gradtool.report.picture.series import drawable
from gradtool.report.picture.style import DPI, INK
from gradtool.verdict.record import CheckRecord

__all__ = ["draw"]

METADATA = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
}
"""The kinds of picture, and what is left out of each so that it can be repeated."""


def draw(records: Sequence[CheckRecord], path: Path) -> None:
    """Draw one target at many points to ``path``. Raises ProblemError where that can't be done, and why."""
    suffix = path.suffix.lower()
    if suffix not in METADATA:
        span = (max(len(str(path)) - len(path.suffix), 0), len(str(path)))
        hint = f"name it {path.stem}.png or {path.stem}.svg"
        raise ProblemError(Problem("plot", "a picture is a .png or a .svg file", str(path), span, hint=hint))
    names = drawable(records)
    with rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a letter that the font lacks is drawn as a box
        rcdefaults()
        figure = _figure(records, names)
        with rc_context({"svg.hashsalt": "gradtool"}):
            _save(figure, path, suffix)


def _figure(records: Sequence[CheckRecord], names: Sequence[str]) -> Figure:
    with rc_context({"axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "font.size": 9.5}):
        size = (9, 8.4) if len(names) == 1 else (13.5, 5.4)
        figure = Figure(figsize=size, dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.09))
        FigureCanvasAgg(figure)
        if len(names) == 1:
            draw_curves(figure, records, names[0])
        else:
            draw_maps(figure, records, (names[0], names[1]))
    return figure


def _save(figure: Figure, path: Path, suffix: str) -> None:
    try:
        figure.savefig(path, format=suffix[1:], metadata=METADATA[suffix])
    except OSError as error:
        raise ProblemError(Problem("plot", f"{path} can't be written: {error.strerror or error}")) from None
