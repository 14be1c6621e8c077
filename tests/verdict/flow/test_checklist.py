"""The checklist, the order of the findings, and parameters told together."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from handmade_models import bias, chain, held, model, numbers, weight, with_layers, with_parameters

from gradtool.evidence import Clipped, Descent, Head, Loss, ModelEvidence, Survey, Weights
from gradtool.verdict.flow.groups import group_of, listed, places
from gradtool.verdict.flow.judgement import judge
from gradtool.verdict.flow.record import STATES, Item


def items(evidence: ModelEvidence) -> dict[str, Item]:
    return {item.title: item for item in judge(evidence)[1]}


def complete() -> ModelEvidence:
    """A healthy model on which everything was looked at."""
    return replace(
        held(chain()),
        head=Head((32, 64), -3.0, 3.0, "", (32,), 0.0, 9.0, 10, "logits"),
        descent=Descent(1e-3, 2.3, 2.291, 0.01),
        clipped=Clipped(1.0, 4.0, 1.0, 1.0),
        verified=Survey([(1.0, 1.0, 1e-9)], True, 1e-6, {}, [], {}, True, 9),
    )


def test_a_healthy_model_passes_every_item_that_a_record_tells() -> None:
    findings, checklist = judge(complete())
    assert findings == ()
    assert {item.state for item in checklist[:-1]} == {"passed"}
    assert checklist[-1].state == "unknown"
    assert items(complete())["clipping"].detail == "norm 4 -> 1 at the limit 1; the framework's own function agrees"
    assert items(complete())["the loss decreases along -g"].detail.endswith(
        "90% of the decrease that the gradient promises"
    )


def test_what_was_not_looked_at_says_how_to_look() -> None:
    bare = items(replace(chain(), parameters=[], layers=[]))
    assert {item.state for item in bare.values()} <= {"unknown", "passed"}
    assert all(item.detail and item.state in STATES for item in bare.values())
    assert "--clip" in bare["clipping"].detail
    assert "--verify" in bare["gradient verified, custom backward included"].detail
    assert "--optimizer" in bare["every one in the optimizer"].detail


def test_an_item_fails_by_an_error_and_is_warned_by_a_warning() -> None:
    assert items(chain(6, 0.4))["no vanishing gradient"].state == "failed"
    faded = items(chain(6, 0.55))
    assert faded["no vanishing gradient"].state == "warned"
    assert faded["no vanishing gradient"].detail.endswith("(GT103)")
    assert faded["no exploding gradient"].state == "passed"
    assert items(with_layers(chain(), {"3": {"dead": 60}}))["no dead units"].state == "failed"
    far = with_parameters(
        chain(), lambda row: {"weights": weight("x", gain=9.0).weights} if row.name == "2.weight" else {}
    )
    assert items(far)["initialisation"].state == "warned"


def test_a_loss_that_is_nan_leaves_open_what_cannot_be_told() -> None:
    told = items(replace(chain(), loss=Loss(math.nan, "")))
    assert told["no NaN or Inf"].state == "failed"
    assert told["no vanishing gradient"].state == "unknown"


def test_what_cannot_be_told_says_which_of_the_reasons_it_is() -> None:
    broken = items(replace(complete(), loss=Loss(math.nan, "")))
    for title in ("no vanishing gradient", "no exploding gradient", "the loss decreases along -g"):
        assert broken[title].detail == "cannot be told while numbers are not finite"
    short = items(replace(chain(), layers=chain().layers[:2]))
    assert short["no vanishing gradient"].detail.startswith("cannot be told of fewer than 3 layers")
    assert short["the loss decreases along -g"].detail == "no step was tried"


def test_a_script_is_told_what_holds_for_scripts() -> None:
    script = items(replace(chain(), route="script"))
    assert script["the loss decreases along -g"].detail == "a script is not stepped: its own steps are in --train"
    assert script["gradients are zeroed between steps"].detail.startswith("the script ended before a second step")
    fresh = items(replace(chain(), route="script", framework="tensorflow"))["gradients are zeroed between steps"]
    assert (fresh.state, fresh.detail) == ("passed", "TensorFlow hands out fresh gradients each time")


def test_a_gradient_that_falls_does_not_rise() -> None:
    falling, rising = items(chain(6, 0.62)), items(chain(6, 1.6))
    falls = "the strongest path falls by 1.9 decades to the first layers"
    rises = "the strongest path rises by 1.8 decades to the first layers"
    assert falling["no vanishing gradient"].detail == falls
    assert falling["no exploding gradient"].detail == f"it does not rise: {falls}"
    assert rising["no vanishing gradient"].detail == f"it does not fall: {rises}"
    assert rising["no exploding gradient"].detail == rises


def test_shapes_that_were_seen_are_told() -> None:
    keras = replace(chain(), framework="tensorflow", head=Head((32, 1), -1.0, 1.0, "", (32,), -2.0, 2.0))
    told = items(keras)["shapes match"]
    assert (told.state, told.detail.partition(":")[0]) == ("unknown", "output 32x1, targets 32")
    assert "Keras' own losses align these" in told.detail
    other = replace(keras, head=Head((32, 4), -1.0, 1.0, "", (32, 3), -2.0, 2.0))
    assert items(other)["shapes match"].detail == "output 32x4, targets 32x3: only the loss knows whether these fit"


def test_findings_stand_worst_first_and_causes_before_what_follows() -> None:
    ill = with_layers(chain(8, 0.3), {"1": {"dead": 48}, "3": {"dead": 60}})
    ill = with_parameters(ill, lambda row: {"hooks": ["hook"]} if row.name == "0.weight" else {})
    assert [(row.code, row.severity) for row in judge(ill)[0]] == [
        ("GT108", "error"),
        ("GT103", "error"),
        ("GT108", "warning"),
        ("GT126", "note"),
    ]


@pytest.mark.parametrize(
    ("hit", "where", "phrase"),
    [
        (["a.0.weight"], "a.0.weight", "a.0.weight"),
        (["a.0.weight", "a.0.bias"], "a.0", "2 parameters of a.0.*"),
        (["a.0.weight", "a.0.bias", "a.1.weight", "b.weight"], "a", "3 parameters of a.*, b.weight"),
        (["a.0.weight", "a.0.bias", "a.1.weight", "b.weight", "b.bias"], "model", "all 5 parameters"),
    ],
)
def test_a_module_stands_for_its_parameters(hit: list[str], where: str, phrase: str) -> None:
    every = [weight("a.0"), bias("a.0"), weight("a.1"), weight("b"), bias("b")]
    assert group_of([row for row in every if row.name in hit], every) == (where, phrase)


def test_names_of_keras_are_grouped_too() -> None:
    every = [replace(weight(f"enc/{n}"), name=f"enc/{n}/kernel") for n in (1, 2)] + [weight("out")]
    assert group_of(every[:2], every) == ("enc", "2 parameters of enc.*")


def test_a_long_list_is_cut_and_one_name_more_is_not() -> None:
    assert listed("abcd") == "a, b, c, d"
    assert listed("abcde") == "a, b, c and 2 more"


def test_a_parameter_is_used_where_its_layer_or_the_nearest_one_around_it_runs() -> None:
    sound = model(chain().layers, [weight("2"), weight("4.inner.part"), weight("spare")])
    assert places(sound.layers, sound.parameters) == {"2.weight": 2, "4.inner.part.weight": 4}


def test_an_unwanted_finding_is_left_out_and_its_item_is_still_not_ticked() -> None:
    ill = chain(8, 0.3)
    every, items = judge(ill)
    assert "GT103" in [row.code for row in every]
    told, kept = judge(ill, wanted=lambda code: code != "GT103")
    assert [row.code for row in told] == [row.code for row in every if row.code != "GT103"]
    assert kept == items


@pytest.mark.parametrize(("after", "told"), [(1.1796875, "does not move"), (1.1875, "rises by 0.0078")])
def test_a_step_below_the_resolution_of_the_loss_is_no_tick(after: float, told: str) -> None:
    """bfloat16 has 8 bits: neighbours of 1.18 are 0.0078 apart."""
    item = items(replace(chain(), dtype="bfloat16", descent=Descent(1e-3, 1.1796875, after, 0.001)))
    row = item["the loss decreases along -g"]
    assert row.state == "unknown"
    promised = "and the gradient promises a decrease of 0.001, which is below its resolution in bfloat16"
    assert row.detail == f"the loss {told}, {promised}"


def test_a_loss_that_stays_where_it_could_move_is_told_as_such() -> None:
    item = items(replace(chain(), descent=Descent(1e-3, 1.18, 1.18, 0.001)))["the loss decreases along -g"]
    told = "the loss does not move, and the gradient promises a decrease of 0.001"
    assert (item.state, item.detail) == ("unknown", told)


def test_a_single_gain_is_no_range() -> None:
    assert items(chain(6, weights=1.4))["initialisation"].detail == "deviation times root of the fan-in is 1.4"
    several = with_parameters(chain(6), lambda row: {"weights": Weights(4096, 4.0)} if row.name == "0.weight" else {})
    assert items(several)["initialisation"].detail.endswith("is 0.5 to 1.4")


def test_a_member_of_a_sequential_is_no_bare_number_in_a_sentence() -> None:
    """Such as ``units of 1``, ``2 parameters of 0.*``, ``and the output of 4``."""
    frozen = with_parameters(chain(6), lambda row: {"trainable": row.layer != "0"})
    dead = with_layers(chain(6), {"3": {"dead": 60}, "5": {"dead": 60}})
    silent = with_parameters(chain(6), lambda row: {"gradient": numbers(0.0)} if row.layer == "2" else {})
    uneven = with_layers(chain(6, 0.4), {"1": {"gradient": 1e-9}, "0": {"gradient": 1e-9}})
    told = [row.message for ill in (frozen, dead, silent, uneven) for row in judge(ill)[0]]
    assert "2 parameters of layer 0 are frozen" in " ".join(told)
    assert "units of layer 3 (Relu) are 0" in " ".join(told)
    assert "likewise layer 5 (94%)" in " ".join(told)
    assert "although one arrives at the output of layer 2 (Linear)" in " ".join(told)
    assert "steepest at layer 2 (Linear)" in " ".join(told)
    assert not [text for text in told if re.search(r"(of|at|before|and) \d+( \(|\.\*|:|,| are)", text)]


def test_an_expression_has_neither_layers_nor_logits() -> None:
    for value in (math.nan, math.inf):
        ill = replace(chain(), route="expression", layers=[], loss=Loss(value, "the value"))
        (finding,) = (row for row in judge(ill)[0] if row.code == "GT114")
        assert finding.message == f"the value at this point is {value:g}"
        assert "logits" not in finding.message + finding.remedy
        assert "layer" not in finding.message + finding.remedy
