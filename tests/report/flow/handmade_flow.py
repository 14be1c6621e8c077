"""Records on models made by hand, one for each thing a report on a model has to tell, and the reports on them."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from importlib import import_module
from typing import Any

from gradtool.evidence import (
    Accumulated,
    Assumed,
    Candidate,
    Cause,
    Clipped,
    CodeLine,
    Descent,
    Digits,
    Failure,
    Halves,
    Head,
    Layer,
    Loss,
    ModelEvidence,
    Operand,
    Optimizer,
    Parameter,
    Statistics,
    Survey,
    Term,
    TrainingStep,
    Waypoint,
    Weights,
    WrongEntry,
)
from gradtool.problem import Problem
from gradtool.report.flow import FORMATS
from gradtool.settings import FlowView
from gradtool.terminal import Terminal
from gradtool.verdict.flow.record import FlowRecord, Item
from gradtool.verdict.record import Finding


def numbers(shape: tuple[int, ...], rms: float, **cells: Any) -> Statistics:
    """Figures of a tensor whose numbers have this root mean square."""
    count = math.prod(shape)
    told = {"norm": rms * math.sqrt(count), "largest": 3 * rms, "zeros": 0, **cells}
    return Statistics(count=count, **told)


def parameter(name: str, shape: tuple[int, ...], rms: float | None, weights: float = 0.1, **cells: Any) -> Parameter:
    """A parameter of the module before the last dot; ``rms`` None is no gradient."""
    layer, _, _ = name.rpartition(".")
    told: dict[str, Any] = {
        "dtype": "float32",
        "layer": layer,
        "kind": "Linear",
        "trainable": True,
        "weights": Weights(math.prod(shape), weights * math.sqrt(math.prod(shape))),
        "gradient": None if rms is None else numbers(shape, rms, zeros=math.prod(shape) * (not rms)),
        **cells,
    }
    return Parameter(name=name, shape=shape, **told)


def layer(name: str, place: int, gradient: float | None, kind: str = "Linear", **cells: Any) -> Layer:
    told: dict[str, Any] = {
        "calls": 1,
        "shape": (32, 16),
        "inner": False,
        "rms": 0.5,
        "least": -1.0,
        "largest": 1.5,
        "nonfinite": 0,
        **cells,
    }
    return Layer(name=name, kind=kind, place=place, gradient=gradient, **told)


ASSUMED = [
    Assumed("model", "model", "the name is one of those that are looked for", "model.py:NAME"),
    Assumed("input", "32x16 float32, normal", "from the first layer, Linear(16, 16)", "--input"),
    Assumed("loss", "cross-entropy", "integer targets and 10 outputs", "--loss"),
    Assumed("optimizer", "none", "", ""),
]


def evidence(parameters: list[Parameter], layers: list[Layer] | None = None, **cells: Any) -> ModelEvidence:
    told: dict[str, Any] = {
        "key": 0,
        "framework": "torch",
        "version": "2.13.0",
        "path": "model.py",
        "model": "model",
        "kind": "MLP",
        "route": "name",
        "dtype": "float32",
        "device": "cpu",
        "mode": "train",
        "seed": 0,
        "assumed": ASSUMED,
        "loss": Loss(2.3025851, "cross-entropy of the output", "model.py:20"),
        "norm": 1.25,
        "batch": 32,
        **cells,
    }
    return ModelEvidence(parameters=parameters, layers=layers or [], **told)


def record(made: ModelEvidence | None, **cells: Any) -> FlowRecord:
    told: dict[str, Any] = {"command": "gradtool flow model.py --seed 0", "seconds": 1.25, **cells}
    return FlowRecord(target="model.py", framework="torch", title="PyTorch", seed=0, evidence=made, **told)


MLP = [
    parameter("fc1.weight", (16, 16), 0.01234),
    parameter("fc1.bias", (16,), 0.0321),
    parameter("fc2.weight", (16, 16), 0.0222),
    parameter("fc2.bias", (16,), 0.05),
    parameter("head.weight", (10, 16), 0.0456),
    parameter("head.bias", (10,), 0.0789, 0.0),
]
MLP[0] = replace(MLP[0], gradient=numbers((16, 16), 0.01234, mean=-1.5e-5, mean_size=0.00987, deviation=0.01234))
LAYERS = [
    layer("fc1", 0, 0.5),
    layer("act1", 1, 0.41, "ReLU", activation="relu"),
    layer("fc2", 2, 0.6),
    layer("act2", 3, None, "ReLU", rms=0.25),
    layer("head", 4, 0.8),
    layer("net", 5, 0.8, "MLP", inner=True),
]
CHECKLIST = (
    Item("gradients on", "passed", "6 of 6 parameters"),
    Item("no NaN or Inf", "passed", ""),
    Item("finite differences agree", "unknown", "--verify"),
)
HEALTHY = record(evidence(MLP, LAYERS), checklist=CHECKLIST)

ILL = record(
    evidence(
        [
            parameter("embed.weight", (30522, 64), 1e-3, rows=3, all_rows=30522),
            parameter("block.0.weight", (64, 64), 1.2e-9),
            parameter("block.0.bias", (64,), None),
            parameter("block.1.weight", (64, 64), 0.0),
            parameter("block.1.bias", (64,), None, trainable=False),
            parameter("block.2.weight", (64, 64), math.nan, gradient=Statistics(4096, math.nan, math.nan, 7, 12, 3)),
            parameter("head.weight", (10, 64), math.inf, others=["embed.alias"], hooks=["clamp_grad (model.py:7)"]),
            parameter("gamma", (), 0.25),
        ],
        [layer("block.0", 0, 1e-7), layer("block.1", 1, math.nan), layer("head", 2, math.inf)],
        norm=math.nan,
        loss=Loss(
            math.nan,
            "the file's own",
            "model.py:31",
            [Term("data", math.nan, 0.5, 1.0), Term("penalty", 0.1, 0.25, -0.125)],
        ),
        head=Head((32, 10), -1.5, 2.25, "softmax", (32,), 0.0, 9.0, 10, "logits"),
        optimizer=Optimizer("Adam", 0.001, 2, adaptive=True, first=1.0),
        candidates=[Candidate("Other", "Net", "needs 2 arguments")],
        notes=["the profile is that of the first call of a compiled function"],
    ),
    findings=(
        Finding("GT109", "note", "head", "a note comes last", ""),
        Finding(
            "GT104",
            "warning",
            "block.1.weight",
            "the gradient is exactly 0: ReLU block.1 passes nothing",
            "raise the bias",
            "model.py:12",
        ),
        Finding(
            "GT101",
            "error",
            "block.2.weight, head.weight",
            "12 NaN and 3 Inf: log(0) in line 14",
            "add an epsilon",
            "model.py:14",
        ),
        Finding("GT002", "error", "block.0", "a rule that has a name", "see gradtool rule GT002"),
    ),
    checklist=(
        Item("no NaN or Inf", "failed", "12 NaN, 3 Inf in 2 parameters"),
        Item("initialisation", "warned", "block.0 is 0.02 times He"),
        *CHECKLIST,
    ),
)


def deep(blocks: int = 165) -> FlowRecord:
    """A transformer of 12 parameters a block, 2,000 and more in all, with 20 that have vanished."""
    parts = [
        "attention.q.weight",
        "attention.q.bias",
        "attention.k.weight",
        "attention.k.bias",
        "attention.v.weight",
        "attention.v.bias",
        "mlp.up.weight",
        "mlp.up.bias",
        "mlp.down.weight",
        "mlp.down.bias",
        "norm.weight",
        "norm.bias",
    ]
    many = [
        parameter(f"encoder.layer.{block}.{part}", (64, 64) if part.endswith("weight") else (64,), 10 ** (-block / 20))
        for block in range(blocks)
        for part in parts
    ]
    layers = [
        layer(f"encoder.layer.{block}.mlp.{part}", 2 * block + place, 10 ** (-block / 20))
        for block in range(blocks)
        for place, part in enumerate(["up", "down"])
    ]
    bad = [
        Finding(
            "GT102", "error", own.name, f"the gradient has vanished: RMS {own.gradient.norm / 64:.3g}", "add a skip"
        )
        for own in many[-240::12]
        if own.gradient
    ]
    ends = [parameter("embeddings.word.weight", (1000, 64), 0.5), *many, parameter("pooler.weight", (64, 64), 0.125)]
    return record(evidence(ends, layers), findings=tuple(bad), checklist=CHECKLIST)


DEEP = deep()

STEPS = [
    TrainingStep(step, loss, norm, 1.0, 0.0123, 0.0625)
    for step, (loss, norm) in enumerate(
        [(29700.75, 4221.95), (28035.98, 122468.0), (1e5, 3.5525e6), (1e7, 1.0305e8), (1e9, 2.9892e9)]
    )
]
LONG = [TrainingStep(step, 5 * 0.8**step, 10 * 0.8**step) for step in range(200)]
EXPERIMENTS = record(
    evidence(
        MLP,
        LAYERS,
        clipped=Clipped(1.0, 4221.95, 0.99999976, 0.99999976),
        descent=Descent(1e-4, 2.3025851, 2.3024, 1.85e-4),
        accumulated=Accumulated(
            4, [8, 8, 8, 7], 1.25, 1.2478, 0.0125, "fc1.bias", 0.0425, ["BatchNorm sees each part alone"]
        ),
        steps=STEPS,
        verified=Survey([(0.1, 0.1, 1e-9)] * 3, True, 3.2e-7, {"fc1.weight": 1e-6}, [], {}, True, 1500),
        digits=[Digits("float16", {"fc1.weight": 2.125, "fc2.weight": 2.5}, 2.75), Digits("bfloat16", {}, 1.9)],
    ),
    checklist=CHECKLIST,
)
REFUTED = record(
    evidence(
        [replace(MLP[0], halves=Halves(256, 31, 77, 0.0625, 1e-9)), *MLP[1:]],
        clipped=Clipped(5.0, 1.25, 1.25, 1.25),
        descent=Descent(1e-4, 2.5, 2.75, 1e-4),
        verified=Survey(
            [(0.1, 0.2, 1e-9)],
            False,
            1e-7,
            {},
            [WrongEntry("fc1.weight", (3, 4), 0.5, 0.25, 1e-8)],
            {"fc2.bias": 2.0},
            False,
            900,
        ),
        steps=[*LONG[:30], TrainingStep(30, math.nan, math.inf, nonfinite="fc1.weight")],
    ),
    findings=(Finding("GT110", "warning", "fc1.weight", "refuted", ""),),
)
EXPRESSION = replace(record(evidence([parameter("x", (), 10.0, 0.0)], steps=LONG)), target="(x - 5)**2")
FAILED = record(
    None,
    failures=(
        Failure(0, "torch", "file", "model.py raised\n  File model.py, line 3\nValueError: no", "mend [line] 3"),
    ),
)
UNREADABLE = record(
    None, problems=(Problem("model", "model.py has 2 models: A, B", why="both fit", hint="model.py:A"),)
)
NO_PARAMETERS = record(evidence([], loss=Loss(0.0, "a constant")))
HOSTILE = record(
    evidence(
        [parameter("w[i] [/b] :smile: [red]x", (2, 2), 0.5), parameter("a|b `c` <script>alert(1)</script>", (3,), 0.25)]
    ),
    findings=(Finding("GT101", "error", "w[i] [/b] :smile: [red]x", "<b>bold</b> & [link](x) *y*", "a_b"),),
)


def at(number: int, text: str, function: str = "Net.forward") -> CodeLine:
    return CodeLine(f"model.py:{number}", text, function)


DETACHED = Cause("none", "detach", "detach", at(12, "h = self.fc1(x).detach()"), ["fc1.weight", "fc1.bias"])
LOG = Cause(
    "inf",
    "log_of_zero",
    "log",
    at(14, "return -(y * torch.log(p)).sum()", "loss_of"),
    ["fc2.weight"],
    operands=[Operand((32, 10), "float32", 0.0, 0.9375, 320, 12), Operand((), "float32", 2.0, 2.0, 1, name="scale")],
    way=[
        Waypoint("log", "forward", at(14, "return -(y * torch.log(p)).sum()")),
        Waypoint("mul", "forward", at(14, "return -(y * torch.log(p)).sum()")),
        Waypoint("sum", "forward", at(15, "total = parts.sum()")),
        Waypoint("sum", "backward", at(15, "total = parts.sum()")),
        Waypoint("log", "backward", at(14, "return -(y * torch.log(p)).sum()")),
    ],
)
NOTEBOOK = Cause("none", "numpy", "numpy", CodeLine(function="forward"), ["fc2.bias"])
CAUSES = record(
    evidence(
        [parameter(name, (4, 4), None) for name in ("fc1.weight", "fc1.bias", "fc2.bias")]
        + [parameter("fc2.weight", (4, 4), 1.0, gradient=Statistics(16, math.nan, math.nan, 0, 3))],
        causes=[DETACHED, LOG, NOTEBOOK],
    ),
    findings=(
        Finding(
            "GT101", "error", "fc2.weight", "3 of 16 are NaN", "use log_softmax", "model.py:14", ("fc2.weight",), LOG
        ),
        Finding(
            "GT106", "error", "fc1", "no gradient", "take it out", "model.py:12", ("fc1.weight", "fc1.bias"), DETACHED
        ),
        Finding("GT106", "error", "fc2.bias", "it leaves", "use torch", parameters=("fc2.bias",), cause=NOTEBOOK),
    ),
)

SETS: dict[str, FlowRecord] = {
    "healthy": HEALTHY,
    "ill": ILL,
    "deep": deep(40),
    "experiments": EXPERIMENTS,
    "refuted": REFUTED,
    "expression": EXPRESSION,
    "failed": FAILED,
    "unreadable": UNREADABLE,
    "no parameters": NO_PARAMETERS,
    "hostile": HOSTILE,
    "causes": CAUSES,
}
VIEWS = {
    "plain": FlowView(),
    "everything": FlowView(layers=True, moments=True, every=True),
    "worst": FlowView(order="worst", layers=True),
}


def told(
    item: FlowRecord,
    form: str = "table",
    width: int = 80,
    view: FlowView = VIEWS["plain"],
    *,
    unicode: bool = True,
    colour: bool = False,
) -> str:
    """The report on ``item`` in a format, as text."""
    stream = io.StringIO()
    module, name = FORMATS[form]
    getattr(import_module(module), name)(item, Terminal(stream, width, colour, unicode), view)
    return stream.getvalue()
