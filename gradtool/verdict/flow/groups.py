"""Parameters told together: one cause is one sentence, however many parameters it strikes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from gradtool.evidence import Layer, ModelEvidence, Parameter

__all__ = ["WHOLE", "called", "group_of", "listed", "paths", "places", "trainable"]

WHOLE = "model"
"""Where a finding is that concerns every parameter."""

TOLD = 3
"""So many names stand in a sentence before "and 7 more"."""

_SEPARATOR = re.compile(r"[./]")
"""PyTorch writes ``encoder.0.weight``, Keras ``encoder/dense/kernel``."""


_BARE = re.compile(r"\d+([./]\d+)*")


def trainable(evidence: ModelEvidence) -> list[Parameter]:
    """The parameters that are meant to learn."""
    return [parameter for parameter in evidence.parameters if parameter.trainable]


def group_of(hit: Sequence[Parameter], among: Sequence[Parameter], what: str = "parameters") -> tuple[str, str]:
    """Where the parameters ``hit`` are, and a phrase that counts and names them.

    A module all of whose parameters ``among`` those that come into question are hit stands for them. The place is the
    first module or parameter of the phrase; ``what`` is what they are called.
    """
    everything, struck = _count(among), _count(hit)
    groups: dict[str | None, list[Parameter]] = {}
    alone: list[tuple[str, str]] = []
    for parameter in hit:
        whole = (path for path in paths(parameter.layer) if struck[path] == everything[path])
        groups.setdefault(next(whole, None), []).append(parameter)
    for path, members in groups.items():
        if path is None or len(members) == 1:
            alone += [(member.name, member.name) for member in members]
        elif path == "":
            alone.append((WHOLE, f"all {len(members)} {what}"))
        else:
            alone.append((path, f"{len(members)} {what} of {called(path) if _BARE.fullmatch(path) else f'{path}.*'}"))
    return alone[0][0], listed([text for _, text in alone])


def called(name: str, kind: str = "") -> str:
    """What a layer is called in a sentence: a member of a Sequential, which is a mere number, ``layer 1 (ReLU)``."""
    if not _BARE.fullmatch(name):
        return name
    return f"layer {name} ({kind})" if kind else f"layer {name}"


def listed(names: Iterable[str]) -> str:
    """A few names and the number of the others."""
    every = list(names)
    if len(every) <= TOLD + 1:
        return ", ".join(every)
    return f"{', '.join(every[:TOLD])} and {len(every) - TOLD} more"


def places(layers: Iterable[Layer], parameters: Iterable[Parameter]) -> dict[str, int]:
    """Where in the order of execution each parameter is used: the place of its layer, or of the nearest one around it.

    A parameter is left out where no layer around it was ever called.
    """
    known = {layer.name: layer.place for layer in layers}
    found = {}
    for parameter in parameters:
        around = (path for path in reversed(paths(parameter.layer)) if path in known)
        nearest = next(around, None)
        if nearest is not None:
            found[parameter.name] = known[nearest]
        elif not parameter.layer and known:  # of the model itself, which ran if anything did
            found[parameter.name] = min(known.values())
    return found


def _count(parameters: Iterable[Parameter]) -> Counter[str]:
    """How many parameters there are in every module."""
    return Counter(path for parameter in parameters for path in paths(parameter.layer))


def paths(layer: str) -> list[str]:
    """The modules around ``layer``, from the whole model ("") to itself."""
    return list(dict.fromkeys(["", *(layer[: match.start()] for match in _SEPARATOR.finditer(layer)), layer]))
