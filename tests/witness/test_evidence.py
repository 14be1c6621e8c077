"""The wire: a record that crosses a process border arrives as it left, to the last bit."""

from __future__ import annotations

import json
import math
import struct
import sys
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradtool.evidence import (
    Autodiff,
    Difference,
    Exact,
    ExactEntry,
    Failure,
    Formulas,
    Link,
    Place,
    Points,
    Record,
    Request,
    SampleRequest,
    decode,
    encode,
)
from gradtool.values import Array

KINDS = get_args(Record)
st.register_type_strategy(
    Array, st.lists(st.floats(), min_size=1, max_size=4).map(lambda numbers: Array.of((1, len(numbers)), numbers))
)
PLACE = Place("sin", (3, 9))
ENTRY = ExactEntry(
    "x", "kink", None, "0", "1e-17", "-1", "Infinity", PLACE, "overflow", PLACE, Link(PLACE, "1e-400"), None
)
DIFFERENCE = Difference("λ", "kink", math.nan, math.inf, -1.0, 0.0, -0.0, 5e-324, 124)
AWKWARD = [
    math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, -5e-324, 2.2250738585072011e-308, sys.float_info.min,
    sys.float_info.max, 0.1, 1 / 3, 1e22, 2.0**53 + 2, math.pi,
]  # fmt: skip
RECORDS = [
    Request(0, "x", {}, [], "torch"),
    Request(-1, "naïve*α", {"naïve": -0.0, "α": 5e-324, "%": 1.0, "$": 2.0, "type": 3.0}, ["α"], "tensorflow"),
    Request(
        1, "X @ y", {"X": Array.of((1, 2), [math.nan, -0.0]), "y": Array.of((2,), [5e-324, math.inf])}, ["X"], "torch"
    ),
    SampleRequest(3, "log(x)", ["x"], "torch", "float32", 2**70, 0),
    Points(4, []),
    Points(5, [{}, {"x": math.nan}]),
    Autodiff(6, "torch", "2.4", math.nan, {"x": None, "y": -0.0, "z": math.inf}, [DIFFERENCE], 1e-9),
    Exact(7, "defined", "0", [ENTRY, ENTRY], where=PLACE, limit="1"),
    Exact(8, "beyond", None, []),
    Formulas(9, {"x": 'cos("\n\t\\\u2028")'}, {"x": None}, "1.14"),
    Failure(10, "torch", "raised", "two\nlines and \x00 and \x7f and 😀", detail="traceback\n\n"),
]


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{type(record).__name__}-{record.key}")
def test_an_awkward_record_survives_and_is_one_line(record: Record) -> None:
    """``repr`` tells nan from nothing, -0.0 from 0.0, a tuple from a list and fields that == does not compare."""
    line = encode(record)
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert repr(decode(line)) == repr(record)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_any_record_survives(kind: type, data: st.DataObject) -> None:
    record = data.draw(st.from_type(kind))
    line = encode(record)
    assert len(line.splitlines()) == 1
    assert repr(decode(line)) == repr(record)


@pytest.mark.parametrize("value", AWKWARD)
def test_a_float_keeps_its_bits(value: float) -> None:
    """Compared as eight bytes, wherever a float may stand in a record."""
    point = decode(encode(Request(0, "x", {"x": value}, ["x"], "torch")))
    assert isinstance(point, Request)
    assert bits(point.point["x"]) == bits(value)
    autodiff = decode(encode(Autodiff(0, "torch", "", value, {"x": value}, [], value)))
    assert isinstance(autodiff, Autodiff)
    kept = [autodiff.value, autodiff.gradients["x"], autodiff.seconds]
    assert [bits(number) for number in kept if number is not None] == [bits(value)] * 3


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.integers(0, 2**64 - 1).map(lambda word: struct.unpack("<d", struct.pack("<Q", word))[0]))
def test_any_bit_pattern_of_a_number_survives(value: float) -> None:
    record = decode(encode(Points(0, [{"x": value}])))
    assert isinstance(record, Points)
    got = record.points[0]["x"]
    assert math.isnan(got) if math.isnan(value) else bits(got) == bits(value)


def test_numbers_travel_as_text_that_no_json_reader_rounds() -> None:
    """Outside of keys and counts, no bare JSON number is on the line, and no NaN that JSON does not know."""
    found: list[object] = []
    record = Autodiff(6, "torch", "2.4", math.nan, {"y": 0.1}, [DIFFERENCE], 1e-9)
    json.loads(encode(record), parse_float=found.append, parse_constant=found.append)
    assert found == []


def test_high_precision_text_is_left_alone() -> None:
    """A derivative of 40 digits, far below the range of floats, arrives digit by digit."""
    text = "3.141592653589793238462643383279502884197e-4000"
    record = decode(encode(Exact(0, "defined", text, [ExactEntry("x", "smooth", text)])))
    assert isinstance(record, Exact)
    assert record.entries[0].derivative == text
    assert Decimal(text).adjusted() == -4000


@pytest.mark.parametrize("line", ["", "nonsense", "{", "5", "null", "[]", '{"type":"Points"', '{"%":"0x1p0"}'])
def test_a_line_that_is_no_record_raises_value_error(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode(line)


@pytest.mark.parametrize("line", ['{"type":"Nothing"}', '{"a":1}'])
def test_a_record_of_an_unknown_kind_raises_key_error(line: str) -> None:
    with pytest.raises(KeyError):
        decode(line)


@pytest.mark.parametrize("line", ['{"type":"Points","key":1}', '{"type":"Points","key":1,"points":[],"more":1}'])
def test_a_record_with_other_fields_is_refused_as_documented(line: str) -> None:
    """``decode`` says that it raises ValueError or KeyError."""
    with pytest.raises((ValueError, KeyError)):
        decode(line)


def test_a_part_of_a_record_alone_is_no_record() -> None:
    """A Place crosses the border inside others only."""
    with pytest.raises(ValueError, match="not a record"):
        decode('{"type":"Place","operation":"sin","span":[0,1]}')
