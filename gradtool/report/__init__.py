"""How a verdict is told: one file and one row for each format."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FORMATS"]

FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "table": ("gradtool.report.table", "write"),
        "json": ("gradtool.report.json", "write"),
        "jsonl": ("gradtool.report.json", "write_lines"),
        "markdown": ("gradtool.report.markdown", "write"),
    }
)
"""Format to the module and function that write it, imported when chosen."""
