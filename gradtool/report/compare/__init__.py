"""How a comparison is told: one file and one row for each format."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FORMATS"]

FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "table": ("gradtool.report.compare.table", "write"),
        "json": ("gradtool.report.compare.json", "write"),
        "jsonl": ("gradtool.report.compare.json", "write_lines"),
        "markdown": ("gradtool.report.compare.markdown", "write"),
    }
)
"""Format to the module and function that write it, imported when chosen."""
