"""The user's file as it is, run until its first backward pass has left its gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from gradtool.evidence import ModelRequest
from gradtool.witness.model.crashes import tell_of_end
from gradtool.witness.model.stopping import quiet_threads
from gradtool.witness.model.user_file import Enough, UserFileError, execute
from gradtool.witness.pytorch.causes.finders import Search
from gradtool.witness.pytorch.model.observed import Observed
from gradtool.witness.pytorch.model.recorder import Recorder
from gradtool.witness.pytorch.model.watch import Watch
from gradtool.witness.pytorch.model.watched import watched

__all__ = ["run_file"]


def run_file(
    request: ModelRequest, leave: Callable[[Observed], NoReturn], *, as_main: bool, stops: bool
) -> tuple[Mapping[str, Any], Observed | None]:
    """The names of the file, and what was seen if it ran a backward pass; with ``stops`` it ends there.

    A program that goes on all the same is left by ``leave``.
    """
    if not stops:
        return execute(request.path, request.arguments, as_main=as_main), None
    names: Mapping[str, Any] = {}
    with Recorder() as recorder, Search(request.find) as search:
        watch = Watch(request, recorder, search, leave)
        quiet_threads()
        try:
            with watched(watch), watch.loop.watched(), recorder.changes.named():
                names = execute(request.path, request.arguments, as_main=as_main)
            watch.over()
        except Enough:
            pass
        except UserFileError as error:
            if not watch.seen.backwards and not watch.seen.steps:
                raise
            tell_of_end(error, watch.seen.incidents, watch.seen.notes)
    seen = watch.told()
    return names, seen if seen.steps else None
