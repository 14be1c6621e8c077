"""The real executable: what it imports, how it ends, and that nothing of it is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

GRADTOOL = [sys.executable, "-m", "gradtool"]
HEAVY = ("numpy", "sympy", "mpmath", "scipy", "torch", "tensorflow")
PATH = [path for path in [os.environ.get("PYTHONPATH", "")] if path]
PAIRS = Path(__file__).parents[2] / "examples" / "pairs"


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", **options.pop("env", {})}  # type: ignore[dict-item]
    return subprocess.run(
        [*GRADTOOL, *arguments], capture_output=True, text=True, env=environment, timeout=120, check=False, **options
    )


def workers_of(parent: int) -> list[int]:
    """Processes whose command line is a witness and whose parent is ``parent``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            mother = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if b"gradtool.witness.worker" in words and mother == parent:
            found.append(int(entry.name))
    return found


def alive(process: int) -> bool:
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import runpy, sys\n"
        "sys.argv = ['gradtool', '--help']\n"
        "try:\n runpy.run_module('gradtool', run_name='__main__')\n"
        "except SystemExit:\n pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "Usage" in done.stdout
    assert done.stderr.strip() == "[]"


def test_the_parent_of_a_check_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom gradtool.__main__ import main\n"
        "sys.argv = ['gradtool', 'check', 'x**2', '--at', 'x=3']\n"
        "try:\n main()\n"
        "except SystemExit:\n pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "verified" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_check_says_verified_on_stdout_and_nothing_on_stderr(framework: str) -> None:
    done = run("check", "-x**2", "--at", "x=3", "--framework", framework, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    assert (record["gradients"][0]["autodiff"], record["verdict"]) == (-6.0, "verified")


def test_a_bad_expression_is_told_at_once_and_leaves_no_process(tmp_path: Path) -> None:
    began = time.monotonic()
    done = run("check", "__import__('os').mkdir('planted')", cwd=tmp_path)
    assert time.monotonic() - began < 2
    assert done.returncode == 2
    assert done.stdout == ""
    assert "^" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_files_in_the_users_folder_are_not_imported(tmp_path: Path) -> None:
    """A torch.py or sympy.py beside the user is their business."""
    for name in ("torch", "sympy", "numpy", "json"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'planted')!r}, 'w')\nraise SystemExit(7)\n")
    script = Path(sys.executable).parent / "gradtool"
    done = subprocess.run(
        [str(script), "check", "x**2", "--at", "x=3"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert (done.returncode, (tmp_path / "planted").exists()) == (0, False), done.stderr


def test_a_missing_framework_is_one_message_with_the_pip_line(tmp_path: Path) -> None:
    """The symbolic witness still testifies."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ModuleNotFoundError('no', name='torch')\n")
    done = run("check", "x**2", "--at", "x=3", "--framework", "torch", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 3
    assert "PyTorch is not installed" in done.stdout
    assert 'pip install "gradtool[torch]"' in done.stdout
    assert "∂f/∂x = 2*x" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_framework_that_crashes_costs_one_message(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    done = run("check", "x**2", "--at", "x=3", "--framework", "torch", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 3
    assert "PyTorch was killed (SIGSEGV)" in done.stdout
    assert "inconclusive" in done.stdout


def test_a_witness_that_hangs_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import time\ntime.sleep(600)\n")
    began = time.monotonic()
    done = run("check", "x**2", "--at", "x=3", "--timeout", "2", env={"PYTHONPATH": str(tmp_path)})
    assert time.monotonic() - began < 10
    assert done.returncode == 3
    assert "gave no answer within 2 s" in done.stdout


@pytest.mark.parametrize(("to_group", "sent", "code"), [(False, signal.SIGINT, 130), (True, signal.SIGINT, 130)])
def test_an_interrupt_exits_with_130_and_leaves_no_process(
    tmp_path: Path, to_group: bool, sent: signal.Signals, code: int
) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import time\ntime.sleep(600)\n")
    program = subprocess.Popen(
        [*GRADTOOL, "check", "x**2", "--at", "x=3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while len(workers := workers_of(program.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    (os.killpg if to_group else os.kill)(program.pid, sent)
    _, errors = program.communicate(timeout=20)
    assert program.returncode == code
    assert b"Traceback" not in errors
    time.sleep(0.2)
    assert [worker for worker in workers if alive(worker)] == []


@pytest.mark.parametrize("hurt", ["exec(INTERRUPT)", "eval(INTERRUPT)"])
def test_an_interrupt_while_a_module_is_imported_exits_with_130(tmp_path: Path, hurt: str) -> None:
    """Python run with -m died of the signal, -2 here, where it came while a dataclass was made from text."""
    (tmp_path / "interrupted.py").write_text(
        "from gradtool import __main__ as program\n"
        'INTERRUPT = \'[__import__("os").kill(__import__("os").getpid(), 2), *range(10**6)]\'\n'
        f"def _run(_):\n {hurt}\n"
        "program._run = _run\n"
        "program.main()\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_closed_pipe_is_quiet() -> None:
    script = f"{sys.executable} -m gradtool ops | head -1"
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "operator:\n"


def test_a_gradient_imports_nothing_after_pytorch_is_there() -> None:
    """PyTorch imports SymPy for ``grad_outputs``: half a second, in the worker that everyone waits for."""
    code = (
        "import sys; from gradtool.witness.pytorch.expression import answer; from gradtool.evidence import Request;"
        "list(answer(Request(0, 'x**2', {'x': 3.0}, ['x'], 'torch'))); print('sympy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_comparison_without_one_framework_tells_of_the_other_and_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("raise ModuleNotFoundError('no', name='tensorflow')\n")
    done = run("compare", "x**2", "--at", "x=3", env={"PYTHONPATH": os.pathsep.join([str(tmp_path), *PATH])})
    told = " ".join(done.stdout.split())
    assert (done.returncode, done.stderr) == (3, "")
    assert "TensorFlow gave no gradient to compare with; PyTorch's is verified: equals the exact derivative" in told
    assert "TensorFlow is not installed" in told
    assert 'pip install "gradtool[tensorflow]"' in told


def test_a_comparison_starts_three_witnesses_and_its_parent_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom gradtool.__main__ import main\nfrom gradtool.witness import process\n"
        "started = []\nearly = process.start_early\n"
        "process.start_early = lambda modules: (started.extend(modules), early(modules))\n"
        "sys.argv = ['gradtool', 'compare', 'x**2', '--at', 'x=3']\n"
        "try:\n main()\n"
        "except SystemExit:\n pass\n"
        f"print(len(started), [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "PyTorch and TensorFlow agree" in done.stdout
    assert done.stderr.strip() == "3 []"


@pytest.mark.parametrize(
    ("names", "sides"),
    [
        (["epsilon.py"], ["KERAS_SIDE", "TORCH_SIDE", "PAIRING"]),
        (["two_keras.py", "two_torch.py"], ["KERAS_SIDE", "TORCH_SIDE", "PAIRING"]),
        (["one_keras.py"], ["KERAS_SIDE", "KERAS_TORCH_SIDE", "PAIRING"]),
    ],
)
def test_a_comparison_of_models_starts_the_workers_that_it_takes_and_no_other(
    names: list[str], sides: list[str]
) -> None:
    """Processes are only noted here, not started; both lists hold the modules of workers."""
    code = (
        "import sys\nfrom gradtool.__main__ import main\nfrom gradtool.witness import process\n"
        "early, asked = [], []\n"
        "process.start_early = early.extend\n"
        "def begin(module):\n asked.append(module)\n if len(asked) == 3:\n  raise KeyboardInterrupt\n"
        "process.Process.begin = begin\n"
        f"sys.argv = ['gradtool', 'compare', *{[str(PAIRS / name) for name in names]!r}]\n"
        "try:\n main()\n"
        "except SystemExit:\n pass\n"
        f"wanted = [getattr(process, name) for name in {sides!r}]\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(sorted(early) == sorted(wanted), sorted(asked) == sorted(wanted), heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "True True []"
