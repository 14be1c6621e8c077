"""The host: whatever a witness does costs one Failure, and the other answers are unharmed."""

from __future__ import annotations

import time

import pytest
from asking import Registry, alive, figure, gone_within, requests

from gradtool.evidence import Failure, Points
from gradtool.witness.host import Host

MISDEEDS = {
    "raises": ("raised", ["The rogue", "ValueError", "seven is not a prime"], "--debug"),
    "memory": ("memory", ["The rogue", "memory"], "smaller"),
    "leaves": ("raised", ["The rogue", "SystemExit", "5"], "--debug"),
    "interrupt": ("raised", ["The rogue", "KeyboardInterrupt"], "--debug"),
    "kill": ("killed", ["The rogue", "SIGKILL"], "memory"),
    "segfault": ("killed", ["The rogue", "SIGSEGV"], "--debug"),
    "exit": ("crashed", ["The rogue", "exit code 3"], "--debug"),
    "fork exits": ("crashed", ["The rogue", "exit code 3"], "--debug"),
    "half a line": ("killed", ["The rogue", "SIGKILL"], "memory"),
}


@pytest.mark.parametrize("word", MISDEEDS)
def test_a_misdeed_is_one_failure_and_the_neighbours_are_answered(word: str, registry: Registry) -> None:
    reason, words, hint = MISDEEDS[word]
    with Host(["rogue", "other"], 5, registry) as host:
        rogue, other = host.ask("rogue", requests("well", word, "well")), host.ask("other", requests("a", "b", "c"))
        before, failed, after = list(rogue)
        assert [[record.key for record in records] for records in other] == [[1], [2], [3]]
    assert figure(before)
    assert figure(after)
    (failure,) = failed
    assert isinstance(failure, Failure)
    assert (failure.key, failure.witness, failure.reason) == (2, "rogue", reason)
    assert all(part in failure.message for part in words), failure.message
    assert "\n" not in failure.message
    assert hint in failure.hint
    fresh = reason in ("killed", "crashed")
    assert (figure(before) != figure(after)) == fresh, "a dead process is replaced, a living one is kept"


@pytest.mark.parametrize("word", ["raises", "memory", "leaves"])
def test_the_traceback_of_what_was_raised_is_kept_as_detail(word: str, registry: Registry) -> None:
    with Host(["rogue"], 20, registry) as host:
        ((failure,),) = host.ask("rogue", requests(word))
    assert isinstance(failure, Failure)
    assert "Traceback" in failure.detail
    assert "rogues.py" in failure.detail


def test_the_last_words_of_a_killed_process_are_kept_as_detail(registry: Registry) -> None:
    with Host(["rogue"], 20, registry) as host:
        ((failure,),) = host.ask("rogue", requests("kill"))
    assert isinstance(failure, Failure)
    assert "last words" in failure.detail


@pytest.mark.parametrize("word", ["sleeps", "deaf", "parent sleeps"])
def test_a_witness_past_its_deadline_is_stopped_in_time(word: str, registry: Registry) -> None:
    with Host(["rogue"], 0.5, registry) as host:
        pid = host._processes["rogue"]._process.pid
        began = time.monotonic()
        (records,) = host.ask("rogue", requests(word))
        assert 0.4 < time.monotonic() - began < 5
        assert not alive(pid)
    failure = records[-1]
    assert isinstance(failure, Failure)
    assert (failure.key, failure.reason) == (1, "timeout")
    assert "The rogue" in failure.message
    assert "0.5 s" in failure.message
    assert "--timeout" in failure.hint
    if word == "parent sleeps":
        assert gone_within(figure(records, "child"), 2), "the whole group is killed"


def test_only_the_request_that_hangs_is_lost(registry: Registry) -> None:
    with Host(["rogue"], 2, registry) as host:
        hanging, *others = host.ask("rogue", requests(*["first hangs"] * 3))
    assert [record.reason for record in hanging if isinstance(record, Failure)] == ["timeout"]
    assert [records[0].key for records in others] == [2, 3]
    assert figure(others[0]) == figure(others[1]), "one fresh process answers the rest"


@pytest.mark.parametrize(("word", "reason"), [("answers then dies", "killed"), ("answers then raises", "raised")])
def test_what_was_answered_before_death_is_kept(word: str, reason: str, registry: Registry) -> None:
    with Host(["rogue"], 20, registry) as host:
        first, second = host.ask("rogue", requests(word, "well"))
    answered, failure = first
    assert isinstance(answered, Points)
    assert isinstance(failure, Failure)
    assert failure.reason == reason
    assert figure(second)


@pytest.mark.parametrize(
    ("name", "reason", "message", "hint"),
    [
        ("broken", "raised", "Broken raised RuntimeError: no import", "--debug"),
        ("needy", "missing", "Needy is not installed", "pip install needy"),
        ("absent", "missing", "Absent is not installed", "pip install absent"),
    ],
)
def test_a_module_that_can_not_be_imported_refuses_each_request(
    name: str, reason: str, message: str, hint: str, registry: Registry
) -> None:
    with Host([name], 20, registry) as host:
        answers = list(host.ask(name, requests("a", "b")))
    for key, records in enumerate(answers, 1):
        (failure,) = records
        assert isinstance(failure, Failure)
        assert (failure.key, failure.witness, failure.reason, failure.message) == (key, name, reason, message)
        assert hint in failure.hint


@pytest.mark.parametrize("word", ["noise", "much noise"])
def test_noise_on_every_channel_never_corrupts_an_answer(word: str, registry: Registry) -> None:
    with Host(["rogue"], 30, registry) as host:
        answers = list(host.ask("rogue", requests(word, "well", word)))
    assert [len(records) for records in answers] == [1, 1, 1]
    assert len({figure(records) for records in answers}) == 1
