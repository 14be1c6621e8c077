"""The steps by which two models are compared: what is asked of both sides, and of the room that compares, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from gradtool.evidence import (
    Asked,
    Choices,
    Failure,
    PairEvidence,
    PairRequest,
    Progress,
    Reach,
    Side,
    SideRequest,
    SideRun,
)
from gradtool.pipeline.pair_sides import Sided
from gradtool.settings import PairSettings
from gradtool.verdict.pairing.parting import accused
from gradtool.witness.host import Host

__all__ = ["PairSteps", "Unfinished"]

DRAWS = 3
"""Runs with weights and inputs moved by one rounding unit, whose distances are the noise floor."""

Answer = TypeVar("Answer", PairEvidence, Choices, Side, SideRun, Reach)
Cells = Mapping[str, object]
NO_CELLS: Mapping[str, Cells] = MappingProxyType({})


class Unfinished(Exception):  # noqa: N818  # no error of the program's: a witness says why it can't go on
    """A step has ended in Failures, and none comes after it."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(*(one.message for one in failures))
        self.failures = tuple(failures)


class PairSteps:
    """One comparison; every step raises Unfinished where a witness fails."""

    def __init__(self, sides: tuple[Sided, Sided], settings: PairSettings, host: Host, folder: str) -> None:
        self.settings, self.host, self.folder = settings, host, folder
        self.sides = dict(zip(("left", "right"), sides, strict=True))
        self.own_loss = True

    def run(self, widest: str) -> PairEvidence:
        """The evidence in ``widest`` and in the dtype asked for."""
        loaded = self._both("load", Side, dtype=widest)
        inputs, last = self._inputs(loaded), loaded["right"].channels_last
        described = self._both("describe", Side, dtype=widest, inputs=inputs, channels_last=last)
        left, right = _one_loss(*(replace(side, inputs=loaded[name].inputs) for name, side in described.items()))
        self.own_loss = left.loss == "own"
        self._say("carrying the weights over")
        asked = PairRequest(0, "pair", self.folder, left, right, self.settings.seed)
        first = self._pairing(asked, PairEvidence)
        ran = self._ran(widest)
        left, right = replace(left, dtype=ran["left"].dtype), replace(right, dtype=ran["right"].dtype)
        asked = replace(asked, left=left, right=right, draws=DRAWS)
        if first.open:
            asked = self._settled(asked, widest)
        if self.settings.dtype != widest:
            self._ran(self.settings.dtype)
        dtypes = list(dict.fromkeys((widest, self.settings.dtype)))
        evidence = self._compared(replace(asked, dtypes=dtypes))
        return replace(evidence, notes=[*left.notes, *right.notes, *first.notes])

    def _inputs(self, loaded: dict[str, Side]) -> str:
        """The file of the inputs: the left's own, the right's own, else what was drawn for the right or the left."""
        for wanted in ("own", "drawn"):
            for name, side in loaded.items():
                if side.inputs == wanted:
                    return f"{name}.inputs.npz"
        hint = "define inputs in the file, or build the Keras model with an Input of known shape"
        raise Unfinished([Failure(0, self.sides["right"].witness, "file", "no input for the models is known", hint)])

    def _ran(self, dtype: str) -> dict[str, SideRun]:
        """Run both in ``dtype``. Only the left one is moved, for both differ by rounding alone if they agree."""
        self._say(f"running both models in {dtype}")
        return self._both("run", SideRun, {"left": {"draws": DRAWS}}, dtype=dtype)

    def _compared(self, asked: PairRequest) -> PairEvidence:
        return self._pairing(replace(asked, step="compare"), PairEvidence)

    # ---- which layer is which

    def _settled(self, asked: PairRequest, dtype: str) -> PairRequest:
        """The request with partners that make the models agree, or that what feeds what leaves alone.

        The first way, by the order of execution, has just run. Where no way fits and none is certain, no layer is
        accused: a Failure says what is not known.
        """
        asked = replace(asked, dtypes=[dtype])
        if not accused(self._compared(asked)):
            return asked
        self._say("looking which layer is which")
        sources = {name: {"sources": _sources(side)} for name, side in (("left", asked.left), ("right", asked.right))}
        reached = list(self._both("reach", Reach, sources, dtype=dtype).values())
        choices = self._pairing(replace(asked, step="choices", reached=reached), Choices)
        again = choices.ways[:1] if choices.certain and len(choices.ways) > 1 else []  # the last to run is compared
        for partners in [*choices.ways, *again]:
            asked = replace(asked, partners=partners)
            if not accused(self._again(asked, dtype)):
                return asked
        if not choices.certain:
            raise Unfinished([Failure(0, "pairing", "ambiguous", choices.message, choices.hint)])
        return asked

    def _again(self, asked: PairRequest, dtype: str) -> PairEvidence:
        """The right model with the weights of other partners, compared with the left as it ran."""
        self._pairing(replace(asked, step="pair"), PairEvidence)
        self._asked({"right": (self.sides["right"].witness, self._request("right", "run", dtype=dtype))}, SideRun)
        return self._compared(asked)

    # ---- what is asked of whom

    def _say(self, doing: str) -> None:
        if self.host.heard is not None:
            self.host.heard(Progress(0, doing))

    def _pairing(self, asked: PairRequest, kind: type[Answer]) -> Answer:
        return self._asked({"pairing": ("pairing", asked)}, kind)["pairing"]

    def _both(
        self, step: str, kind: type[Answer], own: Mapping[str, Cells] = NO_CELLS, **told: object
    ) -> dict[str, Answer]:
        """Ask both sides; ``told`` are cells of both requests, ``own`` those of each."""
        asked = {
            name: (side.witness, self._request(name, step, **told, **own.get(name, {})))
            for name, side in self.sides.items()
        }
        return self._asked(asked, kind)

    def _request(self, name: str, step: str, **told: object) -> SideRequest:
        side = self.sides[name]
        plain = SideRequest(
            0, step, name, str(side.path), self.folder, side.role, side.name, seed=self.settings.seed,
            mode=self.settings.mode, own_loss=self.own_loss,
        )  # fmt: skip
        return replace(plain, **told)  # type: ignore[arg-type]

    def _asked(self, asked: Mapping[str, tuple[str, Asked]], kind: type[Answer]) -> dict[str, Answer]:
        """Ask all at once, so that they work side by side, and wait for an answer of this ``kind`` from each."""
        answers = {name: self.host.ask(witness, [request]) for name, (witness, request) in asked.items()}
        found = {name: next(iter(answer)) for name, answer in answers.items()}
        if failures := [one for records in found.values() for one in records if isinstance(one, Failure)]:
            raise Unfinished(failures)
        told = {name: one for name, records in found.items() for one in records if isinstance(one, kind)}
        if told.keys() != found.keys():
            raise TypeError(f"a witness answered with no {kind.__name__}")
        return told


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
