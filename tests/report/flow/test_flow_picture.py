"""The picture of a model's gradients: words never cover each other, and the same record gives the same bytes."""

from __future__ import annotations

import io
import itertools
import re
from functools import cache
from pathlib import Path

import pytest
from handmade_flow import DEEP, EXPERIMENTS, EXPRESSION, FAILED, HEALTHY, HOSTILE, ILL, NO_PARAMETERS, REFUTED, deep
from matplotlib.axis import Axis
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from rich.cells import cell_len

from gradtool.problem import ProblemError
from gradtool.report.flow import picture
from gradtool.report.flow.text_picture import draw_text
from gradtool.terminal import Terminal

PICTURES = {
    "healthy": HEALTHY, "ill": ILL, "deep": DEEP, "150 parameters": deep(12), "experiments": EXPERIMENTS,
    "refuted": REFUTED, "expression": EXPRESSION, "hostile": HOSTILE,
}  # fmt: skip
EVERY = pytest.mark.parametrize("name", PICTURES)


@cache
def drawn(name: str) -> Figure:
    figure = picture._figure(PICTURES[name])
    figure.draw_without_rendering()
    return figure


def words(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is seen, and the pixels it takes."""
    renderer: RendererBase = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    found = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text()]
    beyond = {label for panel in figure.axes for axis in (panel.xaxis, panel.yaxis) for label in _beyond(axis)}
    return [(text.get_text(), text.get_window_extent(renderer)) for text in found if text not in beyond]


def _beyond(axis: Axis) -> list[Text]:
    """The labels of ticks outside the axis, which are not drawn."""
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    return [tick.label1 for tick in ticks if not low <= tick.get_loc() <= high]


@EVERY
def test_no_word_covers_another_and_none_is_cut_off(name: str) -> None:
    figure = drawn(name)
    boxes = words(figure)
    assert len(boxes) > 8
    for text, box in boxes:
        assert figure.bbox.x0 - 1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1, text
        assert figure.bbox.y0 - 1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1, text
    for (one, box), (two, other) in itertools.combinations(boxes, 2):
        shared = Bbox.intersection(box, other)
        assert shared is None or min(shared.width, shared.height) < 2.5, (one, two)


def test_findings_thresholds_and_what_has_no_size_are_marked() -> None:
    told = [text for text, _ in words(drawn("ill"))]
    for text in ("error GT101, GT002", "warning GT104", "exactly 0", "NaN or Inf", "no gradient"):
        assert text in told
    assert "vanishing\nin tutorials" in told
    assert "exploding\nin tutorials" in told
    assert "RMS of g" in told  # the mean size was not asked for


def test_a_training_has_panels_of_its_own() -> None:
    assert len(drawn("experiments").axes) == 3
    assert len(drawn("expression").axes) == 2  # of a single number there is nothing to compare
    assert len(drawn("healthy").axes) == 1


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_record_gives_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture.draw(REFUTED, tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_what_can_not_be_drawn_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"a picture is a .png or a .svg file"):
        picture.draw(HEALTHY, tmp_path / "flow.jpg")
    for item in (FAILED, NO_PARAMETERS):
        with pytest.raises(ProblemError, match="there is no gradient to draw"):
            picture.draw(item, tmp_path / "flow.png")
        with pytest.raises(ProblemError, match="there is no gradient to draw"):
            draw_text(item, Terminal(io.StringIO(), 80, colour=False, unicode=True))


@EVERY
@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("unicode", [True, False], ids=["UTF-8", "ASCII"])
def test_the_terminal_gets_bars(name: str, width: int, unicode: bool) -> None:
    lines = draw_text(PICTURES[name], Terminal(io.StringIO(), width, colour=False, unicode=unicode))
    assert [line for line in lines if cell_len(line) > width and " " in line.strip()] == []
    assert any(("#" if not unicode else "█") in line for line in lines)
    assert unicode or all(line.isascii() for line in lines)
    assert len(lines) < 100


@EVERY
@pytest.mark.parametrize("width", [40, 80, 120])
def test_bars_stand_in_one_column_behind_the_figures(name: str, width: int) -> None:
    lines = draw_text(PICTURES[name], Terminal(io.StringIO(), width, colour=False, unicode=False))
    bars = list(itertools.takewhile(bool, lines))
    assert len({line.index("#") for line in bars if "#" in line}) == 1


def test_a_bar_stands_between_its_figure_and_its_flags() -> None:
    lines = draw_text(ILL, Terminal(io.StringIO(), 80, colour=False, unicode=False))
    assert re.search(r"^block\.0\.weight +\S+e-\d+ +#+ GT002$", "\n".join(lines), re.MULTILINE)
    assert re.search(r"^block\.0\.bias +- +GT002 none$", "\n".join(lines), re.MULTILINE)
