"""Which layer is which where kind, shapes and names leave a choice: by what feeds what in either model.

One layer feeds another if changing its weights changes the other's output. Layers may be partners only where they
feed, and are fed by, partners (colour refinement, then search); of what is left the likeliest feed the same functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gradtool.evidence import Reach, Side

__all__ = ["TRIES", "Ways", "ways"]

TRIES = 24
"""So many ways are tried."""
STEPS = 20_000
"""So many partners are looked at before the search ends; what it has not seen is then not certain."""

Way = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways, the likeliest first; ``certain`` where what feeds what leaves the first alone."""

    found: list[Way]
    certain: bool


class _Fed:
    """What feeds what among the layers with weights of one side, by their places; and what the inputs feed."""

    def __init__(self, side: Side, reach: Reach) -> None:
        self.places = [place for place, layer in enumerate(side.layers) if layer.weights]
        known = set(reach.known)
        changed = [set(names) for names in reach.changed]
        self._after = dict(zip(self.places, changed, strict=False))
        self.feeds = {
            (one, other): one != other and self._reached(side, one, other, known, changed[number])
            for number, one in enumerate(self.places)
            for other in self.places
        }
        inputs = changed[len(self.places) :]
        self.ends = {
            place: (
                *(f"value:{_shown(side, place, known)}" in names for names in inputs),
                *(f"output:{k}" in self._after[place] for k in range(len(side.outputs))),
            )
            for place in self.places
        }
        self.functions = {
            place: Counter(
                (layer.kind, layer.config.get("function", ""))
                for number, layer in enumerate(side.layers)
                if not layer.weights and f"value:{number}" in self._after[place]
            )
            for place in self.places
        }

    def _reached(self, side: Side, one: int, other: int, known: set[str], changed: set[str]) -> bool:
        name = side.layers[other].name
        calls = [number for number, layer in enumerate(side.layers) if layer.name == name]
        if f"value:{other}" not in known and other < one <= _shown(side, other, known):
            return False  # a layer inside another, whose output is not known, and one behind it there
        return any(f"value:{_shown(side, call, known)}" in changed for call in calls)


def _shown(side: Side, place: int, known: set[str]) -> int:
    """The place itself, or the next whose output is known."""
    return next((k for k in range(place, len(side.layers)) if f"value:{k}" in known), place)


def ways(
    sides: tuple[Side, Side], reached: Sequence[Reach], may: Mapping[int, Sequence[int]], settled: Mapping[int, int]
) -> Ways:
    """Partners for all that ``may`` have several, where those in ``settled`` are known."""
    fed = _Fed(sides[0], reached[0]), _Fed(sides[1], reached[1])
    colours = _refined(fed, may, settled)
    likely = {
        mine: sorted((o for o in fits if colours[1][o] == colours[0][mine]), key=lambda o: _unlike(fed, mine, o))
        for mine, fits in may.items()
    }
    search = _Search(fed, likely, settled)
    found = list(search.run())
    found.sort(key=lambda way: sum(_unlike(fed, *pair) for pair in way))
    costs = [sum(_unlike(fed, *pair) for pair in way) for way in found[:2]]
    return Ways(found[:TRIES], bool(found) and len(set(costs)) == len(costs) and not search.cut)


def _unlike(fed: tuple[_Fed, _Fed], mine: int, other: int) -> int:
    """How many functions one of two feeds and the other does not."""
    one, two = fed[0].functions[mine], fed[1].functions[other]
    return (one - two).total() + (two - one).total()


def _refined(
    fed: tuple[_Fed, _Fed], may: Mapping[int, Sequence[int]], settled: Mapping[int, int]
) -> tuple[dict[int, object], dict[int, object]]:
    """A colour for each place: partners have the same one."""
    back = {other: mine for mine, other in settled.items()}
    names: tuple[dict[int, object], dict[int, object]] = (
        {place: (place if place in settled else -1, fed[0].ends[place]) for place in fed[0].places},
        {place: (back.get(place, -1), fed[1].ends[place]) for place in fed[1].places},
    )
    for _ in range(len(may)):
        numbers: dict[object, int] = {}
        after = tuple(
            {
                place: numbers.setdefault(
                    (
                        old[place],
                        tuple(sorted(str(old[o]) for o in side.places if side.feeds[place, o])),
                        tuple(sorted(str(old[o]) for o in side.places if side.feeds[o, place])),
                    ),
                    len(numbers),
                )
                for place in side.places
            }
            for side, old in zip(fed, names, strict=True)
        )
        before, names = names, ({**after[0]}, {**after[1]})
        if len(set(names[0].values())) == len(set(before[0].values())):
            break
    return names


class _Search:
    """All ways, by taking partners one after the other and going back; ``cut`` says that it ended before its time."""

    def __init__(self, fed: tuple[_Fed, _Fed], likely: Mapping[int, Sequence[int]], settled: Mapping[int, int]) -> None:
        self._fed, self._likely = fed, likely
        self._known = [(m, o) for m, o in settled.items() if m in fed[0].ends and o in fed[1].ends]
        self._steps = 0
        self.cut = False

    def run(self) -> Iterator[Way]:
        yield from self._from(0, [])

    def _from(self, at: int, way: Way) -> Iterator[Way]:
        places = list(self._likely)
        if at == len(places):
            yield list(way)
            return
        for other in self._likely[places[at]]:
            self._steps += 1
            if self._steps > STEPS:
                self.cut = True
                return
            if all(other != o for _, o in way) and self._consistent(places[at], other, way):
                yield from self._from(at + 1, [*way, (places[at], other)])

    def _consistent(self, mine: int, other: int, way: Way) -> bool:
        one, two = self._fed[0].feeds, self._fed[1].feeds
        return all(one[mine, m] == two[other, o] and one[m, mine] == two[o, other] for m, o in [*self._known, *way])
