"""How the comparison of two models is told: one row for each format, all from the same sections."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FORMATS"]

FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "table": ("gradtool.report.pairing.sections", "write_table"),
        "json": ("gradtool.report.pairing.json", "write"),
        "jsonl": ("gradtool.report.pairing.json", "write_line"),
        "markdown": ("gradtool.report.pairing.sections", "write_markdown"),
    }
)
"""Format to the module and function that write it, imported when chosen."""
