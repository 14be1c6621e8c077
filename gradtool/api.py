"""The Python API: ``gradtool.check`` on live functions, in the caller's own process.

Nothing heavy is imported before a check runs: the framework is the one that the caller already has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradtool.verdict.record import CheckRecord, Entry, Finding

__all__ = ["CheckResult", "check"]

WIDTH = 100
"""Columns of a report."""


class CheckResult:
    """What a check has found; true where nothing is wrong and something was verified.

    ``records`` holds the callable at its own point, and one more record for every other point at which it is wrong.
    """

    def __init__(self, records: Sequence[CheckRecord]) -> None:
        self.records = tuple(records)

    @property
    def verdict(self) -> str:
        """The worst of all entries: ``verified``, ``wrong``, ``unstable``, ``inconclusive``, ..."""
        from gradtool.verdict.record import worst  # noqa: PLC0415  # nothing before it is needed

        return worst([record.verdict for record in self.records])

    @property
    def entries(self) -> tuple[Entry, ...]:
        """One verdict for each derivative, with autodiff's number and what it was held against."""
        return tuple(entry for record in self.records for entry in record.entries)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed, with its code, the figure measured and the remedy."""
        return tuple(finding for record in self.records for finding in record.findings)

    @property
    def report(self) -> str:
        """What ``gradtool check`` prints."""
        import io  # noqa: PLC0415  # likewise

        from gradtool.report.table import write  # noqa: PLC0415
        from gradtool.terminal import Terminal  # noqa: PLC0415

        stream = io.StringIO()
        write(self.records, Terminal(stream, WIDTH, colour=False, unicode=True), sum(r.seconds for r in self.records))
        return stream.getvalue()

    @property
    def accused(self) -> bool:
        """Whether something is wrong: a verdict of ``wrong`` or ``unstable``, or a finding of severity error."""
        told = {record.verdict for record in self.records}
        return bool(told & {"wrong", "unstable"}) or any(one.severity == "error" for one in self.findings)

    def __bool__(self) -> bool:
        """Whether nothing is wrong and something was checked.

        At least one entry is ``verified``, lies at a kink (``not_differentiable``), or is a declared surrogate.
        """
        surrogate = any(record.callable is not None and record.callable.surrogate for record in self.records)
        checked = any(entry.verdict in ("verified", "not_differentiable") for entry in self.entries)
        return not self.accused and (checked or surrogate)

    def __repr__(self) -> str:
        """The verdict and the report."""
        return f"<gradtool.check: {self.verdict}>\n{self.report}"


def check(
    function: Any,
    inputs: Any,
    *,
    keywords: Mapping[str, Any] | None = None,
    wrt: str | Sequence[str] = (),
    order: int = 1,
    upstream: Any = None,
    surrogate: bool = False,
    seed: int = 0,
    exact: bool = True,
) -> CheckResult:
    """Is the gradient of ``function`` right at ``inputs``?

    ``function`` is a function of tensors, the ``apply`` or the class of an autograd Function, a ``tf.custom_gradient``
    function, a module or a layer; ``inputs`` its positional arguments (a tuple or list; a single tensor stands for
    itself; a dict gives them by name), ``keywords`` the others. Floating-point tensors, and the parameters of a
    module, are differentiated; with ``wrt`` only those named, in a list or with commas between. ``order`` 2 checks the
    gradient of the gradient too. ``upstream`` weighs the outputs (ones without it). ``surrogate`` says that the
    gradient is wrong on purpose.
    ``exact`` lets a process of its own compute exact derivatives of what can be traced to an expression.

    Tensors stay on their device; their ``grad`` and ``requires_grad``, the parameters and the mode of a module and the
    random state are left as they were found.

    Cost: about 100 gradients and some hundred values; 125 values more for each entry, up to 64 of them.

    Raises TypeError where neither PyTorch nor TensorFlow knows the inputs, or an option is of another type; ValueError
    where there is nothing to differentiate, an input is not finite, or ``order`` is neither 1 nor 2; and whatever
    ``function`` raises at its own inputs.
    """
    names = _names(wrt)
    _look_at_numbers(order, seed)
    from gradtool.pipeline.live import checked  # noqa: PLC0415  # nothing heavy on import

    arguments = inputs if isinstance(inputs, list | tuple | Mapping) else [inputs]
    return CheckResult(
        checked(
            function,
            arguments,
            dict(keywords or {}),
            wrt=names,
            order=order,
            upstream=upstream,
            surrogate=surrogate,
            seed=seed,
            exact=exact,
        )
    )


def _names(wrt: str | Sequence[str]) -> list[str]:
    parts = wrt.split(",") if isinstance(wrt, str) else list(wrt)
    if not all(isinstance(part, str) for part in parts):
        raise TypeError(f"wrt holds the names of inputs, as wrt='x' or wrt=['x', 'y'], not {wrt!r}")
    return [part.strip() for part in parts if part.strip()]


def _look_at_numbers(order: Any, seed: Any) -> None:
    for name, number in (("order", order), ("seed", seed)):
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{name} is a whole number, not {number!r}")
    if order not in (1, 2):
        raise ValueError(f"order is 1, or 2 for the gradient of the gradient, not {order}")
    if not 0 <= seed < 1 << 32:
        raise ValueError(f"seed is between 0 and {(1 << 32) - 1}, not {seed}")
