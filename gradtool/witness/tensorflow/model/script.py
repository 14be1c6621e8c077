"""The user's file as it is, run until its first gradient has been looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import tensorflow as tf

from gradtool.evidence import ModelRequest
from gradtool.witness.model.crashes import tell_of_end
from gradtool.witness.model.discovery import Found
from gradtool.witness.model.stopping import quiet_threads
from gradtool.witness.model.user_file import Enough, UserFileError, execute
from gradtool.witness.tensorflow.model.observed import Observed
from gradtool.witness.tensorflow.model.recorder import Recorder
from gradtool.witness.tensorflow.model.watch import Watch

__all__ = ["run_file"]


def run_file(
    request: ModelRequest,
    recorder: Recorder,
    leave: Callable[[Observed | Found], NoReturn],
    *,
    as_main: bool,
    stops: bool,
) -> tuple[Mapping[str, Any], Observed | Found | None]:
    """The names of the file, and what was seen if it asked for a gradient; with ``stops`` it ends there.

    A program that goes on all the same is left by ``leave``.
    """
    if not stops:
        return execute(request.path, request.arguments, as_main=as_main), None
    names: Mapping[str, Any] = {}
    watch = Watch(request, recorder, leave)
    quiet_threads()
    try:
        with watch.watching():
            names = execute(request.path, request.arguments, as_main=as_main)
        watch.over(names)
    except Enough:
        pass
    except UserFileError as error:
        if not watch.seen.backwards and not watch.seen.steps:
            raise
        tell_of_end(error, watch.seen.incidents, watch.seen.notes)
    if not tf.executing_eagerly():
        hint = "gradtool looks at eager programs; remove disable_eager_execution() and disable_v2_behavior()"
        raise UserFileError("the file runs TensorFlow 1 graphs", hint)
    told = watch.told()
    return names, told if isinstance(told, Found) or told.steps else None
