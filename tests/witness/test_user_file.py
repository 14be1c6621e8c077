"""A user's file as a program: where it runs, and how its own mistakes are told at its own lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradtool.witness.model.user_file import Enough, UserFileError, blamed, execute, is_users, line_of, user_line


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Running a file changes the folder, the path and the arguments of a worker; here they come back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    known = set(sys.modules)
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
    for name in set(sys.modules) - known:
        del sys.modules[name]


def written(folder: Path, text: str, name: str = "user_model.py") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def refused(folder: Path, text: str, *, as_main: bool = False) -> UserFileError:
    with pytest.raises(UserFileError) as told:
        execute(written(folder, text), as_main=as_main)
    return told.value


@pytest.mark.parametrize("as_main", [True, False])
def test_a_file_runs_in_its_own_folder_with_its_own_arguments_and_neighbours(tmp_path: Path, *, as_main: bool) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "a_neighbour.py").write_text("WIDTH = 7\n", encoding="utf-8")
    path = written(
        home,
        "import os, sys\nfrom a_neighbour import WIDTH\nfolder, arguments = os.getcwd(), sys.argv\n"
        "name, file = __name__, __file__\nown = sys.modules[__name__].__dict__ is globals()\n",
    )
    names = execute(path, ["--lr", "3"], as_main=as_main)
    assert names["WIDTH"] == 7
    assert Path(names["folder"]).samefile(home)
    assert (names["arguments"], names["file"], names["own"]) == ([path, "--lr", "3"], path, True)
    assert names["name"] == ("__main__" if as_main else "user_model")


def test_a_file_called_like_a_module_does_not_replace_it(tmp_path: Path) -> None:
    names = execute(written(tmp_path, "import json as known\n", "json.py"), as_main=False)
    assert names["__name__"] == "_json"
    assert hasattr(names["known"], "dumps")


def test_what_a_file_prints_is_left_to_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    execute(written(tmp_path, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n"), as_main=False)
    assert capsys.readouterr() == ("out\n", "err\n")


def test_an_error_is_told_at_the_users_line_with_a_traceback_that_begins_there(tmp_path: Path) -> None:
    told = refused(tmp_path, "import json\n\ndef load():\n    return json.loads('{')\n\nload()\n")
    assert told.message.startswith("user_model.py could not be run: JSONDecodeError: Expecting property name")
    assert told.message.endswith("(user_model.py:4: return json.loads('{'))")
    lines = told.detail.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('user_model.py", line 6, in <module>')
    assert "user_file.py" not in told.detail
    assert lines[-1].startswith("json.decoder.JSONDecodeError")


def test_our_own_frames_between_the_users_and_a_library_are_left_out(tmp_path: Path) -> None:
    """As where a model is looked at while it runs: the chain of causes included."""
    told = refused(
        tmp_path,
        "from gradtool.values import flat\n\ndef go():\n    try:\n        flat(7, 8, 9)\n"
        "    except TypeError as error:\n        raise ValueError('not mine') from error\n\ngo()\n",
    )
    assert "ValueError: not mine" in told.message
    assert "direct cause" in told.detail
    assert f"{os.sep}gradtool{os.sep}" not in told.detail


def test_the_frames_of_libraries_are_left_out_and_so_is_what_only_they_met(tmp_path: Path) -> None:
    """``json`` meets a StopIteration, and raises from frames of its own."""
    told = refused(
        tmp_path,
        "import json\nfrom fractions import Fraction\n\ndef go(text):\n    try:\n        json.loads(text)\n"
        "    except ValueError:\n        Fraction('a half')\n\ngo('{')\n",
    )
    frames = [line.split('"')[1] for line in told.detail.splitlines() if line.startswith("  File")]
    assert {Path(frame).name for frame in frames} == {"user_model.py"}
    assert "json.decoder.JSONDecodeError" in told.detail
    assert "StopIteration" not in told.detail
    assert told.detail.splitlines()[-1] == "ValueError: Invalid literal for Fraction: 'a half'"


@pytest.mark.parametrize("code", ["0", "3", "None", "'bye'"])
@pytest.mark.parametrize("call", ["import sys; sys.exit({})", "raise SystemExit({})"])
def test_a_file_that_ends_itself_is_told_how_to_guard_it(tmp_path: Path, call: str, code: str) -> None:
    told = refused(tmp_path, "x = 1\n" + call.format(code) + "\n")
    assert f"it ended itself with sys.exit({code})" in told.message
    assert "(user_model.py:2: " in told.message
    assert "__main__" in told.hint


def test_a_program_that_misses_its_arguments_is_told_where_they_go(tmp_path: Path) -> None:
    told = refused(tmp_path, "import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()\n")
    assert "(user_model.py:4: p.parse_args())" in told.message
    assert told.hint.endswith("gradtool flow FILE.py -- ARGUMENTS")


def test_a_mistake_of_syntax_is_told_with_its_line_and_caret(tmp_path: Path) -> None:
    told = refused(tmp_path, "x = 1\nfor in range(3):\n")
    assert told.message == "user_model.py:2 is not valid Python: invalid syntax"
    assert "    for in range(3):" in told.detail
    assert "^" in told.detail
    assert "Traceback" not in told.detail


def test_a_mistake_of_syntax_in_a_neighbour_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "bad_neighbour.py").write_text("x = = 1\n", encoding="utf-8")
    told = refused(tmp_path, "import bad_neighbour\n")
    assert "SyntaxError" in told.message
    assert "user_model.py:1: import bad_neighbour" in told.message


@pytest.mark.parametrize("content", [b"x = 1\x00\n", b"x = '\xff\xfe'\n"])
def test_a_file_that_is_no_text_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "user_model.py"
    path.write_bytes(content)
    with pytest.raises(UserFileError, match=r"user_model\.py"):
        execute(str(path), as_main=False)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserFileError, match=r"absent\.py can't be read"):
        execute(str(tmp_path / "absent.py"), as_main=False)


def test_an_interrupt_and_endless_recursion_are_the_users_own(tmp_path: Path) -> None:
    assert "KeyboardInterrupt" in refused(tmp_path, "raise KeyboardInterrupt\n").message
    told = refused(tmp_path, "def deeper():\n    return deeper()\ndeeper()\n")
    assert "RecursionError" in told.message
    assert len(told.detail) < 3000


def test_a_long_message_is_cut_to_one_line(tmp_path: Path) -> None:
    told = refused(tmp_path, "raise ValueError('many\\nlines ' * 1000)\n")
    assert "\n" not in told.message
    assert len(told.message) < 600


def test_enough_and_our_own_errors_pass_unchanged() -> None:
    for error in (Enough(), UserFileError("said before")):
        with pytest.raises(type(error)) as told, blamed("something"):
            raise error
        assert told.value is error
    with pytest.raises(MemoryError), blamed("something"):
        raise MemoryError


def test_a_program_that_catches_every_exception_still_lets_go(tmp_path: Path) -> None:
    text = (
        "from gradtool.witness.model.user_file import Enough\n"
        "try:\n    raise Enough\nexcept Exception:\n    pass\nwent_on = True\n"
    )
    with pytest.raises(Enough):
        execute(written(tmp_path, text), as_main=True)


def test_whose_a_file_is(tmp_path: Path) -> None:
    assert is_users(str(tmp_path / "model.py"))
    assert not is_users(os.__file__)
    assert not is_users(pytest.__file__)
    assert not is_users("<string>")
    assert not is_users(UserFileError.__init__.__code__.co_filename)


def test_the_users_line_is_the_innermost_of_the_stack(tmp_path: Path) -> None:
    names = execute(written(tmp_path, "def call(what):\n    return what()\n"), as_main=False)
    told = names["call"](lambda: user_line(sys._getframe(1)))
    assert told == "user_model.py:2"
    assert user_line(None) == ""
    assert line_of(str(tmp_path / "sub" / "part.py"), 3) == str(Path("sub") / "part.py:3")
    assert line_of("/elsewhere/part.py", 3) == "/elsewhere/part.py:3"


@pytest.mark.parametrize("as_main", [False, True])
def test_a_file_in_a_package_imports_what_lies_beside_it(tmp_path: Path, *, as_main: bool) -> None:
    package = tmp_path / f"parcel_{as_main}".lower()
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "layers.py").write_text("WIDTH = 7\n", encoding="utf-8")
    names = execute(written(package, "from .layers import WIDTH\n"), as_main=as_main)
    assert names["WIDTH"] == 7
