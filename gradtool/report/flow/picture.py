"""The gradients of a model as a PNG or SVG file: sizes by parameter in forward order, and the course of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradtool.problem import Problem, ProblemError, printable
from gradtool.report.flow.figures import is_wide
from gradtool.report.flow.row import Row, places, row
from gradtool.report.flow.section import Curve
from gradtool.report.flow.sections import heading
from gradtool.report.picture.save import page, save
from gradtool.report.picture.style import EXACT, FRAMEWORK, HIGH, INK, LOW, PALE, SMALL, TITLE, VERDICTS, cut
from gradtool.verdict.flow.record import FlowRecord

__all__ = ["draw"]

VANISHING, EXPLODING = 1e-6, 10.0
"""Where tutorials say that a gradient vanishes or explodes."""

NAMES = 48
"""So many names stand under the axis; of more parameters every second, third, ... one is named."""

MARKED = {"error": ("v", VERDICTS["wrong"]), "warning": ("v", EXACT)}
"""Signs at the upper edge, by the severity of the worst finding on a parameter."""


def draw(record: FlowRecord, path: Path) -> None:
    """Draw the gradients of one model to ``path``. Raises ProblemError where that can't be done, and why."""
    evidence = record.evidence
    if evidence is None or not (evidence.steps or any(own.gradient for own in evidence.parameters)):
        raise ProblemError(Problem("plot", "there is no gradient to draw"))
    save(lambda: _figure(record), path)


def _figure(record: FlowRecord) -> Figure:
    evidence = record.evidence
    assert evidence is not None  # noqa: S101  # draw has looked
    known = places(record.findings)
    rows = [row(parameter, known) for parameter in evidence.parameters]
    sizes = len([own for own in rows if own.norm is not None]) > 1 or not evidence.steps
    courses = [
        Curve("loss", tuple(step.loss for step in evidence.steps)),
        Curve("gradient norm", tuple(step.norm for step in evidence.steps)),
    ] * bool(evidence.steps)

    def fill(figure: Figure) -> None:
        heights = [3.2] * sizes + [1.5] * len(courses)
        panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0].tolist()
        if sizes:
            _sizes(panels[0], rows, _codes(record))
            figure.align_ylabels(panels)
        for panel, curve in zip(panels[sizes:], courses, strict=True):
            _course(panel, [step.step for step in evidence.steps], curve)
        if courses:
            panels[-1].set_xlabel("step")
        _titles(panels[0], record)
        _legend(figure, panels)

    return page(11, 6.2 * sizes + 2.1 * len(courses), fill)


def _titles(panel: Axes, record: FlowRecord) -> None:
    title = cut(f"gradients of {printable(record.target)}", 9.5, TITLE)
    panel.set_title(title, loc="left", fontsize=TITLE, pad=24, weight="bold", parse_math=False)
    panel.annotate(
        cut(printable(heading(record)), 9.5, SMALL), (0, 1), (0, 8), xycoords="axes fraction",
        textcoords="offset points", fontsize=SMALL, color="#666666", parse_math=False,
    )  # fmt: skip


def _codes(record: FlowRecord) -> Mapping[str, str]:
    """The codes that were found, by severity."""
    return {
        severity: ", ".join(dict.fromkeys(found.code for found in record.findings if found.severity == severity))
        for severity in MARKED
    }


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """Every sign of all panels, once, under them."""
    signs: dict[str, Artist] = {}
    for panel in panels:
        for sign, told in zip(*panel.get_legend_handles_labels(), strict=True):
            signs.setdefault(told, sign)
    if signs:
        figure.legend(
            list(signs.values()), list(signs), loc="outside lower center", ncols=4, frameon=False, fontsize=SMALL
        )


def _sizes(panel: Axes, rows: Sequence[Row], codes: Mapping[str, str]) -> None:
    """Mean and largest size of every gradient on a logarithmic axis; what has no place there at the edges."""
    panel.set_yscale("log")
    means = all(own.mean_size is not None for own in rows if own.norm is not None)
    told = "mean |g|" if means else "RMS of g"
    _series(panel, [own.mean_size if means else own.rms for own in rows], told, FRAMEWORK, "o")
    _series(panel, [own.largest for own in rows], "max |g|", "#009E73", "^")
    for threshold, name in ((VANISHING, "vanishing\nin tutorials"), (EXPLODING, "exploding\nin tutorials")):
        panel.axhline(threshold, color=INK, linewidth=0.9, linestyle=(0, (4, 4)), alpha=0.45, zorder=1)
        panel.text(1.008, threshold, name, transform=panel.get_yaxis_transform(), va="center", fontsize=SMALL - 1)
    low, high = panel.get_ylim()
    panel.set_ylim(min(low, VANISHING / 10), max(high, EXPLODING) * 10)
    _edge(panel, [place for place, own in enumerate(rows) if own.norm is None], LOW, "no gradient", "|", INK)
    _edge(panel, [place for place, own in enumerate(rows) if own.norm == 0], LOW, "exactly 0", "x", "#A00000")
    broken = [place for place, own in enumerate(rows) if own.norm is not None and not math.isfinite(own.norm)]
    _edge(panel, broken, LOW, "NaN or Inf", "*", "#A00000")
    for severity, (mark, colour) in MARKED.items():
        found = [place for place, own in enumerate(rows) if own.word == severity]
        _edge(panel, found, HIGH, f"{severity} {codes[severity]}", mark, colour)
    _names(panel, [own.name for own in rows])
    panel.set_ylabel("size of the gradient")
    panel.grid(axis="y", color=PALE, linewidth=0.6, zorder=0)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=SMALL)


def _series(panel: Axes, values: Sequence[float | None], told: str, colour: str, mark: str) -> None:
    """A line with a gap where there is no positive number."""
    shown = [value if value and math.isfinite(value) else math.nan for value in values]
    size = 4.5 if len(values) <= 60 else 2.5 if len(values) <= 300 else 0
    panel.plot(
        range(len(shown)), shown, marker=mark, markersize=size, linewidth=1.1, color=colour, label=told, zorder=3,
        markerfacecolor=colour if mark == "o" else "white",
    )  # fmt: skip


def _edge(panel: Axes, xs: Sequence[int], height: float, told: str, mark: str, colour: str) -> None:
    """Signs at the lower or the upper edge."""
    if xs:
        panel.plot(
            xs, [height] * len(xs), transform=panel.get_xaxis_transform(), linestyle="", marker=mark, color=colour,
            markersize=6, label=told, zorder=5,
        )  # fmt: skip


def _names(panel: Axes, names: Sequence[str]) -> None:
    """The names under the axis, upright, and not so many that they touch."""
    stride = math.ceil(len(names) / NAMES)
    shown = range(0, len(names), stride)
    panel.set_xticks(list(shown), [cut(printable(names[place]), 2.4, SMALL - 1) for place in shown], rotation=90)
    for label in panel.get_xticklabels():
        label.set_parse_math(False)
        label.set_fontsize(SMALL - 1)
    panel.set_xlim(-0.7, len(names) - 0.3)
    each = "" if stride == 1 else f", one in {stride} named"
    panel.set_xlabel(f"{len(names)} parameters in forward order{each}")


def _course(panel: Axes, steps: Sequence[int], curve: Curve) -> None:
    """A figure over the steps of a training; logarithmic where its values are far apart."""
    if is_wide(curve.values):
        panel.set_yscale("log")
    shown = [value if math.isfinite(value) else math.nan for value in curve.values]
    panel.plot(steps, shown, color=FRAMEWORK, linewidth=1.4, marker="o", markersize=3.5 if len(steps) <= 60 else 0)
    broken = [step for step, value in zip(steps, curve.values, strict=True) if not math.isfinite(value)]
    if broken:
        _edge(panel, broken, HIGH, "NaN or Inf", "x", "#A00000")
    panel.set_ylabel(curve.name)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(color=PALE, linewidth=0.6, zorder=0)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=SMALL)
