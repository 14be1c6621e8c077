"""gradtool.check: a live function in the caller's process -> evidence -> verdict."""

from __future__ import annotations

import atexit
import functools
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gradtool.evidence import Asked, CallableRequest, Record
from gradtool.pipeline.exact_callables import exactly
from gradtool.pipeline.judged_callables import recorded
from gradtool.settings import CheckSettings
from gradtool.verdict.record import CheckRecord
from gradtool.witness.callable.structure import leaves
from gradtool.witness.host import Host

__all__ = ["checked"]

SECONDS = 60.0
"""What the symbolic witness may take for one callable."""

ROOMS: Mapping[str, str] = {
    "torch": "gradtool.witness.pytorch.callable.testimony",
    "tensorflow": "gradtool.witness.tensorflow.callable.testimony",
    "keras": "gradtool.witness.tensorflow.callable.testimony",
}
"""The room of a framework, by the package that its tensors and modules come from."""


def checked(
    function: Any,
    arguments: Sequence[Any] | Mapping[str, Any],
    keywords: Mapping[str, Any],
    *,
    wrt: Sequence[str],
    order: int,
    upstream: Any,
    surrogate: bool,
    seed: int,
    exact: bool,
) -> list[CheckRecord]:
    """The records of ``function`` at its arguments, as ``gradtool.check`` documents it."""
    room = importlib.import_module(_room(function, [arguments, keywords]))
    request = CallableRequest(-1, "", wrt=list(wrt), seed=seed, order=order, surrogate=surrogate)
    evidence = room.live(function, arguments, keywords, request, upstream)
    told = None if upstream is None else "given"
    settings = CheckSettings(framework=evidence.witness, dtype=evidence.dtype, seed=seed, order=order, upstream=told)
    answers = exactly(evidence, settings, _Symbolic()) if exact else [("", []) for _ in evidence.points]
    return list(recorded(evidence, evidence.name, settings, answers))


def _room(function: Any, values: list[Any]) -> str:
    """The room of the framework that the values, or else the function, come from."""
    for leaf in (*(leaf for _, leaf in leaves(values)), function):
        for kind in (leaf if isinstance(leaf, type) else type(leaf)).__mro__:
            if room := ROOMS.get(kind.__module__.partition(".")[0]):
                return room
    raise TypeError("the inputs are tensors of neither PyTorch nor TensorFlow: give at least one such tensor")


class _Symbolic:
    """The symbolic witness, started when it is first asked and kept for the next check."""

    def ask(self, name: str, requests: Iterable[Asked]) -> Iterator[list[Record]]:
        """Nothing is started for nothing."""
        pending = list(requests)
        return _host().ask(name, pending) if pending else iter(())


@functools.cache
def _host() -> Host:
    host = Host(["symbolic"], SECONDS)
    atexit.register(host.__exit__, None, None, None)
    return host
