"""A model's file on the command line: FILE.py:NAME, what it imports, and the inputs that --input describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradtool.evidence import InputSpec
from gradtool.problem import Problem, ProblemError
from gradtool.target.model_file import is_model_file, read_inputs, read_model_file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text("import torch\n", encoding="utf-8")
    return tmp_path


def refused(text: str) -> Problem:
    with pytest.raises(ProblemError) as told:
        read_model_file(text)
    (problem,) = told.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("model.py", ""),
        ("model.py:Net", "Net"),
        ("model.py:a.b_2", "a.b_2"),
        ("./model.py:Net", "Net"),
        ("model.py:", ""),
    ],
)
def test_the_name_stands_behind_the_colon(here: Path, text: str, name: str) -> None:
    found = read_model_file(text)
    assert (found.path, found.name) == ((here / "model.py").resolve(), name)


def test_a_colon_in_a_folders_name_is_no_separator(here: Path) -> None:
    folder = here / "a:b.py"
    folder.mkdir()
    (folder / "model.py").write_text("", encoding="utf-8")
    assert read_model_file("a:b.py/model.py:Net").name == "Net"
    assert read_model_file("a:b.py/model.py").name == ""


@pytest.mark.parametrize(
    ("text", "is_file"),
    [("model.py", True), ("absent.py", True), ("absent.py:Net", True), ("x**2", False), ("x", False),
     ("sin(x):y", False)],
)  # fmt: skip
def test_a_file_is_told_from_an_expression(here: Path, text: str, *, is_file: bool) -> None:
    assert (here / "model.py").exists()
    assert is_model_file(text) is is_file


def test_a_file_that_is_not_there_is_told_with_its_likeliest_neighbour(here: Path) -> None:
    close = refused("modle.py:Net")
    assert (close.message, close.hint, close.span) == ("there is no file modle.py", "did you mean model.py?", (0, 8))
    assert refused("zzzzzz.py").hint == "Python files there: model.py"
    (here / "sub").mkdir()
    assert "there is no Python file in" in refused("sub/model.py").hint
    assert refused("absent/model.py").message == "there is no folder absent"


def test_a_folder_is_no_file(here: Path) -> None:
    (here / "package").mkdir()
    told = refused("package")
    assert (told.message, told.hint) == ("package is a folder", "name a file in it, as package/model.py")


@pytest.mark.parametrize("name", ["Net()", "2x", "a..b", "a b", "."])
def test_a_name_that_is_none_is_pointed_at(here: Path, name: str) -> None:
    assert here
    told = refused(f"model.py:{name}")
    assert told.message == f"{name} is no name"
    assert told.span == (9, 9 + len(name))


def test_a_mistake_of_syntax_is_pointed_at_in_its_own_line(here: Path) -> None:
    (here / "model.py").write_text("import torch\n\nx = = 1\n", encoding="utf-8")
    told = refused("model.py")
    assert told.message == "it is not valid Python: invalid syntax"
    assert (told.source, told.span, told.origin) == ("x = = 1", (4, 5), "model.py:3")


@pytest.mark.parametrize("content", [b"x = 1\x00", b"x = '\xff'"])
def test_a_file_that_is_no_text_is_told(here: Path, content: bytes) -> None:
    (here / "model.py").write_bytes(content)
    assert "model.py" in " ".join(refused("model.py").lines()) or refused("model.py").message


@pytest.mark.parametrize(
    ("text", "frameworks"),
    [
        ("import torch", ("torch",)),
        ("import torch.nn as nn", ("torch",)),
        ("from torch import nn", ("torch",)),
        ("import lightning as L", ("torch",)),
        ("from transformers import AutoModel", ("torch",)),
        ("import keras", ("tensorflow",)),
        ("from tensorflow.keras import layers", ("tensorflow",)),
        ("import numpy, keras, torch", ("tensorflow", "torch")),
        ("def later():\n    import torch", ("torch",)),
        ("import numpy", ()),
        ("import torchless", ()),
        ("from .torch import x", ()),
        ("'import torch'", ()),
        ("", ()),
    ],
)
def test_the_frameworks_are_those_that_the_file_imports(here: Path, text: str, frameworks: tuple[str, ...]) -> None:
    (here / "model.py").write_text(text + "\n", encoding="utf-8")
    assert read_model_file("model.py").frameworks == frameworks


def test_nothing_of_the_file_is_run(here: Path) -> None:
    (here / "model.py").write_text("open('planted', 'w')\nraise SystemExit\n", encoding="utf-8")
    read_model_file("model.py")
    assert not (here / "planted").exists()


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("8", InputSpec((8,))),
        ("8,16", InputSpec((8, 16))),
        ("32x1x28x28", InputSpec((32, 1, 28, 28))),
        ("8, 16", InputSpec((8, 16))),
        ("8 x 16 : int64", InputSpec((8, 16), "int64")),
        ("8,16:int64<500", InputSpec((8, 16), "int64", 500)),
        ("8,16<500", InputSpec((8, 16), "int64", 500)),
        ("8x16<500", InputSpec((8, 16), "int64", 500)),
        ("1:float16", InputSpec((1,), "float16")),
        ("4:bool", InputSpec((4,), "bool")),
    ],
)
def test_an_input_is_a_shape_with_a_dtype_and_a_bound(text: str, spec: InputSpec) -> None:
    assert read_inputs([text]) == [spec]


@pytest.mark.parametrize(
    "text", ["", "a", "8,", ",8", "8,-1", "8:", "8:int64<", "8:Int", "8;3", "8.5", "8,16:int64<-2"]
)
def test_what_describes_no_input_is_pointed_at(text: str) -> None:
    with pytest.raises(ProblemError) as told:
        read_inputs(["2,2", text])
    (problem,) = told.value.problems
    assert problem.message == "an input is described by its shape"
    assert "8,16:int64<500" in problem.hint


@pytest.mark.parametrize(("text", "told"), [("8,0", "no numbers"), ("100000,100000", "10,000,000,000 numbers")])
def test_an_input_of_no_or_too_many_numbers_is_refused(text: str, told: str) -> None:
    with pytest.raises(ProblemError, match=told):
        read_inputs([text])


def test_each_input_is_read() -> None:
    assert read_inputs(["2", "3:int32"]) == [InputSpec((2,)), InputSpec((3,), "int32")]
    assert read_inputs([]) == []


def test_a_module_and_a_name_lead_to_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets" / "deep").mkdir(parents=True)
    (tmp_path / "nets" / "deep" / "wide.py").write_text("import torch\n", encoding="utf-8")
    found = read_model_file("nets.deep.wide:Net.inner")
    assert (found.path, found.name) == (tmp_path / "nets" / "deep" / "wide.py", "Net.inner")
    assert is_model_file("nets.deep.wide:Net")
    assert not is_model_file("nets.deep.other:Net")
