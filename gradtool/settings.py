"""What a run was asked to do, as one frozen record."""

from __future__ import annotations

from dataclasses import dataclass

from gradtool.problem import Problem, ProblemError

__all__ = ["POINTS", "CheckSettings", "FlowSettings", "FlowView", "PairSettings"]

POINTS = 5
"""So many points are drawn where none is given."""

PAIR_DTYPES = ("float64", "float32", "float16")
"""Those in which NumPy compares two models."""


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """Options of ``gradtool check``. ``framework`` None means PyTorch if it is installed, else TensorFlow.

    ``mode`` is gradient, jacobian, hessian or orders (all derivatives up to ``order``); ``upstream`` is the text of
    the gradient that the value is multiplied by. ``against`` names the framework's own checker to be run beside
    autodiff, ``step`` the step of its differences.
    """

    at: dict[str, str] | None = None
    wrt: tuple[str, ...] = ()
    framework: str | None = None
    dtype: str = "float64"
    seed: int = 0
    timeout: float = 120.0
    absolute: bool = False
    mode: str = "gradient"
    order: int = 1
    upstream: str | None = None
    against: str = ""
    step: float | None = None
    steps: bool = False
    """Whether the chain rule is told node by node, at one point."""
    points: int = POINTS
    """How many points are drawn where none is given."""
    formulas: bool = True
    """Whether the derivatives are also told as formulas."""
    code: bool = False
    """Whether a comparison shows the programs of both frameworks; at one point, as modes and times."""
    surrogate: bool = False
    """Of a callable: whether its gradient is wrong on purpose, and only the contract is looked at."""
    own_dtype: bool = False
    """Of a callable: whether its inputs keep their dtype, because none was asked for."""
    modes: bool = False
    """Whether every mode of the frameworks is compared with reverse mode."""
    timing: bool = False
    """Whether value, gradient and formula are timed."""


class _Selection:
    """``select`` has the codes of findings that are told, all if there are none, ``ignore`` of those that are not."""

    __slots__ = ()
    select: tuple[str, ...]
    ignore: tuple[str, ...]

    def wants(self, code: str) -> bool:
        """Whether findings of this code are told."""
        return code not in self.ignore and (not self.select or code in self.select)


@dataclass(frozen=True, slots=True)
class FlowView:
    """What of a flow report is shown: the profile over depth, the moments of every gradient, the order of the rows.

    ``order`` is ``forward`` (as the model runs) or ``worst`` (the rows with findings and the smallest gradients first).
    ``every`` shows each parameter, however many there are; else long models are grouped by module.
    """

    layers: bool = False
    moments: bool = False
    order: str = "forward"
    every: bool = False


@dataclass(frozen=True, slots=True)
class FlowSettings(_Selection):
    """Options of ``gradtool flow``; empty texts and None stand for what the file itself says.

    ``inputs`` are the texts of ``--input``. ``train`` is the number of optimizer steps, 0 for none; ``accumulate`` the
    number of micro-batches. ``arguments`` are what the file finds in its command line.
    """

    framework: str | None = None
    dtype: str = ""
    device: str = ""
    seed: int = 0
    timeout: float = 120.0
    absolute: bool = False
    mode: str = "train"
    script: bool = False
    arguments: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    loss: str = ""
    labels: str = ""
    moments: bool = False
    clip: float | None = None
    accumulate: int = 0
    train: int = 0
    optimizer: str = ""
    rate: float | None = None
    verify: bool = False
    at: tuple[str, ...] = ()
    """Of an expression, where the descent begins."""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairSettings(_Selection):
    """``dtype`` is that of the second run; the first is in float64 always. ``mode`` is ``train`` or ``eval``."""

    dtype: str = "float32"
    seed: int = 0
    mode: str = "train"
    timeout: float = 120.0
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    code: bool = False
    """Whether programs with the models are told too."""

    def __post_init__(self) -> None:
        """Raise ProblemError for a dtype in which two models can't be compared."""
        if self.dtype not in PAIR_DTYPES:
            hint = f"two models are compared in {', '.join(PAIR_DTYPES)}"
            told = f"NumPy, in which they are compared, has no {self.dtype}"
            raise ProblemError(Problem("dtype", told, hint=hint))
