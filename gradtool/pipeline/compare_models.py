"""compare, of two models: files -> both sides and the pairing room -> evidence -> findings."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradtool.evidence import (
    Asked,
    Choices,
    Failure,
    PairEvidence,
    PairRequest,
    Progress,
    Reach,
    Record,
    Side,
    SideRequest,
    SideRun,
)
from gradtool.pipeline.repeating import repeating
from gradtool.problem import Problem, ProblemError
from gradtool.target.model_file import ModelFile
from gradtool.verdict.pairing import ModelComparison, accused, judge_pair
from gradtool.witness.host import PAIR_WITNESSES, Host

__all__ = ["DRAWS", "PairSettings", "Sided", "compare_models", "open_pair", "sides_of"]

DRAWS = 3
"""Runs with weights and inputs moved by one rounding unit, whose distances are the noise floor."""


DTYPES = ("float64", "float32", "float16")


@dataclass(frozen=True, slots=True)
class PairSettings:
    """``dtype`` is that of the second run; the first is in float64 always. ``mode`` is ``train`` or ``eval``."""

    dtype: str = "float32"
    seed: int = 0
    mode: str = "train"
    timeout: float = 120.0
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    """Codes of the findings that are told, all if there are none, and of those that are not."""
    code: bool = False
    """Whether programs with the models are told too."""

    def __post_init__(self) -> None:
        """Raise ProblemError for a dtype in which two models can't be compared."""
        if self.dtype not in DTYPES:
            hint = f"two models are compared in {', '.join(DTYPES)}"
            told = f"NumPy, in which they are compared, has no {self.dtype}"
            raise ProblemError(Problem("dtype", told, hint=hint))

    def wants(self, code: str) -> bool:
        """Whether findings of this code are told."""
        return code not in self.ignore and (not self.select or code in self.select)


@dataclass(frozen=True, slots=True)
class Sided:
    """Who runs a side, as ``PAIR_WITNESSES`` calls it, its file, and the function that both share one for."""

    witness: str
    path: Path
    name: str = ""
    role: str = ""


def sides_of(files: Sequence[ModelFile]) -> tuple[Sided, Sided]:
    """Two files: one for each framework. One: a pair where it defines ``torch_model``, else a Keras model.

    The file is read as text only; nothing is run. Raises ProblemError where there is one framework for both sides.
    """
    if len(files) == 2:
        return _one_each(*files)
    (file,) = files
    text = file.path.read_text(encoding="utf-8", errors="replace")
    if not file.name and ("torch_model" in text or "keras_model" in text):
        return Sided("torch", file.path, role="torch_model"), Sided("keras", file.path, role="keras_model")
    if file.frameworks == ("torch",):
        told = f"{file.path.name} imports PyTorch alone, and a second model is needed"
        hint = f"give Keras's in a file of its own, gradtool compare {file.path.name} keras_model.py, or define "
        raise ProblemError(Problem("file", told, hint=f"{hint}torch_model() and keras_model() in one"))
    return Sided("keras_torch", file.path, file.name), Sided("keras", file.path, file.name)


def _one_each(first: ModelFile, second: ModelFile) -> tuple[Sided, Sided]:
    """PyTorch's file on the left, in whatever order they stand."""
    both = first.frameworks, second.frameworks
    if both[0] == both[1] and len(both[0]) == 1:
        title = {"torch": "PyTorch", "tensorflow": "Keras or TensorFlow"}[both[0][0]]
        told = f"{first.path.name} and {second.path.name} both import {title} alone"
        raise ProblemError(Problem("file", told, hint="one file has PyTorch's model, the other Keras's"))
    if ("torch" in both[1] and "torch" not in both[0]) or (both[0] == ("tensorflow",) and not both[1]):
        first, second = second, first
    return Sided("torch", first.path, first.name), Sided("keras", second.path, second.name)


def open_pair(
    sides: tuple[Sided, Sided],
    timeout: float,
    heard: Callable[[Progress], None] | None = None,
    relay: Callable[[bytes], None] | None = None,
) -> Host:
    """Start the witnesses of both sides, and the room that compares."""
    return Host([*(side.witness for side in sides), "pairing"], timeout, PAIR_WITNESSES, heard, relay)


def compare_models(target: str, sides: tuple[Sided, Sided], settings: PairSettings, host: Host) -> ModelComparison:
    """What both sides testify, and what follows from it. The folder through which arrays travel is always removed.

    ``target`` is what stood on the command line: one file or two.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="gradtool-") as folder:
        found = _Comparison(sides, settings, host, folder).run("float64")
        if isinstance(found, list) and {one.reason for one in found} == {"unsupported"} and settings.dtype != "float64":
            why = "; ".join(one.message for one in found)
            told = f"{why}: compared in {settings.dtype} alone, where small faults hide"
            found = _Comparison(sides, settings, host, folder).run(settings.dtype)
            found = replace(found, notes=[*found.notes, told]) if isinstance(found, PairEvidence) else found
    evidence = found if isinstance(found, PairEvidence) else None
    every = judge_pair(evidence) if evidence else ()
    told_of = tuple(one for one in every if settings.wants(one.code))
    return ModelComparison(
        target,
        evidence,
        told_of,
        tuple(found) if isinstance(found, list) else (),
        settings.seed,
        time.perf_counter() - began,
        settings.dtype,
        settings.mode,
        repeating(("compare", *shlex.split(target)), settings),
        len(every) - len(told_of),
    )


def _sources(side: Side) -> list[list[str]]:
    """The arrays of each layer that has any."""
    return [list(layer.weights.values()) for layer in side.layers if layer.weights]


def _one_loss(left: Side, right: Side) -> tuple[Side, Side]:
    """Both with the projection where one file alone names a loss, and a note that says so."""
    if left.loss == right.loss:
        return left, right
    having, without = (left, right) if left.loss else (right, left)
    told = (
        f"the file names a loss for {having.framework} and none for {without.framework}: losses are not compared, and "
        "both sides have the projection (torch_loss and keras_loss in one file; loss_fn, criterion or loss in two)"
    )
    loss = next(replace(x, why=f"only {having.framework} has one") for x in without.assumed if x.what == "loss")
    left, right = (
        replace(side, loss="", assumed=[*(x for x in side.assumed if x.what != "loss"), loss]) for side in (left, right)
    )
    return replace(left, notes=[*left.notes, told]), right


class _Comparison:
    """One comparison, step by step; each step ends it with Failures if there are any."""

    def __init__(self, sides: tuple[Sided, Sided], settings: PairSettings, host: Host, folder: str) -> None:
        self.settings, self.host, self.folder = settings, host, folder
        self.sides = dict(zip(("left", "right"), sides, strict=True))
        self.own_loss = True

    def run(self, widest: str) -> PairEvidence | list[Failure]:
        """The evidence in ``widest`` and in the dtype asked for, or why there is none."""
        loaded = self._both("load", dtype=widest)
        if isinstance(loaded, list):
            return loaded
        inputs = self._inputs(loaded)
        if isinstance(inputs, Failure):
            return [inputs]
        described = self._both("describe", dtype=widest, inputs=inputs, channels_last=loaded["right"].channels_last)
        if isinstance(described, list):
            return described
        left, right = _one_loss(*(replace(side, inputs=loaded[name].inputs) for name, side in described.items()))
        self.own_loss = left.loss == "own"
        self._say("carrying the weights over")
        asked = PairRequest(0, "pair", self.folder, left, right, self.settings.seed)
        pair = self._asked({"pairing": ("pairing", asked)})
        if isinstance(pair, list):
            return pair
        first = pair["pairing"]
        if not isinstance(first, PairEvidence):
            raise TypeError("the pairing room answers with PairEvidence")
        dtypes = list(dict.fromkeys((widest, self.settings.dtype)))
        kinds: dict[str, str] = {}
        for dtype in dtypes:
            self._say(f"running both models in {dtype}")
            ran = self._ran(dtype)
            if isinstance(ran, list):
                return ran
            kinds = kinds or ran
            if dtype == widest:
                left, right = (replace(side, dtype=kinds[name]) for name, side in (("left", left), ("right", right)))
                asked = replace(asked, left=left, right=right, draws=DRAWS)
                settled = self._settled(asked, widest) if first.open else asked
                if isinstance(settled, list):
                    return settled
                asked = settled
        evidence = self._compared(replace(asked, dtypes=dtypes))
        if isinstance(evidence, list):
            return evidence
        return replace(evidence, notes=[*left.notes, *right.notes, *first.notes])

    def _compared(self, asked: PairRequest) -> PairEvidence | list[Failure]:
        told = self._asked({"pairing": ("pairing", replace(asked, step="compare"))})
        if isinstance(told, list):
            return told
        evidence = told["pairing"]
        if not isinstance(evidence, PairEvidence):
            raise TypeError("the pairing room answers with PairEvidence")
        return evidence

    def _settled(self, asked: PairRequest, dtype: str) -> PairRequest | list[Failure]:
        """The request with partners that make the models agree, or that what feeds what leaves alone.

        The first way, by the order of execution, has just run. Where no way fits and none is certain, no layer is
        accused: a Failure says what is not known.
        """
        asked = replace(asked, dtypes=[dtype])
        evidence = self._compared(asked)
        if isinstance(evidence, list):
            return evidence
        if not accused(evidence):
            return asked
        self._say("looking which layer is which")
        reached = self._asked(
            {
                name: (self.sides[name].witness, self._request(name, "reach", dtype=dtype, sources=_sources(side)))
                for name, side in (("left", asked.left), ("right", asked.right))
            }
        )
        if isinstance(reached, list):
            return reached
        both = [one for one in reached.values() if isinstance(one, Reach)]
        told = self._asked({"pairing": ("pairing", replace(asked, step="choices", reached=both))})
        if isinstance(told, list):
            return told
        choices = told["pairing"]
        if not isinstance(choices, Choices):
            raise TypeError("the pairing room answers with Choices")
        again = choices.ways[:1] if choices.certain and len(choices.ways) > 1 else []  # the last to run is compared
        for partners in [*choices.ways, *again]:
            asked = replace(asked, partners=partners)
            found = self._again(asked, dtype)
            if isinstance(found, list):
                return found
            if not accused(found):
                return asked
        ambiguous = Failure(0, "pairing", "ambiguous", choices.message, choices.hint)
        return asked if choices.certain else [ambiguous]

    def _again(self, asked: PairRequest, dtype: str) -> PairEvidence | list[Failure]:
        """The right model with the weights of other partners, compared with the left as it ran."""
        steps: tuple[tuple[str, Asked], ...] = (
            ("pairing", replace(asked, step="pair")),
            (self.sides["right"].witness, self._request("right", "run", dtype=dtype)),
        )
        for step in steps:
            done = self._asked({"right": step})
            if isinstance(done, list):
                return done
        return self._compared(asked)

    def _say(self, doing: str) -> None:
        if self.host.heard is not None:
            self.host.heard(Progress(0, doing))

    def _inputs(self, loaded: dict[str, Side]) -> str | Failure:
        """The file of the inputs: the left's own, the right's own, else what was drawn for the right or the left."""
        for wanted in ("own", "drawn"):
            for name, side in loaded.items():
                if side.inputs == wanted:
                    return f"{name}.inputs.npz"
        hint = "define inputs in the file, or build the Keras model with an Input of known shape"
        return Failure(0, self.sides["right"].witness, "file", "no input for the models is known", hint)

    def _both(self, step: str, **told: object) -> dict[str, Side] | list[Failure]:
        found = self._asked(
            {name: (side.witness, self._request(name, step, **told)) for name, side in self.sides.items()}
        )
        if isinstance(found, list):
            return found
        return {name: record for name, record in found.items() if isinstance(record, Side)}

    def _ran(self, dtype: str) -> dict[str, str] | list[Failure]:
        """Run both in ``dtype``; the dtype that each really had.

        Only the left one is moved, for both differ by rounding alone if they agree.
        """
        found = self._asked(
            {
                name: (side.witness, self._request(name, "run", dtype=dtype, draws=DRAWS if name == "left" else 0))
                for name, side in self.sides.items()
            }
        )
        if isinstance(found, list):
            return found
        return {name: record.dtype for name, record in found.items() if isinstance(record, SideRun)}

    def _request(self, name: str, step: str, **told: object) -> SideRequest:
        side = self.sides[name]
        plain = SideRequest(
            0, step, name, str(side.path), self.folder, side.role, side.name, seed=self.settings.seed,
            mode=self.settings.mode, own_loss=self.own_loss,
        )  # fmt: skip
        return replace(plain, **told)  # type: ignore[arg-type]

    def _asked(self, asked: dict[str, tuple[str, Asked]]) -> dict[str, Record] | list[Failure]:
        """Ask all at once, so that they work side by side; the Failures if there is any."""
        answers = {name: self.host.ask(witness, [request]) for name, (witness, request) in asked.items()}
        found = {name: next(iter(answer)) for name, answer in answers.items()}
        failures = [one for records in found.values() for one in records if isinstance(one, Failure)]
        return failures or {
            name: next(one for one in records if not isinstance(one, Progress)) for name, records in found.items()
        }
