"""Asks witnesses and keeps their time.

A witness that lacks its framework, raises, crashes, hangs past its deadline or is killed costs one Failure record for
the request it was at; where it is gone, a fresh one is started for the next.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType, TracebackType

from gradtool.evidence import (
    Asked,
    Failure,
    Progress,
    Record,
    decode,
    encode,
)
from gradtool.witness.process import (
    CALLABLE_TENSORFLOW,
    CALLABLE_TORCH,
    KERAS_SIDE,
    KERAS_TORCH_SIDE,
    PAIRING,
    SYMBOLIC,
    TENSORFLOW,
    TENSORFLOW_MODEL,
    TORCH,
    TORCH_MODEL,
    TORCH_SIDE,
    Process,
)

__all__ = ["CALLABLE_WITNESSES", "MODEL_WITNESSES", "PAIR_WITNESSES", "WITNESSES", "Host", "Witness"]


@dataclasses.dataclass(frozen=True, slots=True)
class Witness:
    """A row of the registry: the module that testifies, the name people know, and the pip line that brings it."""

    module: str
    title: str
    install: str = ""


WITNESSES: Mapping[str, Witness] = MappingProxyType(
    {
        "torch": Witness(TORCH, "PyTorch", 'pip install "gradtool[torch]"'),
        "tensorflow": Witness(TENSORFLOW, "TensorFlow", 'pip install "gradtool[tensorflow]"'),
        "symbolic": Witness(SYMBOLIC, "the symbolic witness", "pip install gradtool"),
    }
)

MODEL_WITNESSES: Mapping[str, Witness] = MappingProxyType(
    {
        "torch": dataclasses.replace(WITNESSES["torch"], module=TORCH_MODEL),
        "tensorflow": dataclasses.replace(WITNESSES["tensorflow"], module=TENSORFLOW_MODEL),
    }
)

CALLABLE_WITNESSES: Mapping[str, Witness] = MappingProxyType(
    {
        "torch": dataclasses.replace(WITNESSES["torch"], module=CALLABLE_TORCH),
        "tensorflow": dataclasses.replace(WITNESSES["tensorflow"], module=CALLABLE_TENSORFLOW),
        "symbolic": WITNESSES["symbolic"],
    }
)

PAIR_WITNESSES: Mapping[str, Witness] = MappingProxyType(
    {
        "torch": dataclasses.replace(WITNESSES["torch"], module=TORCH_SIDE),
        "keras": Witness(KERAS_SIDE, "Keras on TensorFlow", 'pip install "gradtool[tensorflow]"'),
        "keras_torch": Witness(KERAS_TORCH_SIDE, "Keras on PyTorch", 'pip install "gradtool[all]"'),
        "pairing": Witness(PAIRING, "the comparison", "pip install gradtool"),
    }
)
"""Who compares two models: the sides, and a room that knows no framework."""


def _decoded(lines: list[str], reason: str) -> tuple[list[Record], str]:
    """The records of ``lines``; a line cut short by the death of its writer ends them."""
    records: list[Record] = []
    for line in lines:
        try:
            records.append(decode(line))
        except (ValueError, KeyError):
            return records, reason or "gone"
    return records, reason


class Host:
    """The witnesses of one run. Use it as a context manager: leaving it ends every process.

    ``timeout`` is the longest that a witness may take for one request, its start included, in seconds; with
    ``restarting`` for each record of an answer, and each Progress. ``heard`` is told at once how far a long answer has
    come, ``relay`` is shown what the processes print. ``last`` is the last Progress of the latest answer.
    """

    def __init__(
        self,
        names: Iterable[str],
        timeout: float,
        registry: Mapping[str, Witness] = WITNESSES,
        heard: Callable[[Progress], None] | None = None,
        relay: Callable[[bytes], None] | None = None,
        *,
        restarting: bool = False,
    ) -> None:
        self.timeout = timeout
        self.heard = heard
        self.registry = registry
        self.restarting = restarting
        self.last: Progress | None = None
        self._processes = {name: Process.begin(registry[name].module) for name in names}
        if relay is not None:
            for process in self._processes.values():
                process.relay = relay

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.kill()

    def ask(self, name: str, requests: Iterable[Asked]) -> Iterator[list[Record]]:
        """The records with which witness ``name`` answers each of ``requests``, in their order.

        Everything is handed over at once, before this returns, so two witnesses asked in turn work at the same time.
        A failure is the last record of its list.
        """
        pending = list(requests)
        self._processes[name].send(encode(request) for request in pending)
        return self._answers(name, pending)

    def _answers(self, name: str, pending: list[Asked]) -> Iterator[list[Record]]:
        for index, request in enumerate(pending):
            process = self._processes[name]
            self.last = None
            more = self.timeout if self.restarting else 0.0
            lines, reason = process.receive(time.monotonic() + self.timeout, self._is_progress, more)
            records, reason = _decoded(lines, reason)
            if reason:
                records.append(self._failure(name, request.key, reason, process))
                self._processes[name] = Process.begin(self.registry[name].module)
                self._processes[name].send(encode(request) for request in pending[index + 1 :])
            yield [self._titled(name, record) for record in records]

    def _is_progress(self, line: str) -> bool:
        if '"type":"Progress"' not in line[:40]:
            return False
        record = decode(line)
        if isinstance(record, Progress):
            self.last = record
            if self.heard is not None:
                self.heard(record)
        return True

    def _titled(self, name: str, record: Record) -> Record:
        """A Failure from inside a worker, with the witness's own name and remedy."""
        if not isinstance(record, Failure) or record.witness == name:
            return record
        witness = self.registry[name]
        if record.reason == "missing":
            return dataclasses.replace(
                record, witness=name, message=f"{witness.title} is not installed", hint=witness.install
            )
        colon = ":" if record.reason == "file" else ""  # what the user's file did is a sentence of its own
        return dataclasses.replace(record, witness=name, message=f"{witness.title}{colon} {record.message}")

    def _failure(self, name: str, key: int, reason: str, process: Process) -> Failure:
        title, during = self.registry[name].title, f", {self.last.doing}" if self.last else ""
        code = None if reason == "timeout" else process.exit_code()  # its end first, then its last words
        noise = process.noise()
        process.kill()
        if reason == "timeout":
            message = f"{title} gave no answer within {self.timeout:g} s{during}{',' * bool(during)} and was stopped"
            return Failure(key, name, "timeout", message, "raise --timeout, or make the problem smaller", noise)
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                reason = signal.Signals(-code).name
            hint = "out of memory?" if reason == "SIGKILL" else "run with --debug for what it printed"
            return Failure(key, name, "killed", f"{title} was killed ({reason}){during}", hint, noise)
        message = f"{title} ended without an answer (exit code {code}){during}"
        return Failure(key, name, "crashed", message, "run with --debug for what it printed", noise)
