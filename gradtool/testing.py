"""For tests: ``assert_gradient`` raises with the whole report where a gradient is wrong."""

from __future__ import annotations

from typing import Any

from gradtool.api import CheckResult, check

__all__ = ["assert_gradient"]


def assert_gradient(function: Any, inputs: Any, **options: Any) -> CheckResult:
    """``gradtool.check`` with the same arguments.

    Raises AssertionError, with the report, where something is wrong or nothing could be checked.
    """
    __tracebackhide__ = True
    result = check(function, inputs, **options)
    if not result:
        told = f"is {result.verdict}" if result.accused else f"could not be checked ({result.verdict})"
        raise AssertionError(f"the gradient {told}\n\n{result.report}")
    return result
