"""The records about a model: what is asked of it, and what one forward and backward pass testify."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.evidence.causes import Cause
from gradtool.evidence.experiments import Accumulated, Clipped, Descent, Digits, Stepped, TrainingStep
from gradtool.evidence.expression import Survey
from gradtool.evidence.gradients import Layer, Parameter
from gradtool.values import Shape, Value

__all__ = [
    "Assumed",
    "Candidate",
    "Head",
    "Incident",
    "InputSpec",
    "Loss",
    "ModelEvidence",
    "ModelRequest",
    "Optimizer",
    "Term",
    "Training",
]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input as ``--input`` describes it: ``8,16:int64<500``. An empty ``dtype`` is that of the model."""

    shape: Shape
    dtype: str = ""
    below: int = 0
    """Integers are drawn from 0 to one less; 0 where nothing was said."""


@dataclass(frozen=True, slots=True)
class Training:
    """Train for ``steps`` optimizer steps and look at every one. An empty ``optimizer`` is the file's own, or SGD."""

    steps: int
    optimizer: str = ""
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Find the model in the file ``path``, run it forward and backward once, and say what the gradient does.

    ``name`` is what stands behind the colon; ``script`` asks for the file to be run as a program until its first
    backward pass. Empty texts and None stand for what the file itself says. ``mode`` is ``train`` or ``eval``.
    ``moments`` asks for the mean, the mean size and the standard deviation of every gradient. ``arguments`` are the
    file's own command line.
    """

    key: int
    path: str
    name: str = ""
    script: bool = False
    arguments: list[str] = field(default_factory=list)
    framework: str = "torch"
    dtype: str = ""
    device: str = ""
    seed: int = 0
    inputs: list[InputSpec] = field(default_factory=list)
    loss: str = ""
    labels: str = ""
    mode: str = "train"
    moments: bool = False
    clip: float | None = None
    accumulate: int = 0
    training: Training | None = None
    verify: bool = False
    expression: str = ""
    """Instead of a file: an expression, whose variables are the parameters, at this point."""
    point: dict[str, Value] = field(default_factory=dict)
    find: list[str] = field(default_factory=list)
    """The fates of gradients (as in ``Cause``) whose causes a program is run again for; empty in its first run."""
    find_step: int = 0
    """The training step at which they are looked for; 0 for the first."""

    @property
    def steps(self) -> int:
        """How many optimizer steps are asked for."""
        return self.training.steps if self.training else 0


@dataclass(frozen=True, slots=True)
class Assumed:
    """One thing that was found or inferred: its ``value``, ``why``, and the ``flag`` that overrides it."""

    what: str
    value: str
    why: str
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One named term of a loss that is a sum: its value, the norm of its own gradient, its cosine to the whole."""

    name: str
    value: float
    norm: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss: its value, ``how`` it is computed and on which line, and the named terms that it is a sum of."""

    value: float
    how: str
    source: str = ""
    terms: list[Term] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Head:
    """The model's output beside the targets, both as ranges. ``classes`` is the number of integer classes, else 0.

    ``activation`` is that of the last operation; ``expects`` what the loss takes: ``logits``, ``probabilities`` or
    nothing in particular. ``source`` is the line on which the program itself takes the difference of the two, which
    nothing aligns first; empty where a loss function is given both. Where the loss takes probabilities of classes, or
    their logarithms, ``class_axis`` is the axis along which it does, and ``sums_to_one`` the axes along which they do.
    """

    shape: Shape
    least: float
    largest: float
    activation: str = ""
    target_shape: Shape = ()
    target_least: float | None = None
    target_largest: float | None = None
    classes: int = 0
    expects: str = ""
    source: str = ""
    class_axis: int | None = None
    sums_to_one: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """The optimizer that was found or asked for. ``foreign`` counts tensors that it holds and the model does not."""

    kind: str
    rate: float | None
    foreign: int = 0
    adaptive: bool = False
    """Whether the size of a step is not that of the gradient, as in Adam; true too where it is not known."""
    first: float | None = None
    """The size of the first step in units of the rate, or of rate times gradient if not adaptive; None: not known."""
    source: str = ""
    """The user's line that made it, where that was seen."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the file holds besides the model that was taken: its name, what it is, and why it was not taken."""

    name: str
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """What a training script did that no figure shows.

    ``what`` is ``cleared``: the optimizer ``who`` stepped when every gradient that it holds had been cleared (``told``
    is ``early`` where its first step came before any backward pass); or ``raised``: the program ended in the exception
    ``who``; or ``unstepped``: after ``count`` backward passes ``who`` had not stepped once. ``stale``: ``who`` stepped
    between a forward pass and its backward pass. ``undivided``: ``count`` means added up before a step of ``who``.
    ``kept``: the second step of ``who`` was given the gradients of the first once more.
    ``twice``: a ``loss``, or a ``part`` of it, had gone backward on the line ``told``. ``clip_scaled``: the function
    ``who`` clipped to ``hint`` what was multiplied by ``told``; ``clip_idle``: a call did nothing (``early``, ``late``,
    ``nothing``). ``summed``: a loss of the shape ``told`` has ``count`` numbers. ``misapplied``: the variable ``who``
    was given the gradient of ``told``, the first of ``count``. ``rebound``: a tensor is in the place of the variable
    ``who``, the first of ``count``, since the line ``source``. Otherwise ``told`` and ``hint`` are for people;
    ``source`` is the user's line.
    """

    what: str
    who: str
    told: str = ""
    hint: str = ""
    source: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class ModelEvidence:
    """What one forward and one backward pass through a model leave behind, and the experiments that were asked for.

    ``model`` is its name in the file and ``kind`` its class; ``route`` says how it was found (``case``, ``name``,
    ``only``, ``class``, ``function``, ``script``). ``norm`` is the global norm of the gradient. ``notes`` are sentences
    about what could not be looked at.
    """

    key: int
    framework: str
    version: str
    path: str
    model: str
    kind: str
    route: str
    dtype: str
    device: str
    mode: str
    seed: int
    assumed: list[Assumed]
    loss: Loss
    parameters: list[Parameter]
    layers: list[Layer]
    norm: float
    batch: int = 0
    head: Head | None = None
    optimizer: Optimizer | None = None
    candidates: list[Candidate] = field(default_factory=list)
    descent: Descent | None = None
    stepped: Stepped | None = None
    clipped: Clipped | None = None
    accumulated: Accumulated | None = None
    steps: list[TrainingStep] = field(default_factory=list)
    after: TrainingStep | None = None
    """Where the last step led: the loss and the norm behind it."""
    verified: Survey | None = None
    digits: list[Digits] = field(default_factory=list)
    zeroed: bool | None = None
    """In a training script, whether the gradients were cleared between two steps; None where that was not seen."""
    incidents: list[Incident] = field(default_factory=list)
    cut: bool = False
    """Whether something that autograd had lost on the way came back into what it follows."""
    causes: list[Cause] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
