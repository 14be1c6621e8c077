"""The user's file, run for a dtype: what Keras builds keeps the dtype that held when it was built."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import keras
import tensorflow as tf

from gradtool.evidence import Failure, ModelRequest, Record
from gradtool.witness.model.discovery import CASE, Found, Kind
from gradtool.witness.model.search import looked_for
from gradtool.witness.model.user_file import UserFileError, is_users
from gradtool.witness.parting import part
from gradtool.witness.tensorflow.model import BACKEND
from gradtool.witness.tensorflow.model.function import Function, is_leaf
from gradtool.witness.tensorflow.model.leaves import is_model
from gradtool.witness.tensorflow.model.observed import Observed
from gradtool.witness.tensorflow.model.recorder import Recorder
from gradtool.witness.tensorflow.model.script import run_file
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["OWN", "Version", "holding", "prepare", "version"]

OWN = keras.config.floatx()
"""The dtype in which the user's files run where none is asked for."""

_LIBRARIES = frozenset(name.partition(".")[0] for name in sys.modules)
"""Packages that were there before any file of the user's ran."""

_NONE = (keras.Model, keras.Sequential, tf.Module)
KIND = Kind(
    "keras.Model",
    lambda value: is_model(value) and (isinstance(value, keras.Model) or not isinstance(value, keras.layers.Layer)),
    lambda value: isinstance(value, type) and issubclass(value, keras.Model | tf.Module) and value not in _NONE,
    is_model,
    is_leaf,
    Function,
)


@dataclass(frozen=True, slots=True)
class Version:
    """What the file left when it ran in ``dtype``: its names, its model, and the lines that made its layers."""

    dtype: str
    names: Mapping[str, Any]
    found: Found
    sources: Sources


Tell = Callable[[Version | Observed], Iterator[Record]]


def version(request: ModelRequest, dtype: str, tell: Tell | None = None) -> Version | Observed:
    """Run the file in ``dtype``. What was seen instead, if it computes gradients by itself.

    What ``tell`` makes of it is the answer of a program that does not end when it is told to; without it there is none.
    """
    prepare(request.seed, dtype)
    _forget_imports(Path(request.path).parent)
    sources = Sources()
    recorder = Recorder(sources, looking=False)

    def leave(seen: Observed | Found) -> NoReturn:
        recorder.__exit__(None, None, None)
        if tell is None:
            told, hint = (
                f"the file was to run again in {dtype}, and did not end when it was told to",
                "leave out --dtype",
            )
            part([Failure(request.key, "tensorflow", "file", told, hint)])
        part(tell(seen if isinstance(seen, Observed) else Version(dtype, {}, seen, sources)))

    with recorder:
        names, found, seen = looked_for(
            request, KIND, lambda as_main, stops: run_file(request, recorder, leave, as_main=as_main, stops=stops)
        )
    if isinstance(seen, Observed):
        return seen
    found = seen or found
    if found is None:
        raise UserFileError(
            f"{Path(request.path).name} defines no model, and asks for no gradient",
            f"define a keras.Model, or name a function over variables of the file, or "
            f"write {CASE}() that returns (model, inputs, targets, loss)",
        )
    return Version(dtype, names, found, sources)


def prepare(seed: int, dtype: str) -> None:
    """Settle what the file finds when it begins to run, whatever an earlier one has left behind."""
    os.environ["KERAS_BACKEND"] = BACKEND
    keras.utils.clear_session()
    _hold(dtype)
    tf.config.run_functions_eagerly(True)
    # What follows from that is no news to the user.
    warnings.filterwarnings("ignore", "Even though the `tf.config.experimental_run_functions_eagerly`")
    keras.utils.set_random_seed(seed)


@contextlib.contextmanager
def holding(dtype: str) -> Iterator[None]:
    """A time in which whatever is built is built in ``dtype``."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    _hold(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


def _hold(dtype: str) -> None:
    try:
        keras.config.set_floatx(dtype)
    except ValueError:
        raise UserFileError(f"Keras has no models in {dtype}", "float64, float32, float16, bfloat16") from None
    keras.config.set_dtype_policy(dtype)


def _forget_imports(folder: Path) -> None:
    """Modules beside the file may hold parts of the model, which are to be built anew too."""
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None) or "<none>"
        if name.partition(".")[0] not in _LIBRARIES and is_users(path) and Path(path).is_relative_to(folder):
            del sys.modules[name]
