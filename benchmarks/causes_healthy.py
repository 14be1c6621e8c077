"""What a program without a fault pays for being watched for one: causes_healthy.py torch|keras MODULE.

It trains the model of MODULE for three steps, as ``gradtool flow FILE.py --train 3`` watches it. In turn with that,
what is looked at for the sake of causes and of faults of the loop is left out. Prints pairs of processor seconds.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from gradtool.evidence import ModelRequest, Training

ROUNDS = 5
PROGRAMS = {
    "torch": """
import torch, {module}
model, inputs, targets, objective = {module}.gradtool_case()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for _ in range(3):
    optimizer.zero_grad()
    objective(model(inputs), targets).backward()
    optimizer.step()
""",
    "keras": """
import keras, tensorflow as tf, {module}
model, inputs, targets, objective = {module}.gradtool_case()
optimizer = keras.optimizers.SGD(1e-3)
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = objective(targets, model(inputs, training=True))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
""",
}


class Nobody:
    """Watches no loop."""

    mode, rebound, found = "", False, False

    def __init__(self, *_: object) -> None:
        self.incidents: list[Any] = []
        self.scalers: list[Any] = []
        self.made: dict[Any, str] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Nothing is."""
        yield

    def told(self) -> list[Any]:
        """Nothing."""
        return []

    def nothing(self, *_: object, **__: object) -> None:
        """Looks away."""

    look = before = after = step = is_early = nothing


def torch_run(request: ModelRequest, leave: Callable[..., Any]) -> Callable[[], Any]:
    """One run of the program in PyTorch."""
    from gradtool.witness.pytorch.model.script import run_file  # noqa: PLC0415  # one framework in a process

    return lambda: run_file(request, leave, as_main=True, stops=True)


def keras_run(request: ModelRequest, leave: Callable[..., Any]) -> Callable[[], Any]:
    """One run of the program in TensorFlow."""
    from gradtool.witness.tensorflow.model.recorder import Recorder  # noqa: PLC0415
    from gradtool.witness.tensorflow.model.script import run_file  # noqa: PLC0415

    def run() -> None:
        with Recorder() as recorder:
            run_file(request, recorder, leave, as_main=True, stops=True)

    return run


RUNS = {"torch": torch_run, "keras": keras_run}
WATCHERS = {
    "torch": [
        ("gradtool.witness.pytorch.model.watch", "Loop", Nobody),
        ("gradtool.witness.pytorch.model.recorder", "Rejoined", Nobody),
        ("gradtool.witness.pytorch.model.recorder", "may_change", lambda *_: False),
    ],
    "keras": [("gradtool.witness.tensorflow.model.watch", "Loop", Nobody)],
}
"""What looks on for their sake, and what looks away in its place."""


@contextmanager
def looked_away(framework: str) -> Iterator[None]:
    """Inside, nobody watches for a fault."""
    places = [(importlib.import_module(module), name, blind) for module, name, blind in WATCHERS[framework]]
    own = [getattr(place, name) for place, name, _ in places]
    for place, name, blind in places:
        setattr(place, name, blind)
    try:
        yield
    finally:
        for (place, name, _), kept in zip(places, own, strict=True):
            setattr(place, name, kept)


def main(framework: str, module: str) -> None:
    """Print the pairs."""
    here = str(Path(__file__).resolve().parent)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "train.py"
        program.write_text(f"import sys\nsys.path.insert(0, {here!r})\n" + PROGRAMS[framework].format(module=module))
        request = ModelRequest(1, str(program), script=True, training=Training(3))
        run = RUNS[framework](request, lambda *_: sys.exit("the program went on"))

        def seconds(context: Any) -> float:
            with context:
                began = time.process_time()
                run()
                return time.process_time() - began

        seconds(nullcontext())
        seconds(looked_away(framework))
        print(json.dumps([(seconds(nullcontext()), seconds(looked_away(framework))) for _ in range(ROUNDS)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
