"""Every planted cause of a missing gradient is told with its kind and its very line; the healthy twins give none."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
from causes_program import Marks, functions_used, marks_of, run_file, twin_of
from corpus.causes_none_torch import AWAY, CASES, QUIET, SHARED, Case

torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
    pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad"),
]

from gradtool.evidence import Cause  # noqa: E402
from gradtool.witness.causes.replay import Wanted  # noqa: E402
from gradtool.witness.pytorch.causes.missing import MissingFinder  # noqa: E402
from gradtool.witness.pytorch.model.parameters import Named, named  # noqa: E402


def told(folder: Path, text: str, *, script: bool = False) -> tuple[list[Cause], list[str], MissingFinder]:
    """What the finder says, and the names of all parameters."""
    file = folder / "case.py"
    file.write_text(SHARED + text)
    (folder / "away.py").write_text(AWAY)
    finder = MissingFinder()
    names = {} if script else run_file(file)
    with finder:
        names = names or run_file(file)
        loss = names["run"]()
        finder.before([loss])
        if loss.requires_grad:
            loss.backward()
    rows = named({"": names["model"]})
    none = [row.name for row in rows if row.tensor.grad is None]
    return finder.told(rows, loss, Wanted(none, cut=True)), [row.name for row in rows], finder


def found(causes: list[Cause]) -> Marks:
    return {(one.fate, one.kind, one.line.source.rpartition("/")[2], tuple(one.parameters)) for one in causes}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_planted_cause_is_told(case: Case, tmp_path: Path) -> None:
    causes, names, finder = told(tmp_path, case.text, script=case.script)
    away = functions_used(AWAY, case.text)
    assert found(causes) == marks_of(SHARED + case.text, "case.py", names) | marks_of(away, "away.py", names)
    if "torch.compile(" in case.text:
        assert "torch.compile was switched off" in finder.notes[0]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_healthy_twin_gives_none(case: Case, tmp_path: Path) -> None:
    causes, _, _ = told(tmp_path, twin_of(case.text, case.twin), script=case.script)
    assert causes == []


@pytest.mark.parametrize("name", QUIET)
def test_what_loses_no_gradient_is_not_told(name: str, tmp_path: Path) -> None:
    causes, _, _ = told(tmp_path, QUIET[name])
    assert causes == []


class Tripled(torch.autograd.Function):
    """A custom function, on whose node the finder hangs a hook."""

    @staticmethod
    def forward(_ctx: Any, x: Any) -> Any:
        return x * 3

    @staticmethod
    def backward(_ctx: Any, g: Any) -> Any:
        return 3 * g


def everything_patched() -> list[Any]:
    kept = vars(torch.Tensor).get("_make_subclass")
    block = torch.inference_mode
    return [
        torch.from_numpy, torch.compile, torch._C._are_functorch_transforms_active, kept, block.__enter__,
        block.__exit__, torch._C._len_torch_function_stack(),
    ]  # fmt: skip


def test_nothing_is_left_behind_an_exception() -> None:
    before = everything_patched()
    with MissingFinder():
        assert everything_patched() != before
    with pytest.raises(ZeroDivisionError), MissingFinder():
        raise ZeroDivisionError
    assert everything_patched() == before


def test_no_hook_is_left_on_a_custom_function() -> None:
    w = torch.ones(2, requires_grad=True)
    with MissingFinder() as finder:
        tripled = Tripled.apply(w)
        finder.before([tripled.sum()])
    (event,) = [one for one in finder.flow.flow.events if one.operation == "Tripled" and not one.kind]
    event.stopped = frozenset({-1})
    tripled.sum().backward()
    assert event.stopped == {-1}


def test_a_finder_inside_another_sees_the_same() -> None:
    w = torch.ones(2, requires_grad=True)
    row = Named("w", w, "", "Tensor")
    before = everything_patched()
    with MissingFinder() as outer:
        with MissingFinder() as inner:
            loss = w.detach().sum()
            inner.before([loss])
        outer.before([loss])
    kinds = [[cause.kind for cause in one.told([row], loss, Wanted(["w"]))] for one in (outer, inner)]
    assert kinds == [["detach"], ["detach"]]
    assert everything_patched() == before


def test_a_layer_that_another_thread_calls_is_not_said_to_be_unused() -> None:
    net, beside, losses = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1), []
    with MissingFinder() as finder:
        thread = threading.Thread(target=lambda: losses.append(net(torch.ones(2)).detach().sum()))
        thread.start()
        thread.join(60)
        finder.before(losses)
    rows = named({"": torch.nn.ModuleDict({"net": net, "beside": beside})})
    causes = finder.told(rows, losses[0], Wanted([row.name for row in rows]))
    assert [(one.kind, one.parameters) for one in causes] == [("unused", ["beside.weight", "beside.bias"])]
    assert len(finder.notes) == 1
    assert "another thread" in finder.notes[0]


def test_finders_in_two_threads_leave_in_any_order_and_see_their_own() -> None:
    before = everything_patched()
    entered, leave, kinds = threading.Event(), threading.Event(), {}

    def other() -> None:
        w = torch.ones(2, requires_grad=True)
        with MissingFinder() as finder:
            entered.set()
            leave.wait(60)
            loss = torch.nn.Parameter(w).sum()
            finder.before([loss])
        kinds["other"] = [cause.kind for cause in finder.told([Named("w", w, "", "")], loss, Wanted(["w"]))]

    thread = threading.Thread(target=other)
    w = torch.ones(2, requires_grad=True)
    with MissingFinder() as finder:
        thread.start()
        assert entered.wait(60)
        with torch.inference_mode():
            loss = w.sum()
        finder.before([loss])
    leave.set()
    thread.join(60)
    kinds["own"] = [cause.kind for cause in finder.told([Named("w", w, "", "")], loss, Wanted(["w"]))]
    assert kinds == {"own": ["inference_mode"], "other": ["new_tensor"]}
    assert everything_patched() == before


def test_what_the_program_frees_is_freed() -> None:
    w = torch.ones(2, requires_grad=True)
    with MissingFinder():
        hidden = w * 2
        output = hidden.sin()  # its node holds what it was given
        gone = weakref.ref(hidden)
        del hidden
        assert gone() is not None
        del output
        assert gone() is None
