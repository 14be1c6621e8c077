"""The frameworks that most tests run by, and the rows of tests/corpus."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["CORPUS", "FRAMEWORKS", "WHOLE", "corpus"]

FRAMEWORKS = ("torch", "tensorflow")
CORPUS = Path(__file__).parent / "corpus"
WHOLE = bool(os.environ.get("GRADTOOL_WHOLE_CORPUS"))
"""Every case of every corpus is tried, in half an hour, where the environment asks for it; else an even share."""


def corpus(name: str) -> list[dict[str, Any]]:
    """The rows of a file of tests/corpus."""
    return [json.loads(line) for line in (CORPUS / name).read_text(encoding="utf-8").splitlines()]
