"""Findings with a cause: one for each cause, on its line, with its remedy, and each told once."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade_models import WIDTH, bias, chain, found, layer, model, numbers, relu, told, weight, with_parameters

from gradtool.evidence import Cause, CodeLine, Loss, ModelEvidence, Operand, Parameter, TrainingStep, Weights
from gradtool.verdict.flow.causes import KINDS, because, remedy
from gradtool.verdict.flow.kinds.births import BIRTHS
from gradtool.verdict.flow.kinds.cuts import CUTS
from gradtool.verdict.flow.kinds.kind import EPSILONS
from gradtool.verdict.flow.kinds.zeros import ZEROS
from gradtool.verdict.record import Finding
from gradtool.witness.causes.deaths import ROWS
from gradtool.witness.causes.patterns import MARKS, PATTERNS, SLOPES

CORPUS = Path(__file__).parents[2] / "corpus"

TORCH_ALONE = {"reentrant", "detach", "no_grad", "inference_mode", "grad_disabled", "data"}
TORCH_WORDS = ("torch", "nn.Layer", "F.", "requires_grad", "clamp_min", "dim=")


def line(number: int) -> CodeLine:
    return CodeLine(f"model.py:{number}", "h = f(h)", "Net.forward")


def cause(fate: str, kind: str, number: int, *names: str, **cells: Any) -> Cause:
    return Cause(fate, kind, kind, line(number), list(names), **cells)


def both(*layers: str) -> list[str]:
    return [f"{name}.{part}" for name in layers for part in ("weight", "bias")]


def without(evidence: ModelEvidence, *layers: str) -> ModelEvidence:
    """No gradient at all in these layers."""
    return with_parameters(evidence, lambda row: {"gradient": None} if row.layer in layers else {})


def spoilt(evidence: ModelEvidence, word: str, *layers: str) -> ModelEvidence:
    """Gradients of NaN or of infinities in these layers."""

    def change(row: Parameter) -> dict[str, Any]:
        count = row.weights.count
        cells: dict[str, Any] = {"zeros": 0, word: count}
        return {"gradient": numbers(float(word), count, **cells)} if row.layer in layers else {}

    return with_parameters(evidence, change)


def zeroed(evidence: ModelEvidence, *layers: str) -> ModelEvidence:
    """Gradients of exactly zero in these layers."""
    return with_parameters(
        evidence, lambda row: {"gradient": numbers(0.0, row.weights.count)} if row.layer in layers else {}
    )


def judged(evidence: ModelEvidence, *causes: Cause) -> list[Finding]:
    return found(replace(evidence, causes=list(causes)))


def lines(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(finding.code, finding.source) for finding in findings]


def test_the_catalogue_has_every_word_once_and_each_row_fills_its_places() -> None:
    for rows in (CUTS, ZEROS, BIRTHS):
        words = [row.kind for row in rows]
        assert len(words) == len(set(words))
        for row in rows:
            for text in (row.told, row.torch, row.tensorflow):
                fields = {name for _, name, _, _ in string.Formatter().parse(text) if name}
                assert fields <= {"operation", "epsilon"}
            assert not row.told.endswith(".")
            assert row.torch.endswith(".")
    assert {fate for fate, _ in KINDS} == {"none", "cut", "zero", "nan", "inf"}


def test_remedies_speak_of_the_framework_that_is_used() -> None:
    """No row sends a TensorFlow program to torch, or the other way round."""
    for (fate, kind), row in KINDS.items():
        asked = cause(fate, kind, 1)
        assert "tf." not in remedy(asked, "torch")
        assert "from_logits" not in remedy(asked, "torch")
        if kind not in TORCH_ALONE:
            assert [word for word in TORCH_WORDS if word in remedy(asked, "tensorflow")] == []
        assert because(asked)
        assert row.kind == kind


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_the_epsilon_counts_beside_1_and_a_tenth_of_it_does_not(dtype: str) -> None:
    one, epsilon = np.ones((), dtype), np.array(float(EPSILONS[dtype]), dtype)
    assert one - epsilon < one < one + epsilon
    assert not one - epsilon / 10 < one < one + epsilon / 10


def test_the_epsilon_of_bfloat16_counts_beside_1() -> None:
    """It has 8 bits: 1 + 2^-7 and 1 - 2^-8 are its neighbours, and more than half of that way rounds to them."""
    assert 2.0**-8 < float(EPSILONS["bfloat16"]) < 2.0**-6


def test_the_epsilon_that_is_named_is_that_of_the_operands() -> None:
    tiny = cause("nan", "tiny_epsilon", 3, operands=[Operand((4,), "int64"), Operand((4,), "float16")])
    assert "at least 1e-3" in remedy(tiny, "torch")
    assert "at least 1e-7" in remedy(replace(tiny, operands=[]), "tensorflow")


def test_each_cut_is_a_finding_on_its_line_and_what_has_no_cause_is_told_as_before() -> None:
    spare = [weight("spare", None), bias("spare", None)]
    sound = chain()
    ill = without(model(sound.layers, [*sound.parameters, *spare]), "0", "2", "4")
    first, second, third = judged(
        ill,
        cause("none", "detach", 12, "0.weight"),
        cause("none", "numpy", 13, *both("2", "4")),
        cause("none", "detach", 12, "0.bias"),
    )
    assert lines([first, second, third]) == [("GT106", "model.py:12"), ("GT106", "model.py:13"), ("GT106", "")]
    assert first.parameters == ("0.weight", "0.bias")
    assert first.message.startswith("2 parameters of layer 0 got no gradient: detach hands on")
    assert first.remedy.startswith("Take .detach() out")
    assert first.cause is not None
    assert first.cause.line.text == "h = f(h)"
    assert second.parameters == tuple(both("2", "4"))
    assert (third.where, third.parameters, third.cause) == ("spare", ("spare.weight", "spare.bias"), None)


def test_two_cuts_of_the_same_parameter_are_two_findings() -> None:
    ill = without(chain(), "0")
    findings = judged(ill, cause("none", "detach", 5, *both("0")), cause("none", "argmax", 9, *both("0")))
    assert lines(findings) == [("GT106", "model.py:5"), ("GT106", "model.py:9")]


def test_the_same_kind_on_two_lines_is_two_causes() -> None:
    ill = without(chain(), "0", "2")
    findings = judged(ill, cause("none", "detach", 5, *both("0")), cause("none", "detach", 9, *both("2")))
    assert lines(findings) == [("GT106", "model.py:5"), ("GT106", "model.py:9")]


def test_tensorflow_has_its_own_words() -> None:
    ill = replace(without(chain(), "0"), framework="tensorflow")
    (finding,) = judged(ill, cause("none", "stop_gradient", 7, *both("0")))
    assert "tf.stop_gradient" in finding.remedy


def test_a_missing_path_is_a_note_and_nothing_beside_a_whole_cut_on_the_line() -> None:
    (finding,) = judged(chain(), cause("cut", "detach", 4, *both("0")))
    assert told(finding) == ("GT148", "note", "0")
    assert finding.source == "model.py:4"
    ill = without(chain(), "0")
    findings = judged(ill, cause("none", "detach", 4, *both("0")), cause("cut", "detach", 4, *both("2")))
    assert lines(findings) == [("GT106", "model.py:4")]
    findings = judged(ill, cause("none", "detach", 4, *both("0")), cause("cut", "detach", 5, *both("2")))
    assert lines(findings) == [("GT106", "model.py:4"), ("GT148", "model.py:5")]


def test_a_cause_of_what_is_not_missing_is_no_finding() -> None:
    """A record that contradicts the figures accuses nobody."""
    assert judged(chain(), cause("none", "detach", 4, *both("0")), cause("zero", "clamp", 5, *both("2"))) == []


def test_what_freezes_parameters_is_on_the_note() -> None:
    trunk = with_parameters(chain(), lambda row: {"trainable": False, "gradient": None} if row.layer == "0" else {})
    (finding,) = judged(trunk, cause("none", "frozen", 3, *both("0")))
    assert (told(finding), finding.source) == (("GT107", "note", "0"), "model.py:3")


def test_a_zero_is_told_with_the_operation_that_makes_it() -> None:
    ill = zeroed(chain(), "0", "2")
    (finding,) = judged(ill, cause("zero", "clamp", 6, *both("0", "2"), phase="backward"))
    assert told(finding) == ("GT105", "error", "0")
    assert finding.source == "model.py:6"
    assert "is exactly 0: every number lies at or beyond the limits of clamp" in finding.message
    assert finding.parameters == tuple(both("0", "2"))
    first, second = judged(ill, cause("zero", "clamp", 6, *both("0")))
    assert (first.source, first.parameters) == ("model.py:6", tuple(both("0")))
    assert second.cause is None
    assert second.parameters == tuple(both("2"))


def lora() -> ModelEvidence:
    layers = [layer("base", 0), layer("A", 1, 0.0), layer("B", 2, rms=0.0, dead=WIDTH, units=WIDTH), layer("out", 3)]
    blank = Weights(WIDTH * WIDTH, 0.0)
    return model(layers, [weight("base"), weight("A", 0.0), weight("B", weights=blank), weight("out")])


def test_a_lawful_zero_stays_a_note_with_its_line_and_a_fault_on_the_way_does_not() -> None:
    (finding,) = judged(lora(), cause("zero", "zero_factor", 8, "A.weight", phase="backward"))
    assert (told(finding), finding.source) == (("GT105", "note", "A.weight"), "model.py:8")
    assert finding.remedy == "Nothing to do."
    (finding,) = judged(lora(), cause("zero", "rounding", 8, "A.weight", phase="backward"))
    assert (told(finding), finding.source) == (("GT105", "error", "A.weight"), "model.py:8")


def dead() -> ModelEvidence:
    """A rectifier on line 9 that is off for every sample."""
    ill = zeroed(chain(), "0", "2")
    rows = [replace(row, dead=WIDTH, source="model.py:9") if row.name == "3" else row for row in ill.layers]
    return replace(ill, layers=rows)


def test_a_dead_layer_is_told_once_with_the_line_and_the_parameters() -> None:
    (finding,) = judged(dead(), cause("zero", "dead_relu", 9, *both("0", "2"), phase="backward"))
    assert (told(finding), finding.source) == (("GT108", "error", "3"), "model.py:9")
    assert finding.parameters == tuple(both("0", "2"))
    assert finding.cause is not None
    assert finding.cause.line == line(9)


def test_a_softmax_of_one_is_told_once() -> None:
    ill = zeroed(chain(), *map(str, range(0, 11, 2)))
    softmax = relu("11", 11, 1.0, activation="softmax", kind="Softmax", axis=1, source="model.py:5")
    names = [row.name for row in ill.parameters]
    for place in (11, -1):  # also where the layer does not seem to run behind them
        one = model([*ill.layers, replace(softmax, place=place)], ill.parameters)
        findings = judged(one, cause("zero", "softmax_of_one", 5, *names, phase="backward"))
        assert lines(findings) == [("GT111", "model.py:5")]
        assert findings[0].parameters == tuple(names)


def test_a_softmax_of_one_that_is_no_layer_is_told_of_the_zeros() -> None:
    ill = zeroed(chain(), *map(str, range(0, 11, 2)))
    names = [row.name for row in ill.parameters]
    (finding,) = judged(ill, cause("zero", "softmax_of_one", 5, *names, phase="backward"))
    assert (told(finding), finding.source) == (("GT105", "error", "model"), "model.py:5")


def test_a_clamp_before_a_dead_layer_is_another_cause() -> None:
    findings = judged(dead(), cause("zero", "clamp", 6, *both("0"), phase="backward"))
    assert lines(findings) == [("GT108", "model.py:9"), ("GT105", "model.py:6")]


def test_a_loss_that_is_nan_is_told_once_with_its_cause() -> None:
    ill = spoilt(replace(chain(), loss=Loss(math.nan, "nll", "model.py:20")), "nan", *map(str, range(0, 11, 2)))
    names = [row.name for row in ill.parameters]
    for members in (names, []):
        (finding,) = judged(ill, cause("inf", "log_of_zero", 14, *members))
        assert (told(finding), finding.source) == (("GT114", "error", "loss"), "model.py:14")
        assert finding.message.startswith("the loss is nan: log_of_zero takes a logarithm of 0")
        assert finding.parameters == tuple(members)
        assert "F.log_softmax" in finding.remedy


def test_gradients_that_break_on_the_way_back_are_one_finding_for_each_cause() -> None:
    """Infinities that become NaN further on are one cause, told with the NaN."""
    ill = spoilt(spoilt(spoilt(chain(), "nan", "0"), "inf", "2"), "inf", "6")
    findings = judged(
        ill,
        cause("inf", "sqrt_of_zero", 14, *both("0", "2"), phase="backward"),
        cause("inf", "overflow", 15, *both("6"), phase="backward"),
    )
    assert lines(findings) == [("GT101", "model.py:14"), ("GT102", "model.py:15")]
    assert findings[0].parameters == tuple(both("0", "2"))
    assert findings[0].message.startswith("4160 of the 8320 gradient entries of 2 parameters of layer 0, 2 parameters")
    assert findings[0].message.endswith("where its slope is infinite, on the way back")


def test_a_birth_of_which_only_some_parameters_are_known_leaves_the_others() -> None:
    ill = spoilt(chain(), "nan", "0", "2")
    findings = judged(ill, cause("nan", "where_trap", 14, *both("0"), phase="backward"))
    assert [(row.source, row.parameters) for row in findings] == [
        ("model.py:14", tuple(both("0"))),
        ("model.py:20", tuple(both("2"))),
    ]


def test_in_training_the_step_and_the_line_are_told() -> None:
    steps = [TrainingStep(n, 2.0, 0.5) for n in (1, 2)] + [TrainingStep(3, 2.0, math.nan, nonfinite="0.weight")]
    trained = replace(chain(), steps=steps)
    (finding,) = judged(trained, cause("nan", "zero_over_zero", 17, *both("0"), step=3))
    assert (told(finding), finding.source) == (("GT132", "error", "0.weight"), "model.py:17")
    assert finding.message.startswith("at step 3 the gradient of 0.weight is not finite")
    assert finding.message.endswith("zero_over_zero divides 0 by 0")
    (bare,) = judged(trained)
    assert bare.cause is None


def test_one_divergence_is_told_once_with_the_other_lines_at_which_it_overflows() -> None:
    steps = [TrainingStep(1, 2.0, 0.5), TrainingStep(2, math.inf, math.inf, nonfinite="0.weight")]
    trained = replace(chain(), steps=steps)
    born = [cause("inf", "overflow", number, *both(layer), step=2) for number, layer in ((17, "0"), (18, "2"))]
    (finding,) = judged(trained, *born)
    assert (told(finding), finding.source) == (("GT132", "error", "0.weight"), "model.py:17")
    assert finding.parameters == tuple(both("0", "2"))
    assert finding.message.endswith("overflow exceeds the range of its dtype; likewise overflow at model.py:18")


def test_a_cause_in_the_first_step_of_a_training_is_that_of_the_first_pass() -> None:
    ill = spoilt(replace(chain(), steps=[TrainingStep(1, 2.0, math.nan, nonfinite="0.weight")]), "nan", "0")
    findings = judged(ill, cause("nan", "where_trap", 14, *both("0"), phase="backward", step=1))
    assert lines(findings) == [("GT101", "model.py:14")]


def test_every_word_of_the_finders_has_its_row() -> None:
    births = {row.kind for row in PATTERNS} | set(SLOPES.values()) | set(MARKS.values())
    births |= {"where_trap", "half_overflow", "overflow", "given", "weights", "other"}
    assert births <= {row.kind for row in BIRTHS}
    deaths = {row.kind for row in ROWS} - {"part"}  # it stands for what took other parts
    assert deaths | {"other"} <= {row.kind for row in ZEROS}


def test_every_word_of_the_corpora_has_its_row() -> None:
    """What is planted there is told, whatever module it is in."""
    words = {"none": CUTS, "zero": ZEROS, "nonfinite": BIRTHS}
    for path in sorted(CORPUS.glob("causes_*_*.py")):
        _, fate, _ = path.stem.split("_")
        rows = {row.kind for row in words[fate]}
        written = r"# <- here: ([a-z_]+)" if fate == "none" else r'Case\(\s*"[^"]*",\s*"([a-z_]+)"'
        named = set(re.findall(written, path.read_text(encoding="utf-8"))) - {"cut"}
        assert named, path.name
        assert named <= rows, path.name


@pytest.mark.parametrize(("kind", "severity"), [("mask", "warning"), ("zero_factor", "note"), ("dead_relu", "note")])
def test_a_loss_of_0_is_told_with_what_made_it_0(kind: str, severity: str) -> None:
    """A mask that lets nothing through is no data that are met exactly; a factor of 0 may be either."""
    evidence = replace(zeroed(chain(), "0", "2", "4", "6", "8", "10"), loss=Loss(0.0, "mean"))
    (finding,) = judged(evidence, cause("zero", kind, 7, *both("0")))
    assert (finding.code, finding.severity) == ("GT105", severity)
    assert (finding.source, finding.cause is None) == (("", True) if kind == "dead_relu" else ("model.py:7", False))
    assert finding.message.startswith("every gradient is exactly 0, as the loss is: ")
    assert ("Nothing to do" in finding.remedy) == (kind != "mask")
