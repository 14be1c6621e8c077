"""Which line is guilty of a NaN or an infinity: gradtool's finder beside ``tf.debugging.enable_check_numerics``.

    python benchmarks/causes_check_numerics.py

Both see the programs of tests/corpus/causes_nonfinite_tensorflow.py, run eagerly, each of which marks its guilty line.
The peer is right if the last of the program's lines in its traceback is that line; it names no kind. Healthy are the
twins, and the programs in which an infinity is meant; on them any accusation is a false alarm. Half a minute.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

# TensorFlow reads its log level, and the tests' programs are found, only from here on: hence E402.
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from corpus.causes_case import Case  # noqa: E402
from corpus.causes_nonfinite_tensorflow import CASES, INTENDED  # noqa: E402

from gradtool.witness.causes.replay import Wanted  # noqa: E402
from gradtool.witness.tensorflow.causes.births import Births, level  # noqa: E402
from gradtool.witness.tensorflow.model.parameters import Named, tensor_of  # noqa: E402
from gradtool.witness.tensorflow.model.recorder import Recorder  # noqa: E402
from gradtool.witness.tensorflow.model.sources import Sources  # noqa: E402


@contextlib.contextmanager
def program(case: Case, folder: Path, watch: Callable[[Sources], Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """The names of the program, run in ``folder``, and what watches from its first line on."""
    before = Path.cwd()
    for title, text in {"model.py": case.text, **case.files}.items():
        (folder / title).write_text(text, encoding="utf-8")
    for title in case.files:
        sys.modules.pop(Path(title).stem, None)
    keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(0)
    linecache.clearcache()
    names: dict[str, Any] = {"__name__": "model"}
    sources = Sources()
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    try:
        with watch(sources) as watching:
            with Recorder(sources, looking=False):
                exec(compile(case.text, str(folder / "model.py"), "exec"), names)  # noqa: S102  # the corpus' own
            yield names, watching
    finally:
        os.chdir(before)
        sys.path.remove(str(folder))


@contextlib.contextmanager
def checking(_: Sources) -> Iterator[None]:
    """The time in which the peer looks on."""
    tf.debugging.enable_check_numerics()
    try:
        yield
    finally:
        tf.debugging.disable_check_numerics()


def peer(case: Case) -> str:
    """The line that check_numerics accuses, as ``model.py:12``; empty if it says nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        try:
            with program(case, folder, checking) as (names, _):
                with tf.GradientTape() as tape:
                    loss = names["loss"]()
                tape.gradient(loss, [tensor_of(one) for one in names["variables"]])
        except tf.errors.InvalidArgumentError as error:
            lines = [(Path(one.filename), one.lineno) for one in traceback.extract_tb(error.__traceback__)]
            own = [f"{file.name}:{number}" for file, number in lines if file.parent == folder]
            return own[-1] if own else "somewhere"
    return ""


def ours(case: Case) -> set[tuple[str, str]]:
    """The kind and the line of everything that the finder accuses."""
    with tempfile.TemporaryDirectory() as name, program(case, Path(name).resolve(), Births) as (names, finder):
        rows = [Named(str(place), tensor_of(one), "", "") for place, one in enumerate(names["variables"])]
        with tf.GradientTape() as tape:
            loss = names["loss"]()
        tape.gradient(loss, [row.tensor for row in rows])
        bad = [row.name for row in rows if any(level(one) for one in finder.history.gradients(row.tensor))]
        causes = finder.told([tape], [loss], rows, Wanted(nonfinite=bad, loss=level(loss) > 0))
        return {(one.kind, one.line.source) for one in causes}


def scores(cases: Sequence[Case]) -> dict[str, tuple[int, int]]:
    """By tool: how many lines are right, and how many healthy programs are accused."""
    tf.config.run_functions_eagerly(True)
    rights = dict.fromkeys(("gradtool", "check_numerics"), 0)
    alarms = dict.fromkeys(rights, 0)
    for case in cases:
        accused, found = peer(case), ours(case)
        rights["check_numerics"] += accused == case.line()
        rights["gradtool"] += found == {(case.kind, case.line())}
        alarms["check_numerics"] += bool(peer(case.healthy()))
        alarms["gradtool"] += bool(ours(case.healthy()))
        print(f"{case.name}: check_numerics {'right' if accused == case.line() else accused or 'silent'}")
    for name, text in INTENDED.items():
        case = Case(name, "", text, ("", ""))
        alarms["check_numerics"] += bool(peer(case))
        alarms["gradtool"] += bool(ours(case))
    return {tool: (rights[tool], alarms[tool]) for tool in rights}


def main() -> None:
    """Print both scores; with a number N, of every Nth program."""
    cases = list(CASES.values())[:: int(sys.argv[1]) if len(sys.argv) > 1 else 1]
    healthy = len(cases) + len(INTENDED)
    for tool, (right, alarms) in scores(cases).items():
        print(f"{tool}: {right} of {len(cases)} lines right, {alarms} of {healthy} healthy programs accused")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
