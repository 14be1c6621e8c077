"""How the evidence on a model is told: one file and one row for each format, all from the same sections."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FORMATS"]

FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "table": ("gradtool.report.flow.table", "write"),
        "json": ("gradtool.report.flow.json", "write"),
        "jsonl": ("gradtool.report.flow.json", "write_line"),
        "markdown": ("gradtool.report.flow.markdown", "write"),
        "html": ("gradtool.report.flow.html", "write"),
    }
)
"""Format to the module and function that write it, imported when chosen."""
