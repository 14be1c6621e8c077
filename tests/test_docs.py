"""The documentation shows what the program prints: every command in a console block, and the generated pages."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradtool.target.operations import OPERATIONS
from gradtool.target.own_points import expression_of

ROOT = Path(__file__).resolve().parent.parent
_SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
assert _SPEC
assert _SPEC.loader
generate: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(generate)


def timeless(text: str) -> str:
    """``text`` without the seconds a run took, and without the build of PyTorch (+cpu, +cu130).

    Random matrices and models go through BLAS, whose last digits depend on the machine, and times are never twice the
    same: of such a command the words are compared.
    """
    text = re.sub(r"\(\d+\.\d s\)", "(0.0 s)", re.sub(r"(PyTorch [\d.]+)\+\w+", r"\1", text))
    parts = text.split("$ ")
    return "$ ".join(
        _wordy(part)
        if re.match(r".*(normal\(|--modes|--timing)|gradtool flow|gradtool (check|compare) .*\.py", part)
        else part
        for part in parts
    )


def _wordy(part: str) -> str:
    """The words of a command and its output; numbers, their units, bars and the gaps between them left out."""
    numberless = re.sub(r"# (s|ms|µs|ns|B|kB|MB)\b", "#", re.sub(r"[-+]?\d[\d.e+-]*", "#", part))
    return re.sub(r"[-\s▁-█▉-▏]+", " ", numberless)


@pytest.fixture
def run(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], str]:
    monkeypatch.chdir(ROOT)

    def runner(arguments: list[str]) -> str:
        result = cli(*arguments)
        return str(result.out + result.err)

    return runner


@pytest.mark.parametrize("page", generate.PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documentation_prints_what_is_shown(page: Path, run: Callable[[list[str]], str]) -> None:
    text = page.read_text(encoding="utf-8")
    if "--modes" in text and not shutil.which(os.environ.get("CXX", "g++")):
        pytest.skip("torch.compile needs g++")
    assert timeless(generate.shown(text, run)) == timeless(text)


def test_the_reference_pages_are_those_of_this_program(run: Callable[[list[str]], str]) -> None:
    for name, text in (
        ("cli", generate.cli_page(run)),
        ("operations", generate.operations_page()),
        ("rules", generate.rules_page()),
        ("causes", generate.causes_page()),
    ):
        assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == text, f"docs/{name}.md: run make docs"


def test_links_between_pages_lead_somewhere() -> None:
    for page in generate.PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_picture_in_the_documentation_is_what_the_command_draws(
    run: Callable[[list[str]], str], tmp_path: Path
) -> None:
    """Texts and shapes; coordinates to a pixel, because fonts differ between versions of the drawing library."""
    run(["check", *generate.PICTURE, "--plot", str(tmp_path / "sweep.svg")])
    drawn, shown = (path.read_text(encoding="utf-8") for path in (tmp_path / "sweep.svg", ROOT / "docs" / "sweep.svg"))
    assert re.findall(r"<!--(.*?)-->", drawn) == re.findall(r"<!--(.*?)-->", shown)
    assert drawn.count("<use") == shown.count("<use")


def test_the_published_accuracy_is_that_of_the_pinned_versions_and_of_every_operation() -> None:
    """The figures take minutes and depend on the processor (make accuracy); that none is missing is looked at here."""
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert page.startswith(f"# How exact the gradients of PyTorch and TensorFlow are\n\n{generate.ACCURACY_NOTE}\n")
    assert generate.ACCURACY in page
    pinned = dict(re.findall(r"^(torch|tensorflow)\S*==([\d.]+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert re.search(
        rf"^PyTorch {pinned['torch']}\S* and TensorFlow {pinned['tensorflow']}, .*20\d\d-\d\d-\d\d\.$",
        page,
        re.MULTILINE,
    )
    for dtype in ("float64", "float32"):
        told = re.findall(r"^\| `(.*?)` \|", page.partition(f"## {dtype}\n")[2].partition("\n## ")[0], re.MULTILINE)
        assert told == [expression_of(row) for row in OPERATIONS.values() if not row.hidden], (
            f"{dtype}: run make accuracy"
        )
