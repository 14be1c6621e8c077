"""The picture of a sweep: a file that can be repeated, in which everything is shown and nothing covers another."""

from __future__ import annotations

import itertools
import subprocess
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from handmade import VERIFIED
from matplotlib import image
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from sweeps import CURVES, grid

from gradtool.problem import ProblemError
from gradtool.report.picture import file as plot
from gradtool.report.picture.series import drawable

PICTURES = {**CURVES, "grid": grid()}


@cache
def drawn(name: str) -> Figure:
    """The figure, laid out."""
    records = PICTURES[name]
    figure = plot._figure(records, drawable(records))
    figure.draw_without_rendering()
    return figure


def renderer(figure: Figure) -> RendererBase:
    return figure.canvas.get_renderer()  # type: ignore[attr-defined, no-any-return]


def words(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that is seen, and the pixels it takes."""
    found = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text()]
    return [(text, Text.get_window_extent(text, renderer(figure))) for text in found]


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", PICTURES)
def test_no_word_covers_another_and_none_is_cut_off(name: str) -> None:
    figure = drawn(name)
    page = figure.bbox
    boxes = words(figure)
    assert len(boxes) > 10
    for text, box in boxes:
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1, text.get_text()  # noqa: PT018
        assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, text.get_text()  # noqa: PT018
    for (one, box), (two, other) in itertools.combinations(boxes, 2):
        assert not box.overlaps(other) or _apart(box, other), (one.get_text(), two.get_text())


def _apart(one: Bbox, two: Bbox) -> bool:
    """Whether two boxes share less than a pixel's width or height."""
    shared = Bbox.intersection(one, two)
    return shared is None or min(shared.width, shared.height) < 1.5


@pytest.mark.parametrize("name", [name for name in CURVES if name not in ("hostile", "nothing")])
def test_the_note_covers_no_curve_and_stays_in_its_panel(name: str) -> None:
    figure = drawn(name)
    top = figure.axes[0]
    note = next(text for text in top.texts if isinstance(text, Annotation))
    box = note.get_bbox_patch().get_window_extent(renderer(figure))  # type: ignore[union-attr]
    panel = top.get_window_extent()
    assert panel.x0 <= box.x0 and box.x1 <= panel.x1 and panel.y0 <= box.y0 and box.y1 <= panel.y1  # noqa: PT018
    for line in top.get_lines():
        if line.get_linestyle() not in (":", "None"):
            dots = top.transData.transform(list(zip(*line.get_data(), strict=True)))
            assert not any(box.contains(x, y) for x, y in dots), name


def test_the_words_of_the_note() -> None:
    def note(name: str) -> str:
        top = drawn(name).axes[0]
        return next(text.get_text() for text in top.texts if isinstance(text, Annotation))

    assert note("overflowing") == "slope 1 at x = 750\nunstable: autodiff gives nan"
    assert note("kinked") == "slope \N{MINUS SIGN}1 from the left and 1 from the right\nat x = 0"
    assert note("rooted") == "slope inf from the right\nat x = 0"
    assert (
        note("every verdict")
        == "slope \N{MINUS SIGN}0.856889 at x = \N{MINUS SIGN}2.6\nwrong: autodiff is off by 1e+09 ulp"
    )
    assert note("two points") == "slope 4 at x = 2"
    assert note("nothing") == "inconclusive at x = 4"
    assert note("huge") == "slope 4.9e312 at x = 720\nout_of_range: autodiff gives inf"


def points(panel: Axes, marker: object) -> list[tuple[float, float]]:
    found = [line for line in panel.get_lines() if line.get_marker() == marker and line.get_markersize() < 6]
    return [(float(x), float(y)) for line in found for x, y in zip(*line.get_data(), strict=True)]


def test_numbers_that_are_none_stand_at_the_edges() -> None:
    top, middle, bottom = drawn("overflowing").axes
    assert [y for _, y in points(top, 6)] == [pytest.approx(0.965)] * 6
    assert [y for _, y in points(middle, "x")] == [pytest.approx(0.035)] * 6
    assert [y for _, y in points(bottom, "x")] == [pytest.approx(0.965)] * 6
    for panel in (top, middle, bottom):
        assert len(points(panel, "o")) == 35


def test_a_bad_stretch_is_a_band_and_a_kink_a_dotted_line() -> None:
    figure = drawn("overflowing")
    for panel in figure.axes:
        (band,) = panel.patches
        assert band.get_window_extent().x0 == pytest.approx(_pixel(panel, 725), abs=1)
        assert band.get_window_extent().x1 == pytest.approx(panel.get_window_extent().x1, abs=1)
    for panel in drawn("kinked").axes:
        assert not panel.patches
        dotted = [line for line in panel.get_lines() if line.get_linestyle() == ":"]
        assert [list(line.get_xdata()) for line in dotted] == [[0.5, 0.5]]  # type: ignore[arg-type]


def _pixel(panel: Axes, x: float) -> float:
    """Where x is in a picture whose ticks are at -1000 and 1000."""
    ticks = {label.get_text().replace("\N{MINUS SIGN}", "-"): place for label, place in
             zip(panel.figure.axes[-1].get_xticklabels(), panel.get_xticks(), strict=True)}  # fmt: skip
    low, high = ticks["-1000"], ticks["1000"]
    return float(panel.transData.transform((low + (high - low) * (x + 1000) / 2000, 0))[0])


def test_the_legend_explains_every_sign() -> None:
    told = [text.get_text() for text in drawn("kinked").legends[0].get_texts()]
    assert told == ["exact", "PyTorch", "slope from the left", "slope from the right", "not_differentiable"]
    told = [text.get_text() for text in drawn("grid").legends[0].get_texts()]
    assert told == ["unstable", "undefined", "verified", "not known", "autodiff gives no number"]


def test_a_map_has_a_cell_for_each_point() -> None:
    figure = drawn("grid")
    value, verdict, error = (panel.collections[0].get_array() for panel in figure.axes[:3])
    assert value is not None and verdict is not None and error is not None  # noqa: PT018
    assert value.shape == (7, 9)
    assert value.mask.sum() == 2  # the missing point, and the undefined one
    assert verdict.mask.sum() == 1
    assert error.max() == 2.0  # beyond the scale: NaN from autodiff
    assert value.min() == pytest.approx(0.0)
    assert value[0, 3] == pytest.approx(6 / 11)  # x*y = 0 between -6 and 5


@pytest.mark.parametrize("suffix", [".png", ".svg", ".PNG"])
@pytest.mark.parametrize("name", ["overflowing", "hostile", "grid"])
def test_the_same_records_give_the_same_bytes(name: str, suffix: str, tmp_path: Path) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    before = dict(mpl.rcParams)
    plot.draw(PICTURES[name], first)
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.grid": False, "savefig.dpi": 20}):
        plot.draw(PICTURES[name], second)
    assert first.read_bytes() == second.read_bytes()
    if suffix == ".svg":
        assert b"<dc:date>" not in first.read_bytes()
        assert ET.fromstring(first.read_text()).tag.endswith("svg")  # noqa: S314  # our own file
    else:
        assert image.imread(first).shape[:2] == ((810, 2025) if name == "grid" else (1260, 1350))


def test_a_title_is_never_read_as_mathematics() -> None:
    figure = drawn("hostile")
    title = figure.axes[0].get_title(loc="left")
    assert title.startswith("$x_{1}$ [31m WWW")
    assert title.endswith("…")
    assert all(not text.get_parse_math() for text in figure.findobj(Text) if "$" in text.get_text())  # type: ignore[attr-defined]


def test_no_state_of_pyplot_is_touched() -> None:
    code = "import sys, gradtool.report.picture.file; print([name for name in sys.modules if 'pyplot' in name])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_can_not_be_drawn_is_told(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "sweep.jpg", "a picture is a .png or a .svg file"),
        (tmp_path / "sweep", "a picture is a .png or a .svg file"),
        (tmp_path / "none" / "sweep.png", "can't be written: No such file or directory"),
    ):
        with pytest.raises(ProblemError, match=message):
            plot.draw(CURVES["parabola"], path)
    with pytest.raises(ProblemError, match="a picture needs a sweep"):
        plot.draw([VERIFIED], tmp_path / "one.png")
    assert list(tmp_path.iterdir()) == []
