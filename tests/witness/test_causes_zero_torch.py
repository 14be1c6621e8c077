"""Every planted death of a gradient is told with its kind and its very line; the healthy twins give none."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

import pytest
from corpus.causes_zero_torch import CASES
from corpus.programs import HEAD, Case

torch = pytest.importorskip("torch")

from causes_run import told  # noqa: E402

from gradtool.witness.causes.replay import Wanted  # noqa: E402
from gradtool.witness.pytorch.causes.deaths import DeathFinder  # noqa: E402
from gradtool.witness.pytorch.model.parameters import Named  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script_method. is deprecated")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_planted_death_is_told(case: Case, tmp_path: Path) -> None:
    causes, line, notes = told(DeathFinder(), case.program(), tmp_path)
    assert [(one.fate, one.kind, one.line.source) for one in causes] == [("zero", case.kind, line)]
    assert causes[0].parameters
    assert causes[0].line.text.endswith("# <- here")
    assert bool(notes) == ("@torch.compile" in case.text)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_healthy_twin_gives_none(case: Case, tmp_path: Path) -> None:
    (tmp_path / "marked.py").write_text("# <- here\n")
    assert told(DeathFinder(), case.twin(), tmp_path)[0] == []


def test_the_partner_that_is_zero_is_named(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "the down projection of LoRA")
    ((cause,), _, _) = told(DeathFinder(), case.program(), tmp_path)
    assert (cause.parameters, cause.told) == (["weight"], "up.weight") or cause.told.endswith("weight")
    factor = cause.operands[-1]
    assert (factor.shape, factor.count, factor.zeros) == ((2, 4), 8, 8)


def test_the_operands_and_the_way(tmp_path: Path) -> None:
    """By hand: two numbers at -1 and -2 go into the ReLU, and the gradient that arrives there is 3 and 5."""
    text = """
w = torch.tensor([1.0, 2.0], requires_grad=True)
v = -w
h = torch.relu(v)  # <- here
loss = (h * torch.tensor([3.0, 5.0])).sum()
loss.backward()
"""
    ((cause,), line, _) = told(DeathFinder(), HEAD + text, tmp_path)
    assert cause.line.source == line
    gradient, output = cause.operands
    assert (gradient.name, gradient.least, gradient.largest, gradient.zeros) == ("the gradient", 3.0, 5.0, 0)
    assert (output.count, output.zeros) == (2, 2)
    assert [(one.operation, one.phase) for one in cause.way] == [("relu", "backward"), ("neg", "backward")]


def test_several_deaths_are_several_causes(tmp_path: Path) -> None:
    text = """
a, b, c = (torch.tensor([v], requires_grad=True) for v in (-1.0, 9.0, 2.0))
loss = torch.relu(a).sum() + b.clamp(0, 1).sum() + c.sum()
loss.backward()  # <- here
"""
    causes, _, _ = told(DeathFinder(), HEAD + text, tmp_path)
    assert {(one.kind, *one.parameters) for one in causes} == {("dead_relu", "a"), ("clamp", "b")}


def test_no_hook_outlives_the_finder_and_no_graph_is_kept() -> None:
    """A graph that is gone backward through again, and the tensors of one that nobody needs any more."""
    w = torch.full((3,), -1.0, requires_grad=True)
    seen = []
    finder = DeathFinder()
    finder._ran = lambda *_: seen.append(1)  # type: ignore[method-assign]
    with finder:
        loss = torch.relu(w).sum()
        loss.backward(retain_graph=True)
        passes = len(seen)
        gone = weakref.ref(torch.relu(w * 2))
    assert passes == 2
    assert gone() is None
    loss.backward()
    assert len(seen) == passes


def test_nothing_is_left_behind_by_an_exception() -> None:
    before = (torch._C._len_torch_dispatch_stack(), torch.autograd._engine_run_backward, torch.compile)

    def program() -> None:
        with DeathFinder():
            torch.ones(2, requires_grad=True).log().sum().backward()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        program()
    assert (torch._C._len_torch_dispatch_stack(), torch.autograd._engine_run_backward, torch.compile) == before


def test_nested_finders_and_threads() -> None:
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        w = torch.full((2,), 9.0 if number % 2 else -9.0, requires_grad=True)
        with DeathFinder() as outer, DeathFinder() as inner:
            for _ in range(10):
                outer.clear()
                inner.clear()
                loss = (w.clamp(max=1) if number % 2 else w.relu()).sum()
                loss.backward()
        rows = [Named("w", w, "", "")]
        kinds = [one.kind for finder in (outer, inner) for one in finder.told(rows, loss, Wanted(zero=["w"]))]
        found[number] = kinds

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    before = torch.autograd._engine_run_backward
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: ["clamp"] * 2 if n % 2 else ["dead_relu"] * 2 for n in range(1, 5)}
    assert torch.autograd._engine_run_backward is before


def test_a_zero_that_does_not_come_again_is_told_as_that() -> None:
    w = torch.ones(2, requires_grad=True)
    with DeathFinder() as finder:
        loss = (w * 2).sum()
        loss.backward()
    assert finder.told([Named("w", w, "", "")], loss, Wanted(zero=["w"])) == []
    assert "not the same each time" in finder.notes[0]


def test_the_corpus_is_large_enough() -> None:
    assert len(CASES) >= 20
    assert len({case.kind for case in CASES}) >= 9
