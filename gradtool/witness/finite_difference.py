"""Finite differences of any forward function, from both sides, with error bars.

A ladder of steps h = 2^-k times a power-of-two unit is climbed down. What is extrapolated to h = 0 is not the
difference quotient but its distance from the claimed derivative g,

    rho(h) = [f(x+) - f(x-) - g (x+ - x-)] / (x+ - x-),

with the points as they were actually rounded, so rounding of x + h costs nothing to first order. The rounding noise of
f is measured at irregular offsets (equal spacing resonates with the rounding grid and hides it), tiny ones and wider
ones, because an intermediate that is rounded coarsely looks smooth to steps within one of its stairs. Neville's table
extrapolates; the error of a cell is its worst disagreement with four neighbours plus the propagated noise; cells that a
finer rung contradicts are thrown out; the bar is the third best of cells on different rungs, at least their spread,
doubled. How the second difference grows with h tells a smooth point from a kink, a jump or a vertical tangent.

All points of all variables are evaluated in one call. Cost: about 125 evaluations a variable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Difference
from gradtool.target.dtype import FORMATS, Format
from gradtool.witness.rounding import nearest

__all__ = ["differences"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Function = Callable[[Mapping[str, Array]], Array]
"""Outputs of the forward function at many points (points x outputs), from one array per coordinate, of one length."""

_OFFSETS = np.array([0.083, 0.192, 0.247, 0.391, 0.458, 0.614, 0.707, 0.852, 0.989])
"""Where the noise is measured, as fractions of a width; irregular on purpose."""

_BASIS = np.stack([_OFFSETS**0, _OFFSETS, _OFFSETS**2], axis=1)
_LEFT_OVER = np.eye(len(_OFFSETS)) - _BASIS @ np.linalg.pinv(_BASIS)
"""Takes values at the offsets to what a least-squares quadratic leaves of them."""

COLUMNS = 4
"""Columns of Neville's table."""


@dataclass(frozen=True, slots=True)
class _Precision:
    form: Format
    first: float
    stride: float
    rungs: int
    noise_widths: tuple[float, float]


_PRECISIONS = {
    "float64": _Precision(FORMATS["float64"], 2, 1, 44, (2.0**-37, 2.0**-24)),
    "float32": _Precision(FORMATS["float32"], 2, 1, 18, (2.0**-14, 2.0**-10)),
    "float16": _Precision(FORMATS["float16"], 1.5, 0.5, 12, (2.0**-6, 2.0**-4)),
    "bfloat16": _Precision(FORMATS["bfloat16"], 1, 0.5, 11, (2.0**-4, 2.0**-3)),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """The function along one variable: distances from the point and values there, on the ladder and for the noise."""

    steps: Array
    up: Array
    down: Array
    up_values: Array
    down_values: Array
    centre: float
    sigma: float


def differences(
    function: Function, point: Mapping[str, float], claims: Mapping[str, Array], dtype: str
) -> dict[str, list[Difference]]:
    """For each coordinate in ``claims`` one Difference for each output of ``function``.

    ``claims`` holds the derivatives that are claimed, one for each output.
    """
    precision = _PRECISIONS[dtype]
    ladders = {name: _offsets(point[name], precision) for name in claims}
    columns = {name: [point[name]] for name in point}
    for moved, offsets in ladders.items():
        for name, column in columns.items():
            column.extend(point[name] + offsets if name == moved else [point[name]] * len(offsets))
    with np.errstate(all="ignore"):
        arrays = {name: nearest(np.array(column), dtype) for name, column in columns.items()}
        values = function(arrays)
        found: dict[str, list[Difference]] = {}
        start = 1
        for name, claim in claims.items():
            stop = start + len(ladders[name])
            offsets = arrays[name][start:stop] - point[name]
            found[name] = []
            for output, slope in zip(values.T, np.where(np.isfinite(claim), claim, 0.0), strict=True):
                line = _line(offsets, output[start:stop], float(output[0]), precision)
                found[name].append(_judged(name, line, float(slope), precision))
            start = stop
    return found


def _offsets(at: float, precision: _Precision) -> Array:
    """Offsets from ``at``: the ladder up, the ladder down, the noise samples up and down."""
    smallest = precision.form.least * 2.0 ** (precision.first + precision.stride * precision.rungs)
    unit = 2.0 ** math.floor(math.log2(max(abs(at), smallest))) if at else 1.0
    ladder = unit * 2.0 ** -(precision.first + precision.stride * np.arange(precision.rungs))
    noise = [sign * width * unit * _OFFSETS for width in precision.noise_widths for sign in (1, -1)]
    return np.concatenate([ladder, -ladder, *noise])


def _line(offsets: Array, values: Array, centre: float, precision: _Precision) -> _Line:
    rungs = precision.rungs
    up, down = offsets[:rungs], offsets[rungs : 2 * rungs]
    scatters = [_scatter(row) for row in values[2 * rungs :].reshape(-1, len(_OFFSETS))]
    finite = [scatter for scatter in scatters if math.isfinite(scatter)]
    sigma = max(finite, default=0.0)
    return _Line(np.abs(up), up, down, values[:rungs], values[rungs : 2 * rungs], centre, sigma)


def _scatter(values: Array) -> float:
    """Rounding noise at the offsets: the root mean square of what a quadratic through the values leaves over."""
    largest = float(np.max(np.abs(values))) if np.all(np.isfinite(values)) else math.nan
    if not largest > 0:
        return largest
    rest = _LEFT_OVER @ (values / largest)
    return largest * float(np.sqrt(np.sum(rest * rest) / (len(values) - 3)))


def _judged(name: str, line: _Line, claim: float, precision: _Precision) -> Difference:
    up_ok, down_ok = np.isfinite(line.up_values), np.isfinite(line.down_values)
    size = np.fmax(np.fmax(np.abs(line.up_values), np.abs(line.down_values)), abs(line.centre))
    sigma = np.maximum(3 * line.sigma, precision.form.unit * size + precision.form.least)
    right, right_bar = _one_sided(line.up, line.up_values, line.centre, sigma, up_ok)
    left, left_bar = _one_sided(line.down, line.down_values, line.centre, sigma, down_ok)
    both = up_ok & down_ok
    regime = _regime(line, sigma, both, up_ok, down_ok)
    value, bar = math.nan, math.inf
    drowned = line.sigma > np.max(size, initial=0.0, where=both) / 8  # noise as large as the function: too few points
    if regime in ("smooth", "unclear") and both.sum() > COLUMNS and not drowned:
        width = line.up[both] - line.down[both]
        rho = (line.up_values[both] - line.down_values[both] - claim * width) / width
        gap, bar = _extrapolated(line.steps[both], rho, 2 * sigma[both] / width, power=2)
        value = claim + gap
        bar += 2 * precision.form.unit * abs(claim)
    evaluations = 2 * precision.rungs + 4 * len(_OFFSETS)
    return Difference(name, regime, value, bar, left, left_bar, right, right_bar, evaluations)


def _one_sided(offsets: Array, values: Array, centre: float, sigma: Array, usable: Mask) -> tuple[float, float]:
    """The slope from one side by extrapolation in all powers of h; NaN with an infinite bar where there is none."""
    if not math.isfinite(centre) or usable.sum() <= COLUMNS:
        return math.nan, math.inf
    offsets, values, sigma = offsets[usable], values[usable], sigma[usable]
    return _extrapolated(np.abs(offsets), (values - centre) / offsets, 2 * sigma / np.abs(offsets), power=1)


def _regime(line: _Line, sigma: Array, both: Mask, up_ok: Mask, down_ok: Mask) -> str:
    if not math.isfinite(line.centre) or not (up_ok[-3:].all() or down_ok[-3:].all()):
        return "unclear"
    if not both[-3:].all():
        return "one_sided"
    second = np.abs(line.up_values - 2 * line.centre + line.down_values)[both]
    first = np.abs(line.up_values - line.down_values)[both]
    steps, floor = line.steps[both], 12 * sigma[both]
    edges = np.maximum(np.abs(line.up_values - line.centre), np.abs(line.down_values - line.centre))[both][-6:]
    if edges.min() > 30 * sigma[both][-6:].max() and edges.max() < 1.25 * edges.min():
        return "jump"
    if any(0 < power < 0.85 for power in (_growth(steps, first, floor), _growth(steps, second, floor))):
        return "steep"
    return "kink" if 0.85 <= _growth(steps, second, floor) < 1.25 else "smooth"


def _growth(steps: Array, sizes: Array, floor: Array) -> float:
    """The power of h with which ``sizes`` grow, over the finest steps where they stand clear of the noise."""
    clear = np.flatnonzero(sizes > floor)
    if len(clear) < 4 or clear[-1] - clear[-4] != 3:
        return math.nan
    last = clear[-1]
    hidden = sizes[last] / steps[last] * steps[last + 1 :] > 4 * floor[last + 1 :]
    if hidden.any():
        return math.nan
    run = clear[-7:] if len(clear) >= 7 and clear[-1] - clear[-7] == 6 else clear[-4:]
    return float(np.median(np.log2(sizes[run[:-1]] / sizes[run[1:]]) / np.log2(steps[run[:-1]] / steps[run[1:]])))


def _extrapolated(steps: Array, rho: Array, noise: Array, power: int) -> tuple[float, float]:
    """The limit of ``rho`` for h to 0 and its bar, from Neville's table in powers h^power, h^2power, ..."""
    table, spread = [rho], [noise]
    cells: list[tuple[float, float, int]] = []
    for column in range(1, COLUMNS + 1):
        if len(table[-1]) < 2:
            break
        ratio = (steps[:-column] / steps[column:]) ** power
        fine, coarse = table[-1][1:], table[-1][:-1]
        new = fine + (fine - coarse) / (ratio - 1)
        scatter = (ratio * spread[-1][1:] + spread[-1][:-1]) / (ratio - 1)
        worst = np.maximum(np.abs(new - fine), np.abs(new - coarse))
        worst[1:] = np.maximum(worst[1:], np.abs(new[1:] - new[:-1]))
        worst[2:] = np.maximum(worst[2:], np.abs(new[2:] - new[:-2]))
        error = worst + scatter
        cells += [(float(error[k]), float(new[k]), k + column) for k in range(1, len(new)) if math.isfinite(error[k])]
        table.append(new)
        spread.append(scatter)
    cells.sort()
    return _picked([cell for cell in cells[:60] if _stands(cell, steps, rho, noise)])


def _stands(cell: tuple[float, float, int], steps: Array, rho: Array, noise: Array) -> bool:
    """Whether no finer rung contradicts the cell by more than noise and what curvature allows."""
    error, value, rung = cell
    finer = slice(rung + 1, None)
    allowed = 3 * error + 8 * noise[finer] + 4 * abs(rho[rung] - value) * (steps[finer] / steps[rung])
    return bool(np.all(np.abs(rho[finer] - value) <= allowed))


def _picked(cells: Sequence[tuple[float, float, int]]) -> tuple[float, float]:
    """The best cell; its bar is the third best over different rungs, at least the spread of the three, doubled."""
    best: dict[int, tuple[float, float, int]] = {}
    for cell in cells:
        best.setdefault(cell[2], cell)
    chosen = sorted(best.values())[:3]
    if not chosen:
        return math.nan, math.inf
    value = chosen[0][1]
    return value, 2 * max(chosen[-1][0], *(abs(cell[1] - value) for cell in chosen))
