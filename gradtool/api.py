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
    """What a check has found; true where nothing is wrong.

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

    def __bool__(self) -> bool:
        """Whether nothing is wrong: no verdict of ``wrong`` or ``unstable``, and no finding of severity error."""
        told = {record.verdict for record in self.records}
        return not told & {"wrong", "unstable"} and not any(one.severity == "error" for one in self.findings)

    def __repr__(self) -> str:
        """The verdict and the report."""
        return f"<gradtool.check: {self.verdict}>\n{self.report}"


def check(
    function: Any,
    inputs: Any,
    *,
    keywords: Mapping[str, Any] | None = None,
    wrt: Sequence[str] = (),
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
    module, are differentiated; with ``wrt`` only those named. ``order`` 2 checks the gradient of the gradient too.
    ``upstream`` weighs the outputs (ones without it). ``surrogate`` says that the gradient is wrong on purpose.
    ``exact`` lets a process of its own compute exact derivatives of what can be traced to an expression.

    Tensors stay on their device; their ``grad`` and ``requires_grad``, the parameters and the mode of a module and the
    random state are left as they were found.

    Cost: about 100 gradients and some hundred values; 125 values more for each entry, up to 64 of them.

    Raises TypeError where neither PyTorch nor TensorFlow knows the inputs, ValueError where there is nothing to
    differentiate by, and whatever ``function`` raises at its own inputs.
    """
    from gradtool.pipeline.live import checked  # noqa: PLC0415  # nothing heavy on import

    arguments = inputs if isinstance(inputs, list | tuple | Mapping) else [inputs]
    return CheckResult(
        checked(
            function,
            arguments,
            dict(keywords or {}),
            wrt=wrt,
            order=order,
            upstream=upstream,
            surrogate=surrogate,
            seed=seed,
            exact=exact,
        )
    )
