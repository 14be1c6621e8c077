"""The pytest plugin: the fixture ``assert_gradient``, and the marker ``gradient`` that gives it options.

    @pytest.mark.gradient(order=2)
    def test_my_relu(assert_gradient):
        assert_gradient(MyReLU, torch.randn(5, dtype=torch.float64))

Nothing heavy is imported before a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["assert_gradient", "pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "gradient(**options): options of gradtool.check for the fixture assert_gradient")


@pytest.fixture
def assert_gradient(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``gradtool.testing.assert_gradient``, with the options of the marker where it is not told otherwise."""
    from gradtool.testing import assert_gradient as asserted  # noqa: PLC0415  # only where a test asks for it

    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("gradient"))):
        options |= marker.kwargs

    def with_options(function: Any, inputs: Any, **own: Any) -> Any:
        __tracebackhide__ = True
        return asserted(function, inputs, **{**options, **own})

    return with_options
