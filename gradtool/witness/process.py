"""Worker processes: started early, written to and read from by threads, killed with everything they started.

The only file that knows processes, and so the first that is imported: a framework takes a second and more to start,
and everything else of gradtool is imported meanwhile. Therefore only the standard library is used here.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable

__all__ = [
    "CALLABLE_TENSORFLOW", "CALLABLE_TORCH", "KERAS_SIDE", "KERAS_TORCH_SIDE", "PAIRING", "SYMBOLIC", "TENSORFLOW",
    "TENSORFLOW_MODEL", "TORCH", "TORCH_MODEL", "TORCH_SIDE", "Process", "start_early",
]  # fmt: skip

TORCH = "gradtool.witness.pytorch.expression"
TENSORFLOW = "gradtool.witness.tensorflow.expression"
SYMBOLIC = "gradtool.witness.symbolic.expression"
TORCH_MODEL = "gradtool.witness.pytorch.model.testimony"
TENSORFLOW_MODEL = "gradtool.witness.tensorflow.model.testimony"
TORCH_SIDE = "gradtool.witness.pytorch.side.testimony"
KERAS_SIDE = "gradtool.witness.keras.on_tensorflow.testimony"
KERAS_TORCH_SIDE = "gradtool.witness.keras.on_torch.testimony"
CALLABLE_TORCH = "gradtool.witness.pytorch.callable.testimony"
CALLABLE_TENSORFLOW = "gradtool.witness.tensorflow.callable.testimony"
PAIRING = "gradtool.witness.pairing.testimony"

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
    "MPLBACKEND": "Agg",
}
"""Nothing that changes a number: a framework is measured as its users run it, and as a printed program does."""
_MODEL = {"TORCHDYNAMO_DISABLE": "1"}
"""What is looked at layer by layer has to run as it is written, not compiled."""
_DRAWN = {"TF_ENABLE_ONEDNN_OPTS": "0"}
"""Where inputs are drawn, shapes are tried that oneDNN's kernels end the process for, as a vector for a convolution."""
_SMALL = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Expressions are small, and their witnesses work side by side; a model has the whole machine."""
_OWN = dict.fromkeys(
    (TORCH_MODEL, TENSORFLOW_MODEL, TORCH_SIDE, KERAS_SIDE, KERAS_TORCH_SIDE, CALLABLE_TORCH), _MODEL
) | {CALLABLE_TENSORFLOW: _DRAWN}
"""Of workers that are not small."""

_early: dict[str, Process] = {}


def start_early(modules: Iterable[str]) -> None:
    """Start workers that ``Process.begin`` will hand out later; those that nobody takes end with the program."""
    for module in modules:
        _early[module] = Process(module)
    atexit.register(_end_early)


def _end_early() -> None:
    while _early:
        _early.popitem()[1].kill()


class Process:
    """One worker in a process group of its own, and three threads: one writes, two read."""

    def __init__(self, module: str) -> None:
        self.relay: Callable[[bytes], None] = lambda _: None
        """Is shown every line that the process prints, as it comes."""
        # -P: the folder the user stands in is no place to import from; it may hold a torch.py.
        self._process = subprocess.Popen(  # noqa: S603  # our own module, no shell
            [sys.executable, "-P", "-m", "gradtool.witness.worker", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT, **_OWN.get(module, _SMALL)},
            cwd=None if os.path.exists(".") else "/",  # noqa: PTH110  # the user's folder may have been removed
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._noise: collections.deque[bytes] = collections.deque(maxlen=100)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        for thread in (self._listener, *(threading.Thread(target=f, daemon=True) for f in (self._read, self._write))):
            thread.start()

    @classmethod
    def begin(cls, module: str) -> Process:
        """A worker for ``module``: one that was started early, else a new one."""
        return _early.pop(module, None) or cls(module)

    def send(self, lines: Iterable[str]) -> None:
        """Hand over requests; a thread writes them, so a full pipe never stops the caller."""
        for line in lines:
            self._outbox.put(line + "\n")

    def receive(
        self, deadline: float, aside: Callable[[str], bool] = lambda _: False, more: float = 0.0
    ) -> tuple[list[str], str]:
        """The lines of one answer; with a reason if the process ended (``gone``) or ``deadline`` passed (``timeout``).

        ``deadline`` is on the clock of ``time.monotonic``. ``aside`` is shown each line as it comes, and keeps those
        that it returns True for. Every line moves the deadline to ``more`` seconds after it, if that is later.
        """
        lines: list[str] = []
        while True:
            ended = self._process.poll() is not None  # before the look: what was written before the end still counts
            try:
                line = self._lines.get(timeout=min(max(deadline - time.monotonic(), 0), 0.2))
            except queue.Empty:
                if ended:  # but something it started keeps the wire open
                    return lines, "gone"
                if time.monotonic() >= deadline:
                    return lines, "timeout"
                continue
            if line is None:
                return lines, "gone"
            if not line:
                return lines, ""
            deadline = max(deadline, time.monotonic() + more)
            if not aside(line):
                lines.append(line)

    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None if the process still runs."""
        try:
            return self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return None

    def noise(self) -> str:
        """The end of what the process wrote to stderr, and to stdout beside its records."""
        if self._process.poll() is not None:
            self._listener.join(timeout=0.5)  # its last words may still be on their way
        return b"".join(list(self._noise))[-4000:].decode(errors="replace")

    def kill(self) -> None:
        """End the process and everything it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # opened above
        for line in self._process.stdout:
            self._lines.put(line.decode().rstrip("\n"))
        self._lines.put(None)

    def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  # opened above
        for line in self._process.stderr:
            self._noise.append(line)
            self.relay(line)

    def _write(self) -> None:
        assert self._process.stdin is not None  # noqa: S101  # opened above
        with contextlib.suppress(OSError):
            while True:
                self._process.stdin.write(self._outbox.get().encode())
                self._process.stdin.flush()
