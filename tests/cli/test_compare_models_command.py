"""The command ``gradtool compare`` on models: exit codes, refused options, and files that misbehave."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from printed import Printers
from typer.testing import CliRunner

import gradtool.report.pairing
from gradtool.cli.app import app
from gradtool.pipeline import compare_models as pipeline
from gradtool.report.programs.idioms import IDIOMS
from gradtool.report.programs.models import SHOWN
from gradtool.witness.host import Host

EXAMPLES = Path(__file__).parents[2] / "examples" / "pairs"
SCHEMA = json.loads(
    (Path(gradtool.report.pairing.__file__).parent / "compare-models-1.0.schema.json").read_text(encoding="utf-8")
)
HEALTHY = """
def torch_model():
    from torch import nn
    return nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6, eps=1e-3), nn.Linear(6, 2))

def keras_model():
    import keras
    from keras import layers
    return keras.Sequential([keras.Input((4,)), layers.Dense(6), layers.LayerNormalization(), layers.Dense(2)])
"""
APART = HEALTHY.replace("eps=1e-3", "eps=1e-5")
PLANTED = HEALTHY + "open('planted', 'w')\n"


class _Kept:
    """The warm workers where the command would start its own."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def __enter__(self) -> Host:
        return self.host

    def __exit__(self, *_: object) -> None:
        pass


Compare = Callable[..., Any]


@pytest.fixture
def command(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Compare:
    """command("pair.py", "--json"): the command in this process and folder, by the warm workers where it needs any."""
    monkeypatch.setattr(pipeline, "open_pair", lambda *_: _Kept(request.getfixturevalue("workers")))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["compare", *arguments])


@pytest.fixture
def compare(command: Compare, tmp_path: Path) -> Compare:
    """compare(text, *options): a file of that text."""

    def run(text: str, *options: str) -> Any:
        (tmp_path / "pair.py").write_text(text, encoding="utf-8")
        return command("pair.py", *options)

    return run


def real(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The same by the real executable."""
    environment = {**os.environ, "COLUMNS": "80", **more}
    return subprocess.run(
        [sys.executable, "-m", "gradtool", "compare", *arguments],
        capture_output=True, text=True, cwd=folder, env=environment, timeout=120, check=False,
    )  # fmt: skip


def flat(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


# ---- by real processes


@pytest.fixture(scope="module")
def one_keras(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A Keras file that prints, draws its weights and drops nothing, compared on both frameworks; and its folder."""
    folder = tmp_path_factory.mktemp("one_keras")
    text = (EXAMPLES / "one_keras.py").read_text(encoding="utf-8").replace("layers.Dropout(0.5), ", "")
    text += "import numpy as np\ndrawn = np.random.default_rng(5)\n"
    text += "model.set_weights([0.4 * drawn.standard_normal(one.shape) for one in model.get_weights()])\n"
    text += "print('on', keras.backend.backend())\nimport os\nos.write(1, b'from below\\n')\n"
    (folder / "model.py").write_text(text, encoding="utf-8")
    return folder, real(folder, "model.py", "--frameworks", "both", "--code", "--json")


def test_stdout_is_clean_json_while_a_keras_file_prints_on_both_frameworks(one_keras: Any) -> None:
    _, done = one_keras
    record = json.loads(done.stdout)
    jsonschema.validate(record, SCHEMA)
    assert (done.returncode, record["agree"], record["findings"]) == (0, True, [])
    assert record["command"].endswith(" --code")
    assert set(record["versions"]) == {"Keras on PyTorch", "Keras"}
    assert {row["word"] for row in record["evidence"]["parameters"]} == {"same"}
    assert all(word in done.stderr for word in ("on torch", "on tensorflow", "from below"))
    assert "I0000" not in done.stderr


def test_the_printed_programs_of_one_keras_file_run_on_both_frameworks(one_keras: Any, printers: Printers) -> None:
    """Both begin with the file's weights, so that the first loss is that of the comparison; on PyTorch it is float32's.

    Keras casts products of float64 tensors there, which the comparison keeps it from.
    """
    folder, done = one_keras
    record = json.loads(done.stdout)
    names = ("training_step", "clipping", "hessian_vector", "none_gradients")
    for side, value, digits in zip(("torch", "tensorflow"), record["evidence"]["values"][0], (1e-6, 1e-9), strict=True):
        printed = printers.texts([record["code"][name][side] for name in names], side, folder)
        for name, told in zip(names, printed, strict=True):
            assert f"on {side}\n" in told
            assert "raised " not in told
            losses = [line.partition(" = ")[2] for line in told.splitlines() if line.startswith("loss")]
            assert not losses or float(losses[0]) == pytest.approx(value, rel=digits), (side, name)
            assert "has no gradient" not in told


def test_a_file_that_hangs_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    (tmp_path / "pair.py").write_text(HEALTHY + "import time\ntime.sleep(600)\n", encoding="utf-8")
    done = real(tmp_path, "pair.py", "--timeout", "3")
    assert done.returncode == 3
    assert "gave no answer within 3 s" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_framework_that_is_missing_is_told_with_the_line_that_brings_it(tmp_path: Path) -> None:
    (tmp_path / "pair.py").write_text(HEALTHY, encoding="utf-8")
    (tmp_path / "no" / "torch").mkdir(parents=True)
    (tmp_path / "no" / "torch" / "__init__.py").write_text("raise ModuleNotFoundError('no', name='torch')\n")
    paths = [str(tmp_path / "no"), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    done = real(tmp_path, "pair.py", PYTHONPATH=os.pathsep.join(paths))
    assert (done.returncode, done.stderr) == (3, "")
    assert "PyTorch is not installed" in done.stdout
    assert 'pip install "gradtool[torch]"' in done.stdout


# ---- by the warm workers


def test_two_models_that_agree_exit_with_0(compare: Compare) -> None:
    done = compare(HEALTHY)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "✓ the models agree: no findings; 6 parameters and 3 layers compared" in done.stdout


def test_two_models_that_differ_exit_with_1_unless_they_may(compare: Compare) -> None:
    done = compare(APART, "--json")
    record = json.loads(done.stdout)
    jsonschema.validate(record, SCHEMA)
    assert (done.exit_code, record["agree"]) == (1, False)
    assert record["first"] == {"left": "1", "right": "layer_normalization"}
    assert [row["code"] for row in record["findings"]] == ["GT320"]
    assert compare(APART, "--exit-zero").exit_code == 0
    hushed = compare(APART, "--ignore", "gt320")
    assert hushed.exit_code == 0
    assert "✗ the models differ: no findings, 1 finding not told" in flat(hushed.stdout)
    record = json.loads(compare(APART, "--select", "GT321", "--json").stdout)
    assert (record["findings"], record["untold"], record["agree"]) == ([], 1, False)


ONE_SIDED = {
    "bias": HEALTHY.replace("nn.Linear(6, 2)", "nn.Linear(6, 2, bias=False)"),
    "gradient": HEALTHY.replace("nn.Linear(6, 2)", "nn.Linear(6, 2).requires_grad_(False)"),
}


@pytest.mark.parametrize("name", ONE_SIDED)
def test_a_parameter_on_one_side_alone_is_no_agreement(compare: Compare, name: str) -> None:
    done = compare(ONE_SIDED[name])
    assert done.exit_code == 1
    assert "✗ the models differ: " in flat(done.stdout)
    record = json.loads(compare(ONE_SIDED[name], "--json").stdout)
    jsonschema.validate(record, SCHEMA)
    assert record["agree"] is False


def test_the_last_line_says_what_the_exit_code_says(compare: Compare) -> None:
    broken = compare(HEALTHY.replace("nn.Linear(4, 6)", "nn.Linear(4, 7)"))
    assert (broken.exit_code, "these files can't be compared" in broken.stdout) == (2, True)
    assert "no evidence" not in broken.stdout
    empty = compare(HEALTHY + "import numpy as np\ninputs = np.zeros((0, 4))\n")
    assert (empty.exit_code, "✗ no evidence" in empty.stdout) == (3, True)


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_the_table_is_no_wider_than_the_terminal(
    compare: Compare, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = compare(APART).stdout.splitlines()
    assert [line for line in lines if len(line) > int(columns) and " " in line.strip()] == []
    assert any(line.startswith("where they part first: 1 /") for line in lines)


def test_the_command_in_the_record_repeats_the_run(compare: Compare) -> None:
    options = ("--seed", "7", "--dtype", "float16", "--mode", "eval", "--ignore", "GT326")
    first = json.loads(compare(HEALTHY, *options, "--json").stdout)
    assert (first["dtype"], first["mode"], first["seed"]) == ("float16", "eval", 7)
    words = shlex.split(first["command"])
    assert words[:3] == ["gradtool", "compare", "pair.py"]
    second = json.loads(compare(HEALTHY, *words[3:], "--json").stdout)
    for record in (first, second):
        del record["seconds"], record["evidence"]["seconds"]
    assert first == second


def test_two_files_are_taken_in_either_order(command: Compare) -> None:
    paths = [str(EXAMPLES / f"two_{name}.py") for name in ("keras", "torch")]
    done = command(*paths, "--format", "markdown")
    assert done.exit_code == 0
    assert "| PyTorch | shape | Keras | shape | map |" in done.stdout
    assert "| `0.weight` | 12x6 | hidden/kernel | 6x12 | transposed |" in done.stdout


def test_code_tells_the_idioms_with_the_models_behind_the_report(compare: Compare) -> None:
    report, *told = compare(HEALTHY, "--code").stdout.split("\n# ---- ")
    assert report.splitlines()[-1].startswith("✓ the models agree")
    assert [one.splitlines()[0] for one in told] == [IDIOMS[name] for name in SHOWN]
    code = json.loads(compare(HEALTHY, "--code", "--json").stdout)["code"]
    assert list(code) == list(SHOWN)
    for texts, one in zip(code.values(), told, strict=True):
        assert one.partition("\n\n")[2] == f"# PyTorch\n{texts['torch']}\n# TensorFlow\n{texts['tensorflow']}"
    assert "model = pair.torch_model().to(torch.float64)\n" in code["training_step"]["torch"]
    assert "model = pair.keras_model()\n" in code["training_step"]["tensorflow"]
    markdown = compare(HEALTHY, "--code", "--format", "markdown").stdout
    assert all(f"```python\n{text}```\n" in markdown for texts in code.values() for text in texts.values())
    assert "## A training step\n\n### PyTorch\n" in markdown


def test_without_code_and_without_evidence_there_is_none(compare: Compare) -> None:
    assert json.loads(compare(HEALTHY, "--json").stdout)["code"] is None
    done = compare(UNUSABLE["raises"][0], "--code", "--json")
    assert (done.exit_code, json.loads(done.stdout)["code"]) == (2, None)
    assert "# ----" not in compare(UNUSABLE["raises"][0], "--code").stdout


def test_code_needs_something_to_show(command: Compare) -> None:
    done = command("--code")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--code needs an expression or models' files" in flat(done.stderr)


def test_the_report_goes_to_a_file_where_one_is_named(compare: Compare, tmp_path: Path) -> None:
    done = compare(HEALTHY, "-o", "report.txt")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "the models agree" in (tmp_path / "report.txt").read_text(encoding="utf-8")


def test_a_warning_exits_with_1_only_where_it_is_strict(compare: Compare) -> None:
    """A product of 60 tanh layers with large weights is chaos: agreement says little, GT327."""
    text = """
        def torch_model():
            import torch
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(4, 4)

                def forward(self, x):
                    x = self.fc(x)
                    for _ in range(60):
                        x = torch.sin(30 * x)
                    return x

            return Net()

        def keras_model():
            import keras
            from keras import layers, ops

            def chaos(x):
                for _ in range(60):
                    x = ops.sin(30 * x)
                return x

            x = keras.Input((4,))
            return keras.Model(x, layers.Lambda(chaos)(layers.Dense(4)(x)))
    """
    plain = compare(textwrap.dedent(text), "--json")
    assert {row["severity"] for row in json.loads(plain.stdout)["findings"]} == {"warning"}
    assert plain.exit_code == 0
    assert compare(textwrap.dedent(text), "--strict").exit_code == 1


UNUSABLE = {
    "has one function only": (HEALTHY.replace("def keras_model", "def other"), "pair.py has no function keras_model()"),
    "raises": (HEALTHY + "raise ValueError('not today')\n", "not today"),
    "gives no model": (HEALTHY.replace("return nn.Sequential(", "return len("), "len()"),
    "has weights that don't fit": (HEALTHY.replace("nn.Linear(6, 2)", "nn.Linear(6, 3)"), "can't be mapped"),
    "has layers of other kinds": (
        HEALTHY.replace("nn.LayerNorm(6, eps=1e-3)", "nn.PReLU()"),
        "gradtool_map",
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_file_that_can_not_be_used_exits_with_2_and_says_why(compare: Compare, what: str) -> None:
    text, told = UNUSABLE[what]
    done = compare(text)
    assert done.exit_code == 2, done.stdout
    assert told in flat(done.stdout)
    assert "gradtool/witness" not in done.stdout + done.stderr
    record = json.loads(compare(text, "--json").stdout)
    jsonschema.validate(record, SCHEMA)
    assert (record["evidence"], record["agree"]) == (None, None)
    assert record["failures"]


def test_the_traceback_of_the_file_is_on_stderr_and_begins_in_it(compare: Compare) -> None:
    done = compare(HEALTHY + "def deep():\n    raise ValueError('not today')\ndeep()\n")
    assert done.stderr.splitlines()[0] == "Traceback (most recent call last):"
    assert 'pair.py", line 12' in done.stderr.splitlines()[1]
    assert done.stderr.count("Traceback") == 1
    assert done.stdout.count("not today") == 1


def test_a_file_that_kills_itself_costs_messages_and_exits_with_3(compare: Compare) -> None:
    done = compare(HEALTHY + "import os\nos.kill(os.getpid(), 9)\n", "--json")
    record = json.loads(done.stdout)
    assert (done.exit_code, record["evidence"]) == (3, None)
    assert all("SIGKILL" in failure["message"] for failure in record["failures"])
    assert compare(HEALTHY).exit_code == 0  # by fresh workers


REFUSED = {
    ("--at", "x=1"): "--at goes with an expression, and pair.py is a model's file",
    ("--hessian",): "--hessian goes with an expression",
    ("--jacobian",): "--jacobian goes with an expression",
    ("--order", "2"): "--order goes with an expression",
    ("--wrt", "x"): "--wrt goes with an expression",
    ("--upstream", "[1]"): "--upstream goes with an expression",
    ("--absolute",): "--absolute goes with an expression",
    ("--plot", "-"): "--plot goes with an expression",
    ("--frameworks", "torch"): "leaves one side of two models",
    ("--dtype", "bfloat16"): "has no bfloat16",
    ("--select", "GT9999"): "there is no rule GT9999",
    ("-o", "absent/report.txt"): "there is no folder absent",
    ("--json", "--format", "markdown"): "exclude each other",
    ("other.py",): "there is no file other.py",
    ("other",): "other is no Python file",
    ("pair.py:9",): "9 is no name",
}


@pytest.mark.parametrize("options", REFUSED, ids=" ".join)
def test_what_can_not_be_done_is_refused_before_any_work(
    compare: Compare, tmp_path: Path, options: tuple[str, ...]
) -> None:
    done = compare(PLANTED, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert REFUSED[options] in flat(done.stderr)
    assert not (tmp_path / "planted").exists()


def test_every_option_that_does_not_go_with_models_is_told(compare: Compare) -> None:
    told = compare(PLANTED, "--at", "x=1", "--hessian").stderr
    assert "--at goes with" in told
    assert "--hessian goes with" in told


@pytest.mark.parametrize("options", [("--mode", "eval"), ("--all",), ("--select", "GT320"), ("--ignore", "GT320")])
def test_what_goes_with_models_alone_is_refused_of_an_expression(command: Compare, options: tuple[str, ...]) -> None:
    done = command("x**2", "--at", "x=1", *options)
    assert done.exit_code == 2
    assert f"{options[0]} goes with models' files, and x**2 is an expression" in flat(done.stderr)


FILES = {
    ("t.py",): "t.py imports PyTorch alone, and a second model is needed",
    ("t.py", "t.py"): "both import PyTorch alone",
    ("k.py", "k.py"): "both import Keras or TensorFlow alone",
    ("bad.py",): "bad.py:1: it is not valid Python",
    ("t.py", "x**2"): "x**2 is no Python file",
    ("x**2", "k.py"): "x**2 is no Python file",
    ("kk.py",): "did you mean k.py?",
}


@pytest.mark.parametrize("names", FILES, ids=" ".join)
def test_files_that_are_no_two_models_are_refused_before_any_work(
    command: Compare, tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name, text in {"t": "import torch\n", "k": "import keras\n", "bad": "x = = 1\n"}.items():
        (tmp_path / f"{name}.py").write_text(f"{text}open('planted', 'w')\n", encoding="utf-8")
    done = command(*names)
    assert (done.exit_code, done.stdout) == (2, "")
    assert FILES[names] in flat(done.stderr)
    assert not (tmp_path / "planted").exists()


def test_a_variable_beside_a_folder_of_its_name_is_an_expression(command: Compare, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    done = command("x", "--mode", "eval")
    assert "x is an expression" in flat(done.stderr)


def test_an_empty_file_is_told_what_it_may_define(tmp_path: Path) -> None:
    (tmp_path / "pair.py").write_text("x = 1\n", encoding="utf-8")
    done = real(tmp_path, "pair.py")
    assert done.returncode == 2
    assert "Keras on PyTorch: pair.py defines no keras.Model" in flat(done.stdout)
    assert "torch_model() and keras_model()" in flat(done.stdout)


def test_a_file_with_the_ending_alone_alike_is_not_suggested(command: Compare, tmp_path: Path) -> None:
    (tmp_path / "x12_none.py").write_text("x = 1\n", encoding="utf-8")
    done = command("nofile.py")
    assert done.exit_code == 2
    assert "did you mean" not in done.stderr
    (tmp_path / "no_file.py").write_text("x = 1\n", encoding="utf-8")
    assert "did you mean no_file.py" in flat(command("nofile.py").stderr)
