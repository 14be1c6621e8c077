"""Rounding to every format: against exact fractions, struct, NumPy and PyTorch, at ties, subnormals and overflow."""

from __future__ import annotations

import importlib
import itertools
import math
import struct
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gradtool.target.dtype import FORMATS, rounded, ulp

SEEDED = settings(derandomize=True, deadline=None, max_examples=400)
HALVES = ("float16", "bfloat16")


@pytest.fixture(scope="module")
def torch() -> Any:
    """PyTorch, imported where it is needed: it takes a second."""
    return importlib.import_module("torch")


def every(dtype: str) -> list[float]:
    """Every finite number of a format of 16 bits, in order, from its bit patterns; 0 once."""
    patterns = np.arange(1 << 16, dtype=np.uint32)
    wide = patterns.astype(np.uint16).view(np.float16) if dtype == "float16" else (patterns << 16).view(np.float32)
    return sorted({float(number) for number in wide[np.isfinite(wide)]})


@pytest.mark.parametrize("dtype", HALVES)
def test_every_number_of_a_format_of_16_bits_is_itself(dtype: str) -> None:
    numbers = every(dtype)
    assert [rounded(number, dtype) for number in numbers] == numbers
    assert numbers[-1] == FORMATS[dtype].largest
    assert min(number for number in numbers if number > 0) == FORMATS[dtype].smallest


@pytest.mark.parametrize("dtype", HALVES)
def test_between_neighbours_the_nearer_wins_and_the_tie_goes_to_the_even_one(dtype: str) -> None:
    """Every pair of neighbours: their middle, and one float64 to either side of it, which float32 would not see."""
    numbers = every(dtype)
    for low, high in itertools.pairwise(numbers):
        middle = (low + high) / 2
        even = low if Fraction(low) / Fraction(ulp(low, dtype)) % 2 == 0 else high
        assert rounded(middle, dtype) == even, middle
        assert rounded(math.nextafter(middle, -math.inf), dtype) == low, middle
        assert rounded(math.nextafter(middle, math.inf), dtype) == high, middle


@pytest.mark.parametrize(
    ("dtype", "largest", "limit"),
    [
        ("float16", 65504.0, 65520.0),
        ("bfloat16", 3.3895313892515355e38, 511 * 2.0**119),
        ("float32", 3.4028234663852886e38, 3.4028235677973366e38),
    ],
)
def test_half_a_gap_above_the_largest_number_is_infinite(dtype: str, largest: float, limit: float) -> None:
    """The largest numbers as IEEE 754 and Google's bfloat16 define them: (2 - 2^(1-p)) * 2^(high-1)."""
    assert FORMATS[dtype].largest == largest
    assert rounded(math.nextafter(limit, 0), dtype) == largest
    assert rounded(limit, dtype) == math.inf
    assert rounded(-limit, dtype) == -math.inf
    assert rounded(1.7e308, dtype) == math.inf


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("value", [0.0, -0.0, math.inf, -math.inf, math.nan, -1e-320, 1e-320])
def test_signs_and_what_is_no_number_are_kept(dtype: str, value: float) -> None:
    once = rounded(value, dtype)
    expected = value if dtype == "float64" or abs(value) != 1e-320 else math.copysign(0.0, value)
    assert struct.pack("d", once) == struct.pack("d", expected)


ANY = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-70000, 70000) | st.floats(-1e-4, 1e-4)


@SEEDED
@given(ANY)
@example(1 + 2.0**-11 + 2.0**-40)
@example(2.0**-25)
@example(2.0**-25 + 2.0**-60)
def test_float16_and_float32_round_as_struct_and_numpy_do(value: float) -> None:
    for dtype, code in (("float16", "e"), ("float32", "f")):
        try:
            wanted = struct.unpack(code, struct.pack(code, value))[0]
        except OverflowError:
            wanted = math.copysign(math.inf, value)
        assert struct.pack("d", rounded(value, dtype)) == struct.pack("d", wanted)
        with np.errstate(all="ignore"):
            assert rounded(value, dtype) == float(np.dtype(dtype).type(value))


@SEEDED
@given(st.sampled_from(list(FORMATS)), ANY)
def test_no_number_of_the_format_is_nearer(dtype: str, value: float) -> None:
    """By exact fractions: at most half a unit in the last place away, and a multiple of the smallest number."""
    once = rounded(value, dtype)
    if math.isinf(once):
        assert abs(value) > FORMATS[dtype].largest
        return
    error = abs(Fraction(once) - Fraction(value))
    assert error <= Fraction(ulp(value, dtype)) / 2
    assert Fraction(once) % Fraction(FORMATS[dtype].smallest) == 0
    assert rounded(once, dtype) == once


def test_float32_numbers_become_bfloat16_as_in_pytorch(torch: Any) -> None:
    """From float32 PyTorch rounds once; ties and subnormals among them."""
    bits = np.random.default_rng(0).integers(0, 1 << 32, 4000, dtype=np.uint32)
    bits[:1000] = bits[:1000] & 0xFFFF0000 | 0x8000
    bits[1000:1500] &= 0x807FFFFF
    numbers = bits.view(np.float32)
    numbers = numbers[np.isfinite(numbers)]
    wanted = torch.from_numpy(numbers).to(torch.bfloat16).to(torch.float64).tolist()
    assert [rounded(float(number), "bfloat16") for number in numbers] == wanted


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_limits_are_those_that_pytorch_states(torch: Any, dtype: str) -> None:
    form, info = FORMATS[dtype], torch.finfo(getattr(torch, dtype))
    assert (form.largest, form.smallest, 2 * form.unit) == (info.max, info.smallest_normal * info.eps, info.eps)
    assert form.least == (info.smallest_normal * info.eps if dtype == "float16" else info.smallest_normal)


@pytest.mark.parametrize(
    ("value", "dtype", "gap"),
    [
        (1.0, "float16", 2.0**-10),
        (-1.999, "float16", 2.0**-10),
        (2048.0, "float16", 2.0),
        (6e-5, "float16", 2.0**-24),
        (0.0, "float16", 2.0**-24),
        (1.0, "bfloat16", 2.0**-7),
        (300.0, "bfloat16", 2.0),
        (1e-39, "bfloat16", 2.0**-133),
    ],
)
def test_the_unit_in_the_last_place(value: float, dtype: str, gap: float) -> None:
    assert ulp(value, dtype) == gap
