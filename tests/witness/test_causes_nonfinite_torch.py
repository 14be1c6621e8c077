"""Every planted birth of a NaN or an infinity is told with its kind and its very line; the healthy twins give none."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import pytest
from corpus.causes_nonfinite_torch import CASES
from corpus.programs import HEAD, Case

torch = pytest.importorskip("torch")

from causes_run import told  # noqa: E402

from gradtool.evidence import Cause  # noqa: E402
from gradtool.witness.causes.replay import Wanted  # noqa: E402
from gradtool.witness.pytorch.causes.births import BirthFinder  # noqa: E402
from gradtool.witness.pytorch.model.parameters import Named  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.script_method. is deprecated"),
    pytest.mark.filterwarnings("ignore:std\\(\\)"),
    pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad"),
]


def only(text: str, folder: Path) -> Cause:
    causes, line, _ = told(BirthFinder(), HEAD + text, folder)
    (cause,) = causes
    assert cause.line.source == line
    return cause


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_planted_birth_is_told(case: Case, tmp_path: Path) -> None:
    causes, line, notes = told(BirthFinder(), case.program(), tmp_path)
    assert [(one.fate, one.kind, one.line.source, one.phase) for one in causes] == [
        (case.fate, case.kind, line, case.phase)
    ]
    assert causes[0].line.text.endswith("# <- here")
    assert causes[0].way[0].line == causes[0].line
    assert bool(notes) == ("@torch.compile" in case.text)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_healthy_twin_gives_none(case: Case, tmp_path: Path) -> None:
    (tmp_path / "marked.py").write_text("# <- here\n")
    causes, _, notes = told(BirthFinder(), case.twin(), tmp_path)
    assert causes == []
    assert "were finite" in notes[-1]


def test_the_operands_are_those_of_the_birth(tmp_path: Path) -> None:
    """Numbers and zeros counted by hand."""
    cause = only(
        """
w = torch.tensor([[0.0, 3.0], [0.0, 0.0]], requires_grad=True)
loss = torch.log(w).sum()  # <- here
loss.backward()
""",
        tmp_path,
    )
    (given,) = cause.operands
    assert (given.shape, given.dtype, given.least, given.largest) == ((2, 2), "float32", 0.0, 3.0)
    assert (given.count, given.zeros, given.nan, given.inf, given.name) == (4, 3, 0, 0, "w")
    assert cause.parameters == ["w"]


def test_the_way_leads_from_the_birth_to_the_first_gradient(tmp_path: Path) -> None:
    cause = only(
        """
w = torch.tensor([0.0, 2.0], requires_grad=True)
u = w * 3
root = torch.sqrt(u)  # <- here
loss = root.sum()
loss.backward()
""",
        tmp_path,
    )
    # The slope of sqrt at 0 is infinite, the product with 3 passes it on, and the leaf collects it.
    assert [(one.operation, one.phase) for one in cause.way] == [("sqrt", "backward"), ("mul", "backward")]
    assert [one.line.text.partition("  #")[0] for one in cause.way] == ["root = torch.sqrt(u)", "u = w * 3"]


def test_the_way_of_a_loss_ends_there(tmp_path: Path) -> None:
    cause = only(
        """
w = torch.tensor([1000.0], requires_grad=True)
e = w.exp()  # <- here
half = e / 2
loss = (half - half).sum()
loss.backward()
""",
        tmp_path,
    )
    assert [one.operation for one in cause.way] == ["exp", "div", "sub", "sum"]
    assert {one.phase for one in cause.way} == {"forward"}


def test_two_births_are_two_causes(tmp_path: Path) -> None:
    text = """
a = torch.tensor([0.0], requires_grad=True)
b = torch.tensor([-1.0], requires_grad=True)
c = torch.tensor([1.0], requires_grad=True)
loss = torch.sqrt(a).sum() + b.abs().sum() + torch.where(b < 0, c, b.log()).sum()
loss.backward()  # <- here
"""
    causes, _, _ = told(BirthFinder(), HEAD + text, tmp_path)
    # log has the slope 1/b, which is finite: what is not taken there costs nothing.
    assert [(one.kind, one.parameters) for one in causes] == [("sqrt_of_zero", ["a"])]
    text = text.replace("b.log()", "(b + 1).log()")
    causes, _, _ = told(BirthFinder(), HEAD + text, tmp_path)
    assert {(one.kind, *one.parameters) for one in causes} == {("sqrt_of_zero", "a"), ("where_trap", "b")}


def test_where_the_lost_epsilon_is_told(tmp_path: Path) -> None:
    """The next float32 after 1 is 1.00000012 (2 to the power of -23 more)."""
    case = next(case for case in CASES if case.name == "an epsilon that is added to one")
    (cause,), _, _ = told(BirthFinder(), case.program(), tmp_path)
    assert cause.told == "1e-09 is lost beside 1 in float32, whose next number is 1.0000001"


def test_what_is_masked_out_on_purpose_is_not_blamed(tmp_path: Path) -> None:
    text = """
scores = torch.randn(2, 4, requires_grad=True)
hidden = scores.masked_fill(torch.tensor([True, False, False, True]), float("-inf"))
weights = torch.softmax(hidden + torch.full((4, 4), float("-inf")).triu(3)[:2], dim=-1)
unused = torch.log(torch.zeros(3)) / torch.zeros(3)
loss = (weights * scores).sum()
loss.backward()  # <- here
"""
    assert told(BirthFinder(), HEAD + text, tmp_path)[0] == []


def test_memory_that_is_given_away_again_is_not_mistaken() -> None:
    """Of thousands of tensors that are not finite and gone, none passes its past on to a later one."""
    w = torch.ones(64, requires_grad=True)
    finder = BirthFinder()
    with finder:
        for _ in range(200):
            (torch.zeros(64) / torch.zeros(64)).sum()
        loss = (w * 2).sum() + torch.log(w - 1).sum()
        finder.before([loss])
        loss.backward()
    causes = finder.told([Named("w", w, "", "")], loss, Wanted())
    assert [one.kind for one in causes] == ["log_of_zero"]


def modes() -> tuple[int, object, object]:
    return torch._C._len_torch_dispatch_stack(), torch.autograd._engine_run_backward, torch.compile


def test_nothing_is_left_behind_by_an_exception() -> None:
    before = modes()

    def program() -> None:
        with BirthFinder():
            torch.ones(2).log()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        program()
    assert modes() == before


def test_finders_may_be_nested() -> None:
    w = torch.zeros(2, requires_grad=True)
    outer, inner = BirthFinder(), BirthFinder()
    with outer, inner:
        loss = w.sqrt().sum()
        outer.before([loss])
        inner.before([loss])
        loss.backward()
    for finder in (outer, inner):
        (cause,) = finder.told([Named("w", w, "", "")], loss, Wanted())
        assert (cause.kind, cause.parameters) == ("sqrt_of_zero", ["w"])


def test_threads_do_not_see_each_other() -> None:
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        w = torch.full((2,), float(-number), requires_grad=True)
        finder = BirthFinder()
        for _ in range(20):
            with finder:
                loss = (w.sqrt() if number % 2 else w.log()).sum()
                finder.before([loss])
                loss.backward()
        found[number] = [one.kind for one in finder.told([Named("w", w, "", "")], loss, Wanted())]

    before = modes()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    negative = {1: "sqrt_of_negative", 0: "log_of_negative"}
    assert {number: set(kinds) for number, kinds in found.items()} == {n: {negative[n % 2]} for n in range(1, 5)}
    assert modes() == before


def test_the_same_random_numbers_as_without_it() -> None:
    def drawn() -> torch.Tensor:
        torch.manual_seed(3)
        return torch.nn.functional.dropout(torch.ones(50), 0.5) + torch.randn(50)

    plain = drawn()
    with BirthFinder():
        seen = drawn()
    assert torch.equal(plain, seen)


def test_the_corpus_is_large_enough() -> None:
    assert len({case.kind for case in CASES}) >= 18
    assert len(CASES) >= 25
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for case in CASES:
            compile(case.twin(), case.name, "exec")
