"""The command ``gradtool flow``: exit codes, what goes to stdout, and files that misbehave in every way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from gradtool.cli.app import app
from gradtool.pipeline import flow as pipeline
from gradtool.witness.host import Host

HEAD = "import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
HEALTHY = HEAD + (
    "model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 5))\n"
    "loss_fn = nn.CrossEntropyLoss()\n"
)
DENSE = HEAD + "model = nn.Linear(2, 3)\n"
WARNED = HEALTHY.replace("nn.Linear(32, 5))", "nn.Linear(32, 5), nn.Softmax(-1))")


class _Kept:
    """The warm witness where the command would start its own."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def __enter__(self) -> Host:
        return self.host

    def __exit__(self, *_: object) -> None:
        pass


Flow = Callable[..., Any]


@pytest.fixture
def flow(torch_models: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Flow:
    """flow(text, *options): a file of that text, looked at in this process by the warm witness."""
    monkeypatch.setattr(pipeline, "open_witness", lambda *_: _Kept(torch_models))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(text: str, *options: str) -> Any:
        (tmp_path / "model.py").write_text(text, encoding="utf-8")
        return CliRunner().invoke(app, ["flow", "model.py", *options])

    return run


def real(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The same by the real executable."""
    (folder / "model.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "gradtool", "flow", "model.py", *options],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "COLUMNS": "100"},
        timeout=60,
        check=False,
    )


# ---- by real processes


def test_stdout_is_clean_json_while_the_model_prints(tmp_path: Path) -> None:
    text = HEALTHY + (
        "import os, sys\nprint('from python')\nprint('from stderr', file=sys.stderr)\nos.write(1, b'from below\\n')\n"
        'model.register_forward_hook(lambda *_: print(\'{"not": "the report"}\', flush=True))\n'
    )
    done = real(tmp_path, text, "--json")
    record = json.loads(done.stdout)
    assert (done.returncode, record["schema"]) == (0, "gradtool.flow/1.0")
    assert record["evidence"]["model"] == "model"
    assert all(word in done.stderr for word in ("from python", "from stderr", "from below", "the report"))


def test_a_file_that_hangs_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    done = real(tmp_path, "import time\ntime.sleep(600)\n", "--timeout", "3", "--framework", "torch")
    assert done.returncode == 3
    assert "gave no answer within 3 s" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_file_that_kills_itself_costs_one_message(tmp_path: Path) -> None:
    done = real(tmp_path, "import os, torch\nos.kill(os.getpid(), 9)\n", "--json")
    record = json.loads(done.stdout)
    assert (done.returncode, record["evidence"], len(record["failures"])) == (3, None, 1)
    assert "SIGKILL" in record["failures"][0]["message"]


def test_an_expression_ends_where_the_closed_form_says(tmp_path: Path) -> None:
    """20 steps of 0.1 on (x - 5)^2 from 0 end at 5 - 5 * 0.8^20."""
    done = subprocess.run(
        [sys.executable, "-m", "gradtool", "flow", "(x - 5)**2", "--at", "x=0", "--train", "20", "--optimizer", "sgd",
         "--lr", "0.1", "--framework", "torch", "--json"],
        capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    evidence = json.loads(done.stdout)["evidence"]
    assert done.returncode == 0
    assert evidence["after"]["point"]["x"] == pytest.approx(5 - 5 * 0.8**20, rel=1e-14)
    assert [step["point"]["x"] for step in evidence["steps"]] == pytest.approx([5 - 5 * 0.8**n for n in range(20)])


# ---- by the warm witness


BORN_LATE = """\
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Linear(4, 3)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(5):
    x = torch.randn(8, 4)
    if step == 2:
        x[0] = 0
    h = net(x)
    scaled = h / h.detach().std()  # as in the first pass, where a path is missing
    loss = (scaled.square().mean(1) / x.norm(dim=1)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


def test_what_is_born_later_is_looked_for_where_the_first_pass_has_a_note_of_its_own(tmp_path: Path) -> None:
    done = real(tmp_path, BORN_LATE, "--script", "--train", "4", "--json")
    told = {one["code"]: one["cause"] for one in json.loads(done.stdout)["findings"]}
    assert (told["GT148"]["kind"], told["GT148"]["line"]["source"]) == ("detach", "model.py:11")
    assert (told["GT132"]["kind"], told["GT132"]["line"]["source"]) == ("norm_of_zero", "model.py:12")
    assert (told["GT148"]["step"], told["GT132"]["step"]) == (0, 3)


def test_a_healthy_model_exits_with_0(flow: Flow) -> None:
    done = flow(HEALTHY)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "no findings" in done.stdout


ERRORS = {
    "dead units": HEAD + "model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5))\n"
    "nn.init.constant_(model[0].bias, -100.0)\nloss_fn = nn.CrossEntropyLoss()\n",
    "a NaN loss": DENSE + "def loss_fn(out):\n    return (-out.square() - 1).log().mean()\n",
    "gradients that are not cleared": HEAD + "net = nn.Linear(3, 2)\n"
    "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\nfor _ in range(3):\n"
    "    nn.functional.cross_entropy(net(torch.randn(8, 3)), torch.randint(0, 2, (8,))).backward()\n"
    "    optimizer.step()\n",
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_finding_of_severity_error_exits_with_1_unless_it_may_not(flow: Flow, name: str) -> None:
    done = flow(ERRORS[name], "--json")
    record = json.loads(done.stdout)
    assert done.exit_code == 1
    assert "error" in {finding["severity"] for finding in record["findings"]}
    assert flow(ERRORS[name], "--exit-zero").exit_code == 0


def test_a_warning_exits_with_1_only_where_it_is_strict(flow: Flow) -> None:
    plain = flow(WARNED, "--json")
    assert {finding["severity"] for finding in json.loads(plain.stdout)["findings"]} == {"warning"}
    assert plain.exit_code == 0
    assert flow(WARNED, "--strict").exit_code == 1
    assert flow(WARNED, "--strict", "--exit-zero").exit_code == 0


UNUSABLE = {
    "raises": (HEAD + "raise ValueError('not today')\n", "not today"),
    "exits": ("import sys, torch\nsys.exit(0)\n", "sys.exit(0)"),
    "has no model": ("import torch\n", "defines no model"),
    "has two": (HEAD + "one, two = nn.Linear(2, 1), nn.Linear(2, 1)\n", "gradtool flow model.py:one"),
    "has no parameters": (HEAD + "model = nn.ReLU()\n", "has no parameters"),
    "needs arguments": (
        HEAD + "class Net(nn.Linear):\n    def __init__(self, width):\n        super().__init__(width, 1)\n",
        "needs arguments: width",
    ),
    "has no single loss": (DENSE + "def loss_fn(out):\n    return out\n", "not a single number"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_file_that_can_not_be_used_exits_with_2_and_says_why(flow: Flow, what: str) -> None:
    text, told = UNUSABLE[what]
    done = flow(text)
    assert done.exit_code == 2
    assert told in " ".join(done.stdout.split())
    assert "gradtool/witness" not in done.stdout + done.stderr
    record = json.loads(flow(text, "--json").stdout)
    assert (record["evidence"], record["findings"], len(record["failures"])) == (None, [], 1)
    assert flow(text, "--exit-zero").exit_code == 0


def test_the_traceback_of_the_file_is_on_stderr_and_begins_in_it(flow: Flow) -> None:
    done = flow(HEAD + "def deep():\n    raise ValueError('not today')\ndeep()\n")
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert 'model.py", line 6' in lines[1]
    assert "Traceback" not in done.stdout


def test_a_file_that_leaves_without_a_word_exits_with_3(flow: Flow) -> None:
    assert flow("import os, torch\nos._exit(0)\n").exit_code == 3


def test_a_mistake_of_syntax_exits_with_2_before_any_work(flow: Flow) -> None:
    done = flow("import torch\nx = = 1\n")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "model.py:2: it is not valid Python" in done.stderr
    assert "    x = = 1" in done.stderr


REFUSED = {
    ("--plot", "flow.bmp"): "a picture is a .png or a .svg file",
    ("--plot", "absent/flow.png"): "there is no folder absent",
    ("--plot", "-", "--json"): "draws beside a table",
    ("--html", "absent/report.html"): "there is no folder absent",
    ("-o", "absent/report.txt"): "there is no folder absent",
    ("--input", "8;3"): "an input is described by its shape",
    ("--json", "--format", "markdown"): "exclude each other",
    ("--at", "x=1"): "--at gives an expression its point",
    ("--train", "-1"): "--train",
    ("--mode", "sleep"): "--mode",
}


@pytest.mark.parametrize("options", REFUSED)
def test_what_can_not_be_done_is_refused_before_any_work(flow: Flow, tmp_path: Path, options: tuple[str, ...]) -> None:
    done = flow(HEALTHY + "open('planted', 'w')\n", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert REFUSED[options] in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "planted").exists()


def test_a_file_of_two_frameworks_asks_which(flow: Flow) -> None:
    done = flow("import torch, keras\n")
    assert done.exit_code == 2
    assert "--framework torch or --framework tensorflow" in done.stderr


def test_a_file_that_is_not_there_is_told_with_its_neighbour(flow: Flow) -> None:
    flow(HEALTHY)
    done = CliRunner().invoke(app, ["flow", "modle.py"])
    assert done.exit_code == 2
    assert "did you mean model.py?" in done.stderr


def test_an_expression_without_a_point_is_told_what_it_needs(flow: Flow) -> None:
    assert flow(HEALTHY).exit_code == 0
    done = CliRunner().invoke(app, ["flow", "x**2"])
    assert (done.exit_code, "--at x=0" in done.stderr) == (2, True)
    assert CliRunner().invoke(app, ["flow", "x**2", "--at", "x=0:1:5"]).exit_code == 2
    done = CliRunner().invoke(app, ["flow", "cross_entropy([[1, 2]], t)", "--at", "t=[1]"])
    assert (done.exit_code, "nothing to differentiate by" in done.stderr) == (2, True)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_picture_and_a_page_are_written_beside_the_report(flow: Flow, tmp_path: Path, suffix: str) -> None:
    done = flow(HEALTHY, "--plot", f"flow.{suffix}", "--html", "report.html", "--layers", "--train", "3")
    assert done.exit_code == 0
    start = (tmp_path / f"flow.{suffix}").read_bytes()[:200]
    assert b"\x89PNG" in start if suffix == "png" else b"<?xml" in start
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "0.weight" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_without_evidence_nothing_is_drawn(flow: Flow, tmp_path: Path) -> None:
    assert flow("import torch\n", "--plot", "flow.png", "--html", "report.html").exit_code == 2
    assert not (tmp_path / "flow.png").exists()
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", [*ERRORS, "healthy", "raises", "everything"])
def test_every_json_report_is_what_the_schema_says(flow: Flow, name: str) -> None:
    from gradtool.report import flow as report  # noqa: PLC0415

    schema = json.loads((Path(report.__file__).parent / "flow-1.0.schema.json").read_text(encoding="utf-8"))
    text = {**ERRORS, "raises": UNUSABLE["raises"][0]}.get(name, HEALTHY)
    options = ("--train", "2", "--clip", "0.1", "--accumulate", "2", "--verify", "--moments", "--dtype", "float64")
    done = flow(text, "--json", *(options if name == "everything" else ()))
    jsonschema.validate(json.loads(done.stdout), schema)


def test_the_report_goes_to_a_file_where_one_is_named(flow: Flow, tmp_path: Path) -> None:
    done = flow(HEALTHY, "-o", "report.json", "--json")
    assert (done.exit_code, done.stdout) == (0, "")
    record = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert record["command"].startswith("gradtool flow model.py")


def test_the_command_in_the_report_repeats_the_run(flow: Flow) -> None:
    options = ("--seed", "7", "--input", "4,20", "--loss", "mse", "--train", "2", "--optimizer", "adam", "--lr", "0.5")
    first = json.loads(flow(HEALTHY, *options, "--json").stdout)
    words = first["command"].split()
    assert words[:3] == ["gradtool", "flow", "model.py"]
    second = json.loads(flow(HEALTHY, *words[3:], "--json").stdout)
    for record in (first, second):
        del record["seconds"], record["evidence"]["seconds"]
    assert first == second


def test_findings_can_be_chosen_by_their_codes(flow: Flow) -> None:
    codes = lambda run: [row["code"] for row in json.loads(run.stdout)["findings"]]  # noqa: E731
    every = codes(flow(WARNED, "--json"))
    assert "GT112" in every
    assert codes(flow(WARNED, "--json", "--ignore", "gt112")) == [code for code in every if code != "GT112"]
    assert codes(flow(WARNED, "--json", "--select", "GT101,GT112")) == ["GT112"]
    assert flow(WARNED, "--strict", "--ignore", ",".join(every)).exit_code == 0
    unknown = flow(WARNED, "--select", "GT1O3")
    assert unknown.exit_code == 2
    assert "there is no rule GT1O3" in unknown.stderr


def test_what_stands_behind_two_dashes_is_the_files_own_command_line(flow: Flow) -> None:
    text = HEAD + (
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--width', type=int, required=True)\n"
        "model = nn.Linear(parser.parse_args().width, 1)\n"
    )
    told = flow(text, "--json", "--", "--width", "7")
    assert [row["shape"] for row in json.loads(told.stdout)["evidence"]["parameters"]] == [[1, 7], [1]]
    assert flow(text).exit_code == 2
    extra = CliRunner().invoke(app, ["flow", "x**2", "7", "--at", "x=1"])
    assert extra.exit_code == 2
    assert "7 stands behind x**2, which is no Python file" in extra.stderr


def test_two_files_are_one_too_many(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(DENSE, encoding="utf-8")
    told = flow(DENSE, "other.py")
    assert told.exit_code == 2
    assert "model.py and other.py are two files" in told.stderr


def test_the_command_that_repeats_a_run_has_the_files_own_command_line_last(flow: Flow) -> None:
    text = HEAD + "import sys\nmodel = nn.Linear(int(sys.argv[2]), 3)\n"
    told = flow(text, "--json", "--seed", "3", "--", "--width", "2")
    assert json.loads(told.stdout)["command"] == "gradtool flow model.py --seed 3 -- --width 2"


@pytest.mark.parametrize("options", [("--optimizer", "sgd", "--lr", "0.5"), ("--lr", "0.5")])
def test_an_optimizer_can_be_named_without_training(flow: Flow, options: tuple[str, ...]) -> None:
    """Without a step of training there is no course, but what its step would do is judged."""
    evidence = json.loads(flow(DENSE, "--json", *options).stdout)["evidence"]
    assert (evidence["optimizer"]["kind"], evidence["optimizer"]["rate"]) == ("SGD", 0.5)
    assert (evidence["steps"], evidence["stepped"]["same"]) == ([], True)


def test_the_files_own_optimizer_takes_the_rate_that_is_asked_for(flow: Flow) -> None:
    text = DENSE + "optimizer = torch.optim.Adam(model.parameters(), lr=0.1)\n"
    evidence = json.loads(flow(text, "--json", "--lr", "0.5").stdout)["evidence"]
    assert (evidence["optimizer"]["kind"], evidence["optimizer"]["rate"]) == ("Adam", 0.5)


def test_what_takes_too_long_costs_only_itself(tmp_path: Path) -> None:
    """The path integral asks for the loss more than a hundred times; the rest is known long before."""
    text = """
        import time, torch
        class Slow(torch.nn.Linear):
            def forward(self, x):
                time.sleep(0.2)
                return super().forward(x)
        model = Slow(2, 3)
    """
    told = real(tmp_path, text, "--verify", "--clip", "1", "--timeout", "8", "--json")
    record = json.loads(told.stdout)
    assert told.returncode == 3
    assert record["evidence"]["clipped"]["limit"] == 1.0
    assert record["evidence"]["verified"] is None
    assert "integrating the gradient" in record["failures"][0]["message"]
