"""For tests: ``assert_gradient`` raises with the whole report where a gradient is wrong."""

from __future__ import annotations

from typing import Any

from gradtool.api import CheckResult, check

__all__ = ["assert_gradient"]


def assert_gradient(function: Any, inputs: Any, **options: Any) -> CheckResult:
    """``gradtool.check`` with the same arguments. Raises AssertionError, with the report, where something is wrong."""
    __tracebackhide__ = True
    result = check(function, inputs, **options)
    if not result:
        raise AssertionError(f"the gradient is {result.verdict}\n\n{result.report}")
    return result
