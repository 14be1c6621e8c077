"""Every operation in float16 and bfloat16: it runs and is not accused, or the kernel that is missing is named."""

from __future__ import annotations

import random
from typing import Any

import pytest
from meanings import EVERYWHERE, MEANINGS, POINTS
from test_cells import text

from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.operations import OPERATIONS

WITHOUT = {
    ("tensorflow", "float16"): {"digamma": "Polygamma", "trigamma": "Polygamma"},
    ("tensorflow", "bfloat16"): {"lgamma": "Lgamma", "digamma": "Digamma", "trigamma": "Polygamma"},
}
"""The operations that a framework has no kernel for, and the kernel that is missing."""


def rows(dtype: str) -> list[dict[str, Any]]:
    """Every operation at ordinary points, and those of one argument at small, large and extreme ones."""
    draw, form, lines = random.Random(1), FORMATS[dtype], []  # noqa: S311  # repeatable on purpose
    for name in MEANINGS:
        names = ["c", "x", "y"] if name == "where" else list(OPERATIONS[name].parameters)
        points = list(POINTS.get(name, EVERYWHERE)[::4])
        if points[0] in EVERYWHERE:
            points += [(draw.choice((-1, 1)) * 2.0 ** draw.uniform(low, high),) for low, high in (
                (form.low, 0), (-12, 12), (0, form.high - 1))]  # fmt: skip
        for point in points:
            at = {key: repr(rounded(value, dtype)) for key, value in zip(names, point, strict=True)}
            lines.append({"name": name, "expression": text(name), "at": at, "wrt": [n for n in names if n != "c"]})
    return lines


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_every_operation_runs_in_16_bits_or_its_kernel_is_named(check: Any, framework: str, dtype: str) -> None:
    """One sentence where there is none, never a traceback; wrong only where the row itself names a deviation."""
    missing = WITHOUT.get((framework, dtype), {})
    for record in check(rows(dtype), framework=framework, dtype=dtype):
        if record.name in missing:
            (failure,) = record.failures
            assert failure.reason == "unsupported"
            assert failure.message == f"TensorFlow has no {dtype} kernel for {missing[record.name]}"
            assert {entry.verdict for entry in record.entries} <= {"inconclusive", "out_of_range"}
            continue
        assert record.failures == ()
        deviation = OPERATIONS[record.name].deviation(framework, dtype)
        for entry in record.entries:
            assert entry.verdict != "inconclusive", (record.name, dict(record.point), entry)
            known = deviation and deviation in entry.reason
            assert entry.verdict != "wrong" or known, (record.name, dict(record.point), entry)
