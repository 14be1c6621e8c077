"""The profile over depth: the gradient that arrives at each module's output, in the order of execution."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from gradtool.evidence import Layer, ModelEvidence
from gradtool.report.flow.figures import counted, decades, number
from gradtool.report.flow.groups import SHOW_ALL, grouped
from gradtool.report.flow.row import SEVERITIES, Places
from gradtool.report.flow.section import Cell, Grid, Section, Told
from gradtool.settings import FlowView
from gradtool.verdict.flow.depth import profile_of

__all__ = ["Point", "depth_section", "profile"]


@dataclass(frozen=True, slots=True)
class Point:
    """One module, or the strongest of several: ``gain`` is its gradient over the next one's, None where there is none.

    Backward runs from the last point to the first: below 1 the gradient shrinks on its way here.
    """

    name: str
    kind: str
    gradient: float | None
    gain: float | None
    rms: float
    flags: tuple[str, ...]
    word: str


def profile(evidence: ModelEvidence, known: Places, *, every: bool) -> list[Point]:
    """The modules without modules of their own, in order; of a long model by block unless ``every`` one is wanted."""
    layers = sorted((layer for layer in evidence.layers if not layer.inner), key=lambda layer: layer.place)
    names = [layer.name for layer in layers]
    groups = [[layer] for layer in layers]
    if not every:
        found = grouped(names)
        groups = [[layers[place] for place in group.places] for group in found]
        names = [group.name for group in found]
    points = [_point(name, own, known) for name, own in zip(names, groups, strict=True)]
    return _with_gains(points)


def _point(name: str, layers: Sequence[Layer], known: Places) -> Point:
    findings = [found for where, own in known.items() if any(_at(where, layer) for layer in layers) for found in own]
    one = layers[0]
    times = f" x{one.calls}" if one.calls > 1 else ""
    return Point(
        name=name,
        kind=f"{one.kind}{times}" if len(layers) == 1 else f"{len(layers)} modules",
        gradient=_largest([layer.gradient for layer in layers]),
        gain=None,
        rms=_largest([layer.rms for layer in layers]) or 0.0,
        flags=tuple(dict.fromkeys(finding.code for finding in findings)),
        word=min((finding.severity for finding in findings), key=SEVERITIES.index, default=""),
    )


def _at(where: str, layer: Layer) -> bool:
    """Whether a finding is on the module, or on a parameter of its own."""
    return where == layer.name or where.startswith((f"{layer.name}.", f"{layer.name}/"))


def _largest(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.nan if any(map(math.isnan, known)) else max(known, default=None)


def _with_gains(points: Sequence[Point]) -> list[Point]:
    alive = [place for place, point in enumerate(points) if point.gradient is not None]
    gains = {
        here: _quotient(points[here].gradient, points[after].gradient) for here, after in itertools.pairwise(alive)
    }
    return [
        Point(p.name, p.kind, p.gradient, gains.get(place), p.rms, p.flags, p.word) for place, p in enumerate(points)
    ]


def _quotient(here: float | None, after: float | None) -> float | None:
    """What is left of the gradient after one more module backward."""
    return here / after if here is not None and after else None


def depth_section(evidence: ModelEvidence, known: Places, view: FlowView) -> Section:
    """The profile as a table."""
    points = profile(evidence, known, every=view.every)
    axis = decades(point.gradient for point in points)
    modules = sum(not layer.inner for layer in evidence.layers)
    hidden = f"{counted(modules, 'module')} in {counted(len(points), 'row')}: {SHOW_ALL}; " * (len(points) < modules)
    legend = (
        f"{hidden}gradient: l2 norm of the loss's gradient by the module's output; gain: that over the next one's, "
        f"the factor that backward multiplies by on its way here; bars: the gradient {axis}"
    )
    rows = tuple(
        (
            Cell(point.name),
            Cell(point.kind),
            Cell(number(point.gradient, 4)),
            Cell(number(point.gain)),
            Cell(number(point.rms)),
            Cell("", point.word, axis.place(point.gradient)),
            Cell(" ".join(point.flags), point.word),
        )
        for point in points
    )
    heads = ("layer", "kind", "gradient", "gain", "forward RMS", "log scale", "flag")
    grid = Grid(heads, rows, lead=(0, 1, len(heads) - 1))
    return Section("depth", "profile over depth", _fall(evidence), grid=grid, after=(Told(legend),))


def _fall(evidence: ModelEvidence) -> tuple[Told, ...]:
    """What the strongest path does from the last layers to the first."""
    found = profile_of(evidence)
    if found.fall is None or found.steepest is None:
        return ()
    verb = "falls" if found.fall >= 0 else "rises"
    return (
        Told(
            f"from the last layers to the first the gradient {verb} by {abs(found.fall):.2g} decades; the steepest "
            f"step is through {found.points[found.steepest].name}: times {number(found.step)}"
        ),
    )
