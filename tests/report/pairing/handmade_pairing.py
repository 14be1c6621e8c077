"""Records on two models made by hand, one for each thing a report on them has to tell, and the reports."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from importlib import import_module
from typing import Any

from gradtool.evidence import (
    Assumed,
    ComparedLayer,
    ComparedParameter,
    Distance,
    Failure,
    Mapped,
    PairEvidence,
    Setting,
    Side,
    SideLayer,
)
from gradtool.report.pairing import FORMATS
from gradtool.terminal import Terminal
from gradtool.verdict.pairing.findings import judge_pair
from gradtool.verdict.pairing.record import ModelComparison


def side(framework: str, version: str, **cells: Any) -> Side:
    call = SideLayer(
        "fc", "dense", "Linear", {"bias": "yes"}, {"weight": "fc.weight"}, {"weight": [3, 2]}, (8, 3), [8, 2]
    )
    plain = Side(
        0, framework, version, "model", "Net", "float64", "drawn", layers=[call], trained=["fc.weight"],
        outputs=[[8, 3]], assumed=[Assumed("loss", "a fixed random projection", "the file names none", "")],
        mapped=[Mapped("fc.weight", "fc/kernel", [1, 0])],
    )  # fmt: skip
    return replace(plain, **cells)


def both(wide: float, narrow: float = 1e-7) -> list[Distance]:
    return [Distance("float64", wide, 1e-9), Distance("float32", narrow, 2e-7, 1e-7, 3e-7)]


def parameter(name: str, wide: float = 1e-16, **cells: Any) -> ComparedParameter:
    plain = ComparedParameter(
        f"{name}.weight", f"{name}/kernel", [3, 2], [2, 3], "transposed", name, both(wide, max(wide, 1e-7))
    )
    return replace(plain, **cells)


def layer(name: str, wide: float = 1e-16, **cells: Any) -> ComparedLayer:
    plain = ComparedLayer(
        name, name.upper(), "dense", "Linear", "Dense", "t.py:7", "k.py:9", both(wide), both(1e-16)
    )  # fmt: skip
    return replace(plain, **cells)


def record(
    parameters: list[ComparedParameter], layers: list[ComparedLayer], output: float = 1e-16, **cells: Any
) -> ModelComparison:
    end = ComparedLayer("output", "output", "output", "", "", outputs=both(output))
    given: dict[str, Any] = {
        "left": side("PyTorch", "2.13.0"), "right": side("Keras", "Keras 3.15.1, TensorFlow 2.21.0"),
        "values": [[0.5, 0.5], [0.5, 0.25]], "notes": ["weights were drawn"], **cells,
    }  # fmt: skip
    evidence = PairEvidence(0, parameters=parameters, layers=[*layers, end], **given)
    return ModelComparison(
        "pair.py", evidence, judge_pair(evidence), (), 3, 1.25, "float32", "train", "gradtool compare pair.py --seed 3"
    )


EPSILON = [Setting("epsilon", "1e-05", "0.001")]
HEALTHY = record([parameter("a"), parameter("b")], [layer("a"), layer("b")])
APART = record(
    [parameter("a", 1e-3), parameter("b", 2e-3)],
    [layer("a"), layer("b", 4e-3, settings=EPSILON), layer("c", 5e-3, settings=[Setting("slope", "", "0.3")])],
    6e-3,
)
NO_SETTING = record([parameter("a", 1e-3)], [layer("a", 4e-3)], 6e-3)
ALONE = record(
    [parameter("a", 1e-3)], [layer("a", 4e-3, alone=[["left", "Tanh", "t.py:8"], ["right", "Flatten", ""]])], 6e-3
)
UNPAIRED = record(
    [parameter("a"), ComparedParameter("a.bias", "", [3], [], "", "a")], [layer("a", settings=EPSILON)]
)  # fmt: skip
FROZEN = record([parameter("a", gradients=[], missing="right")], [layer("a")])
ROUNDED = record([parameter("a", gradients=both(1e-16, 0.25))], [layer("a", outputs=both(1e-16, 0.5))])
NOT_FINITE = record([parameter("a", math.nan)], [layer("a", math.inf)], math.nan)
BY_LOSS = record([parameter("a")], [layer("a")], loss=both(0.5), values=[[2.0, 8.0], [2.0, 8.0]])
SAME_NAMES = record(
    [parameter("a", right="a.weight", right_shape=[3, 2], word="same")],
    [layer("a", right="a", right_title="Linear")],
    left=side("Keras on PyTorch", "Keras 3.15.1, PyTorch 2.13.0"),
)
HOSTILE = record(
    [parameter("a[b]|`*_", right="[/red]w[0]")], [layer("a|b", 4e-3, settings=[Setting("|", "`", "*")])], 1
)
FAILED = replace(
    HEALTHY, evidence=None, findings=(),
    failures=(Failure(0, "keras", "file", "pair.py has no function keras_model()\nin it", "define it", "Traceback"),),
)  # fmt: skip
LONG = record(
    [parameter(f"part.{place}", 1e-3 if place == 77 else 1e-16 * (place + 1)) for place in range(100)],
    [layer(f"part.{place}", 1e-3 if place >= 77 else 1e-16) for place in range(100)],
    1e-3,
)
SETS = {
    "healthy": HEALTHY, "apart": APART, "no setting": NO_SETTING, "alone": ALONE, "unpaired": UNPAIRED,
    "frozen": FROZEN, "rounded": ROUNDED, "not finite": NOT_FINITE, "by loss": BY_LOSS, "same names": SAME_NAMES,
    "hostile": HOSTILE, "failed": FAILED, "long": LONG,
}  # fmt: skip


def told(
    item: ModelComparison, form: str = "table", width: int = 120, *, every: bool = False, colour: bool = False
) -> str:
    """The report in a format."""
    stream = io.StringIO()
    module, name = FORMATS[form]
    getattr(import_module(module), name)(item, Terminal(stream, width, colour, unicode=True), every=every)
    return stream.getvalue()
