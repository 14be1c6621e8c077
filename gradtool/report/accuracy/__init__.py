"""How the accuracy of every operation is told: one file and one row for each format.

One record a line is what ``check`` and ``compare`` write.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FORMATS"]

FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "table": ("gradtool.report.accuracy.table", "write"),
        "json": ("gradtool.report.accuracy.json", "write"),
        "markdown": ("gradtool.report.accuracy.markdown", "write"),
    }
)
"""Format to the module and function that write it, imported when chosen."""
