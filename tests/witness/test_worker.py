"""What a worker makes of an exception: the words of PyTorch (one) and TensorFlow (two) where a kernel is missing."""

from __future__ import annotations

import pytest

from gradtool.witness.worker import _failure


@pytest.mark.parametrize(
    ("said", "kernel"),
    [
        ("\"erfc_vml_cpu\" not implemented for 'Half'", "erfc_vml_cpu"),
        ("Could not find device for node: {{node Lgamma}} = Lgamma[T=DT_BFLOAT16]\nAll kernels registered:", "Lgamma"),
        ("Value for attr 'T' of half is not in the list of allowed values: float\n; NodeDef: {{node Erf}};", "Erf"),
    ],
)
def test_a_kernel_that_is_missing_is_named_with_the_dtype(said: str, kernel: str) -> None:
    found = _failure(7, "room", RuntimeError(said), "bfloat16")
    assert (found.key, found.reason, found.message) == (7, "unsupported", f"has no bfloat16 kernel for {kernel}")
    assert said in found.detail


def test_any_other_exception_is_told_as_it_is() -> None:
    found = _failure(7, "room", RuntimeError("mat1 and mat2\nmust have the same dtype"), "bfloat16")
    assert (found.reason, found.message) == ("raised", "raised RuntimeError: mat1 and mat2 must have the same dtype")
