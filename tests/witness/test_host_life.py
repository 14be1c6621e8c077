"""The host: no process outlives the run, and no amount of work stops it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from asking import Registry, alive, figure, gone_within, requests

from gradtool.witness.host import Host


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("word", ["parent", "parent sleeps", "parent exits"])
def test_nothing_is_alive_after_the_block(word: str, error: type[BaseException] | None, registry: Registry) -> None:
    """Neither the worker, nor what it started, however the block ends and whether or not the worker still ran."""
    seen: list[float] = []

    def block() -> None:
        with Host(["rogue", "other"], 1, registry) as host:
            (records,) = host.ask("rogue", requests(word))
            seen.extend([figure(records), figure(records, "child")])
            seen.extend(process._process.pid for process in host._processes.values())
            if error:
                raise error

    _run_expecting(error, block)
    assert len(seen) == 4
    assert [gone_within(pid, 1) for pid in seen] == [True] * 4


def _run_expecting(error: type[BaseException] | None, block: Callable[[], None]) -> None:
    with pytest.raises(error) if error else contextlib.nullcontext():
        block()


def test_a_huge_request_is_answered_whole(registry: Registry) -> None:
    """Twenty megabytes fill every pipe many times over."""
    with Host(["rogue"], 60, registry) as host:
        huge, small = host.ask("rogue", requests("x" * 20_000_000, "x"))
    assert figure(huge, "length") == 20_000_000
    assert figure(small, "length") == 1


def test_two_thousand_requests_to_two_witnesses_are_answered_in_order(registry: Registry) -> None:
    """Requests and answers of 2 MB in each direction: if both sides only wrote, both would wait for ever."""
    with Host(["rogue", "other"], 60, registry) as host:
        asked = requests(*["echo " + "x" * 1000] * 2000)
        answers = [host.ask(name, asked) for name in ("rogue", "other")]
        time.sleep(1)
        for received in answers:
            assert [records[0].key for records in received] == list(range(1, 2001))


def test_asking_twice_answers_twice(registry: Registry) -> None:
    with Host(["rogue"], 20, registry) as host:
        first = [records[0].key for records in host.ask("rogue", requests("a", "b"))]
        second = [records[0].key for records in host.ask("rogue", requests("c"))]
        nothing = list(host.ask("rogue", []))
    assert (first, second, nothing) == ([1, 2], [1], [])


_PARENT = """
import sys, time
from gradtool.evidence import Request
from gradtool.witness.host import Host, Witness
requests = [Request(key, word, {"x": 1.0}, ["x"], "torch") for key, word in enumerate(sys.argv[1:])]
with Host(["rogue"], 60, {"rogue": Witness("rogues", "The rogue")}) as host:
    print(int(next(host.ask("rogue", requests))[0].points[0]["pid"]), flush=True)
    time.sleep(60)
"""


@contextlib.contextmanager
def program(*words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A program that asks a rogue, and the worker's id once the first request is answered."""
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert alive(worker)
        time.sleep(0.2)
        yield parent, worker


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("words", [["well"], ["well", "sleeps"], ["well", "deaf"]], ids=["idle", "busy", "deaf"])
def test_a_worker_whose_parent_is_killed_leaves_by_itself(words: list[str]) -> None:
    """SIGKILL gives the parent no chance to end its workers: they see their stdin close, at work or not."""
    with program(*words) as (parent, worker):
        parent.kill()
    assert gone_within(worker, 2)


@pytest.mark.usefixtures("registry")
def test_an_interrupted_program_leaves_no_worker() -> None:
    """Ctrl-C reaches the program alone, as each worker has a group of its own; leaving the block ends the worker."""
    with program("well", "sleeps") as (parent, worker):
        assert os.getpgid(worker) != os.getpgid(parent.pid)
        parent.send_signal(signal.SIGINT)
        assert parent.wait(5) != 0
        assert not alive(worker)
