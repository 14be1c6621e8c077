"""What a check says of a callable whose gradient is None, no number or cut: the line, told once, with the remedy."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from gradtool.evidence import (
    Autodiff,
    Breach,
    CallableEvidence,
    CallablePoint,
    Cause,
    CodeLine,
    Difference,
    Operand,
    Slot,
)
from gradtool.evidence.wire import decode, encode
from gradtool.pipeline.check_callables import recorded
from gradtool.report.json import plain
from gradtool.settings import CheckSettings
from gradtool.values import Value
from gradtool.verdict.contract_causes import with_causes
from gradtool.verdict.record import CheckRecord, Finding
from gradtool.verdict.rules import finding

LINE = CodeLine("ops.py:7", "y = torch.log(x.detach())", "soft")
CUT = Cause("none", "detach", "detach", LINE, ["x"])
LOG = Cause("nan", "log_of_zero", "log", replace(LINE, source="ops.py:8"), ["x"], operands=[Operand((2,), "float64")])


def told(found: list[Finding], *causes: Cause, framework: str = "torch") -> list[tuple[str, str, bool]]:
    return [(one.code, one.source, one.cause is not None) for one in with_causes(found, causes, ["x", "y"], framework)]


def test_a_cause_goes_to_the_finding_on_its_input_and_only_once() -> None:
    none = [finding("GT010", "y", "None"), finding("GT204", "x", "cut"), finding("GT204", "x", "again")]
    assert told(none, CUT) == [("GT010", "", False), ("GT204", "ops.py:7", True), ("GT204", "", False)]
    broken = [finding("GT002", "x[0]", "nan"), finding("GT002", "x[1]", "nan")]
    assert told(broken, LOG) == [("GT002", "ops.py:8", True), ("GT002", "", False)]
    assert told(broken, CUT) == [("GT002", "", False), ("GT002", "", False)]


def test_what_is_about_all_inputs_has_the_cause_of_any() -> None:
    assert told([finding("GT204", "soft", "cut")], CUT) == [("GT204", "ops.py:7", True)]
    whole = replace(LOG, parameters=[])
    assert told([finding("GT002", "y[0]", "nan")], whole) == [("GT002", "ops.py:8", True)]
    assert told([finding("GT002", "y[0]", "nan")], LOG) == [("GT002", "", False)]


def test_a_wrong_gradient_is_explained_by_a_path_that_is_cut() -> None:
    guess = "Look for detach(), .data, ..."
    wrong = [finding("GT001", "x[0]", "off", guess), finding("GT001", "x[1]", "off", guess)]
    first, second = with_causes(wrong, [replace(CUT, fate="cut")], ["x"], "torch", guess)
    assert (first.source, first.cause) == ("ops.py:7", replace(CUT, fate="cut"))
    assert first.message == "off; detach hands on the numbers without their history"
    assert second.cause is None
    assert second.remedy == "See GT001 on x[0]."
    assert first.remedy.startswith("Take .detach() out")
    (mended,) = with_causes([replace(wrong[0], remedy="Mend the backward pass of f.")], [CUT], ["x"], "torch", guess)
    assert mended.remedy == "Mend the backward pass of f."


def test_the_finding_that_says_none_shows_why() -> None:
    found = [finding("GT001", "x[0]", "off"), finding("GT204", "x", "None"), finding("GT230", "soft", "0 times")]
    assert told(found, CUT) == [("GT001", "", False), ("GT204", "ops.py:7", True), ("GT230", "", False)]


def test_a_remedy_that_was_tried_is_kept() -> None:
    (one,) = with_causes([finding("GT002", "x", "nan", "log_softmax(x): verified")], [LOG], ["x"], "torch")
    assert one.remedy == "log_softmax(x): verified"
    (one,) = with_causes([finding("GT002", "x", "nan")], [LOG], ["x"], "tensorflow")
    assert "tf.nn.log_softmax" in one.remedy
    assert "1e-15" in one.remedy


def evidence(gradient: Value | None, *causes: Cause, breaches: tuple[Breach, ...] = ()) -> CallableEvidence:
    bar = Difference("x", "smooth", 2.0, 1e-9, 2.0, 1e-9, 2.0, 1e-9, 20)
    autodiff = Autodiff(0, "torch", "2.13", 0.5, {"x": gradient}, [bar], 0.1)
    point = CallablePoint("given", {"x": 1.0}, [1.0], autodiff, causes=list(causes))
    slots = [Slot("x", (), "float64")]
    return CallableEvidence(
        0, "torch", "2.13", "soft", "function", "ops.py:6", "float64", slots, slots, [point], list(breaches)
    )


def record(found: CallableEvidence) -> CheckRecord:
    (made,) = recorded(found, "ops.py:soft", CheckSettings(), [("", [])])
    return made


@pytest.mark.parametrize(
    ("gradient", "breaches", "cause", "code"),
    [(None, (Breach("cut_off", "x", "cut off"),), CUT, "GT204"), (math.nan, (), LOG, "GT002")],
)
def test_the_record_of_a_check_has_it_and_so_has_its_json(
    gradient: Value | None, breaches: tuple[Breach, ...], cause: Cause, code: str
) -> None:
    made = record(evidence(gradient, cause, breaches=breaches))
    one = next(one for one in made.findings if one.code == code)
    assert one.cause == cause
    document = plain(made)
    schema: Any = json.loads(files("gradtool.report").joinpath("check-1.0.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema, jsonschema.Draft202012Validator)
    shown = next(part for part in document["findings"] if part["code"] == code)
    assert shown["cause"]["line"]["text"] == cause.line.text
    assert all("cause" not in part for part in document["findings"] if part["code"] != code)


def test_the_record_passes_the_wire() -> None:
    found = evidence(None, CUT, LOG)
    assert decode(encode(found)) == found
