"""The report on a model for people: nothing is lost at any width, in any encoding, with or without colour."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from textwrap import dedent

import pytest
from handmade_flow import (
    DEEP,
    EXPERIMENTS,
    EXPRESSION,
    FAILED,
    HEALTHY,
    HOSTILE,
    ILL,
    LONG,
    MLP,
    NO_PARAMETERS,
    REFUTED,
    SETS,
    UNREADABLE,
    VIEWS,
    deep,
    evidence,
    record,
    told,
)
from rich.cells import cell_len

from gradtool.evidence import Descent
from gradtool.report.flow.experiments import experiment_section
from gradtool.settings import FlowView
from gradtool.verdict.record import Finding

EVERY = pytest.mark.parametrize("name", SETS)
AT_WIDTHS = pytest.mark.parametrize("width", [40, 80, 100, 120])
AS_VIEWED = pytest.mark.parametrize("view", VIEWS)
DRAWN = re.compile(r"[-▏▎▍▌▋▊▉█▁▂▃▄▅▆▇#x_.=+*@]*")

ABOVE = {"parameter", "shape", "layer", "kind", "term", "of", "the", "loss", "flag"}
"""Heads of the columns that stand on lines of their own in a narrow table."""


def words(text: str) -> Counter[str]:
    """Every word of a report; bars, curves and rules, which are as long as the width allows, are none."""
    return Counter(word for word in text.split() if not DRAWN.fullmatch(word))


@EVERY
@AT_WIDTHS
@AS_VIEWED
@pytest.mark.parametrize("unicode", [True, False], ids=["UTF-8", "ASCII"])
def test_no_word_and_no_number_is_lost_or_cut(name: str, width: int, view: str, unicode: bool) -> None:
    """Each is what it is where there is room for everything."""
    report = told(SETS[name], "table", width, VIEWS[view], unicode=unicode)
    wide = words(told(SETS[name], "table", 2000, VIEWS[view], unicode=unicode))
    assert words(report) - wide == Counter()
    assert set(wide - words(report)) <= ABOVE
    assert "…" not in report
    assert report.isascii() or unicode


@EVERY
@AT_WIDTHS
@AS_VIEWED
def test_no_line_is_longer_than_the_width_or_ends_in_a_blank(name: str, width: int, view: str) -> None:
    """But for a single word that cannot be broken."""
    lines = told(SETS[name], "table", width, VIEWS[view]).split("\n")
    assert [line for line in lines if cell_len(line) > width and " " in line.strip()] == []
    assert [line for line in lines if line != line.rstrip()] == []


@EVERY
@AT_WIDTHS
def test_colour_adds_escape_codes_and_nothing_else(name: str, width: int) -> None:
    plain, coloured = told(SETS[name], "table", width), told(SETS[name], "table", width, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_the_report_on_a_healthy_model() -> None:
    assert told(HEALTHY) == dedent("""\
        model.py
          model (MLP), PyTorch 2.13.0, cpu, float32, train mode, batch of 32, seed 0

        assumed
          model: model (the name is one of those that are looked for; model.py:NAME)
          input: 32x16 float32, normal (from the first layer, Linear(16, 16); --input)
          loss: cross-entropy (integer targets and 10 outputs; --loss)
          optimizer: none

          loss 2.302585: cross-entropy of the output, model.py:20

        gradients
          parameter    shape  norm    RMS     max |g|  zeros  g/w   log scale     flag
          ----------------------------------------------------------------------------
          fc1.weight   16x16  0.1974  0.0123  0.037    0 %    0.12  █████████▎
          fc1.bias     16     0.1284  0.0321  0.0963   0 %    0.32  ████████▌
          fc2.weight   16x16  0.3552  0.0222  0.0666   0 %    0.22  ██████████▎
          fc2.bias     16     0.2     0.05    0.15     0 %    0.5   █████████▎
          head.weight  10x16  0.5768  0.0456  0.137    0 %    0.46  ███████████▏
          head.bias    10     0.2495  0.0789  0.237    0 %    -     █████████▋
          norm: l2; RMS: per number; g/w: RMS of the gradient over that of the weights,
          shown and never judged; bars: the norm from 1e-03 to 1e+00

          global norm 1.25 over 6 gradients of 714 numbers

        checklist
          ✓ gradients on: 6 of 6 parameters
          ✓ no NaN or Inf
          ? finite differences agree: --verify
          ? not looked at

        ✓ 6 parameters: no findings (1.2 s)
        """)


def test_what_is_peculiar_about_a_gradient_is_a_flag() -> None:
    rows = told(ILL, "table", 120).splitlines()
    flags = {
        row.split()[0]: row[-30:].strip("█▏▎▍▌▋▊▉ ") for row in rows if re.match(r"  \S+ +(\d+x\d+|64|number) ", row)
    }
    assert flags["embed.weight"].endswith("3 of 30,522 rows")
    assert flags["block.0.weight"].endswith("GT002")
    assert flags["block.0.bias"].endswith("GT002 none")
    assert flags["block.1.weight"].endswith("GT104 zero")
    assert flags["block.1.bias"].endswith("frozen")
    assert flags["block.2.weight"].endswith("GT101")
    assert flags["head.weight"].endswith("GT101 GT109")


def test_nan_and_inf_are_counted_where_there_are_any() -> None:
    assert " NaN  Inf " in told(ILL, "table", 120)
    assert "NaN  " not in told(HEALTHY, "table", 120).partition("checklist")[0]


def test_moments_are_shown_on_request() -> None:
    report = told(HEALTHY, "table", 120, VIEWS["everything"])
    assert "mean      mean |g|  std" in report
    assert "-1.5e-05  0.00987   0.0123" in report
    assert "mean |g|" not in told(HEALTHY, "table", 120)


def test_findings_come_worst_first_with_their_line_and_remedy() -> None:
    report = told(ILL, "table", 120)
    order = [report.index(text) for text in ("error GT101", "error GT002", "warning GT104", "note GT109")]
    assert order == sorted(order)
    assert (
        "block.2.weight, head.weight (model.py:14): 12 NaN and 3 Inf: log(0) in line 14\n    → add an epsilon" in report
    )
    assert "error GT002 unstable-gradient, block.0:" in report


def test_findings_of_one_rule_are_told_a_few_times_and_their_remedy_once() -> None:
    report = told(DEEP, "table", 120)
    assert report.count("the gradient has vanished") == 5
    assert report.count("→ add a skip") == 1
    assert "and 15 more of GT102: --all shows each" in report
    assert told(DEEP, "table", 120, FlowView(every=True)).count("the gradient has vanished") == 20


def test_two_thousand_parameters_are_told_by_module() -> None:
    report = told(DEEP, "table", 120)
    gradients = report.partition("\ngradients\n")[2].partition("\n\n")[0].splitlines()
    assert len(gradients) < 30
    assert re.search(r"encoder\.layer\.160 to 164 +60 tensors .* 5 GT102", report)
    assert "1,980 parameters told in 21 rows by module: --all shows each, --sort puts the worst first" in " ".join(
        report.split()
    )
    assert "and 8 more parameters with findings: --all shows each" in report
    assert len(told(DEEP, "table", 120, FlowView(every=True)).splitlines()) > 1980


def test_a_module_tells_the_norm_of_all_its_gradients() -> None:
    report = told(deep(12), "table", 120)
    assert re.search(r"encoder\.layer\.0 +12 tensors +158 ", report)  # the root of 6*(64*64 + 64) numbers of size 1


def test_the_worst_come_first_on_request() -> None:
    report = told(DEEP, "table", 120, VIEWS["worst"])
    assert report.index("encoder.layer.160 to 164") < report.index("encoder.layer.0 to 7")
    mixed = told(ILL, "table", 120, VIEWS["worst"]).partition("gradients, worst first")[2]
    order = [
        mixed.index(f"\n  {name}")
        for name in ("block.2.weight", "block.0.bias", "block.0.weight", "block.1.weight", "gamma")
    ]
    assert order == sorted(order)


def test_the_profile_over_depth_names_gains() -> None:
    report = told(HEALTHY, "table", 120, VIEWS["everything"])
    profile = report.partition("profile over depth\n")[2].splitlines()
    rows = [line.split()[:5] for line in profile if line.startswith(("  fc", "  act", "  head"))]
    assert rows[:3] == [
        ["fc1", "Linear", "0.5", "1.22", "0.5"], ["act1", "ReLU", "0.41", "0.683", "0.5"],
        ["fc2", "Linear", "0.6", "0.75", "0.5"],
    ]  # fmt: skip
    assert rows[3][:4] == ["act2", "ReLU", "-", "-"]
    assert "  net " not in report
    assert "the gradient falls by 0.2 decades" in report.replace("\n  ", " ") or "decades; the steepest" in report


def test_experiments_are_sentences() -> None:
    report = " ".join(told(EXPERIMENTS).split())
    for text in (
        "clipped to 1: norm 4221.95 before, 1 after, factor 0.000237; PyTorch's own function: 1",
        "the loss falls by 0.000185, from 2.302585 to 2.3024; the gradient promises 0.000185",
        "accumulated over 4 micro-batches of 8, 8, 8, 7: norm 1.2478, of the full batch 1.25",
        "most in fc1.bias (0.043 of its own) because: BatchNorm sees each part alone",
        "verified: the gradient agrees with path integrals along 3 random directions, 1,500 evaluations",
        "float16 keeps 2.8 decimal digits of the whole gradient, against float64; the fewest: fc1.weight 2.1",
        "0 29700.75 4221.95 1 0.0123 6.25 %", "4 1e+09 2.9892e+09 1 0.0123 6.25 %",
    ):  # fmt: skip
        assert text in report


def test_a_refuted_gradient_is_told_with_its_entries() -> None:
    report = " ".join(told(REFUTED).split())
    for text in (
        "clipping to 5 changes nothing: the norm is 1.25", "the loss does not fall but rises by 0.25, from 2.5 to 2.75",
        "wrong: the gradient disagrees with path integrals along 1 random direction",
        "fc2.bias is 2 times what it should be", "fc1.weight[3,4]: 0.5 by backward, 0.25 ± 1e-08 by differences",
        "12.1 % are lost (below 2^-24)", "30 nan inf fc1.weight", "12 of 31 steps are shown",
    ):  # fmt: skip
        assert text in report
    assert "▁x\n" in told(REFUTED)
    assert "_x\n" in told(REFUTED, unicode=False)


def test_a_long_training_is_thinned_and_its_ends_are_kept() -> None:
    report = told(EXPRESSION)
    assert report.startswith("(x - 5)**2\n")
    assert "\n  0     5 " in report
    assert "\n  199   " in report


def test_where_the_last_step_led_is_no_step() -> None:
    made = replace(EXPRESSION.evidence, steps=LONG[:3], after=LONG[3])
    for form, row in (("table", "\n  after  2.56 "), ("markdown", "| `after` | 2.56 |")):
        report = told(replace(EXPRESSION, evidence=made), form)
        assert row in report
        assert "training, 3 steps" in report


def test_without_evidence_the_reason_is_told() -> None:
    assert told(FAILED) == (
        "model.py\n  PyTorch\n\n  no evidence: model.py raised\n      File model.py, line 3\n    ValueError: no\n"
        "    → mend [line] 3\n\n✗ no evidence (1.2 s)\n"
    )
    assert "  error: model.py has 2 models: A, B\n    why: both fit\n    → model.py:A\n" in told(UNREADABLE)
    assert "✓ 0 parameters: no findings" in told(NO_PARAMETERS)


def test_names_of_users_are_never_markup() -> None:
    report = told(HOSTILE, "table", 120)
    for text in ("w[i] [/b] :smile: [red]x", "a|b `c` <script>alert(1)</script>", "<b>bold</b> & [link](x) *y*"):
        assert text in report


@pytest.mark.parametrize("hostile", ["x\x1b[31m", "x\x1b]0;t\x07", "x\ry", "x\ny", "x\x9b2J"], ids=ascii)
@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_control_characters_do_not_reach_the_terminal(hostile: str, form: str) -> None:
    found = (Finding("GT101", "error", hostile, hostile, hostile, hostile),)
    made = evidence([replace(MLP[0], name=hostile, layer=hostile)], kind=hostile, notes=[hostile])
    report = told(record(made, findings=found), form, 80)
    assert [char for char in report.replace("\n", "") if not char.isprintable()] == []


def test_a_loss_that_does_not_move_neither_falls_nor_rises() -> None:
    made = evidence(MLP, dtype="bfloat16", descent=Descent(1e-3, 1.1796875, 1.1796875, 0.001))
    (row,) = experiment_section(made, "PyTorch").told
    assert "the loss stays at 1.179688; the gradient promises 0.001, which is below its resolution" in row.text
    (row,) = experiment_section(replace(made, dtype="float32"), "PyTorch").told
    assert row.text.endswith("promises 0.001")
