"""The walk from a parameter to the loss, on small graphs that are written down by hand."""

from __future__ import annotations

from gradtool.witness.causes.dataflow import Found, Walk
from gradtool.witness.causes.events import Event, Flow

P, X = 0, 1


class Graph:
    """A flow whose nodes are named in the order in which they are made: the parameter, the data, and what follows."""

    def __init__(self) -> None:
        self.flow = Flow()
        self.nodes = [self.flow.node(), self.flow.node(connected=False)]

    def op(self, name: str, *inputs: int, kind: str = "", connected: bool = True, region: int = 0) -> int:
        node = self.flow.node(connected=connected)
        self.flow.add(name, inputs, [node], ("", len(self.flow.events), name), kind, region=region)
        return node

    def none(self, loss: int) -> Found:
        return Walk(self.flow, [loss]).none(P)


def names(events: tuple[Event, ...]) -> list[str]:
    return [event.operation for event in events]


def test_a_parameter_that_nothing_takes_is_unused() -> None:
    graph = Graph()
    assert graph.none(graph.op("loss", X)) == Found("unused", None)


def test_what_never_reaches_the_loss_ends_where_it_was_last_computed() -> None:
    graph = Graph()
    graph.op("aux", graph.op("hidden", P))
    found = graph.none(graph.op("loss", X))
    assert (found.kind, found.event and found.event.operation) == ("dead_branch", "aux")


def test_the_cut_that_alone_would_bring_the_gradient_back_is_preferred() -> None:
    """One way is cut twice, one once; the comparison is on a third."""
    graph = Graph()
    hidden = graph.op("hidden", P)
    first = graph.op("first", hidden, kind="detach", connected=False)
    second = graph.op("second", first, kind="no_grad", connected=False)
    mask = graph.op("mask", hidden, kind="comparison", connected=False)
    alone = graph.op("alone", hidden, kind="data", connected=False)
    found = graph.none(graph.op("loss", second, mask, alone, connected=False))
    assert (found.kind, found.further) == ("data", ())


def test_cuts_one_behind_the_other_are_all_told() -> None:
    graph = Graph()
    first = graph.op("first", graph.op("hidden", P), kind="detach", connected=False)
    plain = graph.op("plain", first, connected=False)
    second = graph.op("second", plain, kind="integer", connected=False)
    third = graph.op("third", second, kind="data", connected=False)
    found = graph.none(graph.op("loss", third, connected=False))
    assert found.kind == "detach"
    assert names(found.further) == ["second", "third"]


def test_a_stretch_without_a_graph_is_one_cut() -> None:
    """Four operations in one block weigh as much as one cut, and less than two."""
    graph = Graph()
    hidden = graph.op("hidden", P)
    node = hidden
    for step in range(4):
        node = graph.op(f"step {step}", node, kind="no_grad", region=1, connected=False)
    once = graph.op("once", hidden, kind="detach", connected=False)
    twice = graph.op("twice", once, kind="detach", connected=False)
    found = graph.none(graph.op("loss", node, twice, connected=False))
    assert (found.kind, found.event and found.event.operation, found.further) == ("no_grad", "step 0", ())
    assert not Walk(graph.flow, []).reaches(hidden)


def test_numbers_that_leave_are_detached_first() -> None:
    graph = Graph()
    bare = graph.op("detach", graph.op("hidden", P), kind="detach", connected=False)
    graph.flow.leave("numpy", bare, ("", 7, ""), "numpy", [0.123, 4.5])
    outside = graph.flow.came_back([4.5])
    loss = graph.op("loss", *outside, X, connected=False)
    found = graph.none(loss)
    assert (found.kind, found.event and found.event.spot) == ("numpy", ("", 7, ""))


def test_numbers_that_left_and_were_computed_with_are_suspected_where_strange_ones_come_in() -> None:
    graph = Graph()
    graph.flow.leave("item", graph.op("hidden", P), ("", 7, ""), "item", [0.123])
    assert graph.flow.came_back([0.246]) == []
    loss = graph.flow.node(connected=False)
    graph.flow.stranger("mul", [loss], ("", 8, ""))
    assert graph.none(loss).kind == "item"


def test_numbers_that_programs_write_themselves_are_not_known_again() -> None:
    graph = Graph()
    graph.flow.leave("item", graph.op("hidden", P), ("", 7, ""), "item", [1.0, 0.5])
    assert graph.flow.came_back([float("1"), float("0.5")]) == []


def test_an_input_that_is_given_no_gradient_is_where_it_is_lost() -> None:
    """A custom function's other input has one."""
    graph = Graph()
    other = graph.flow.node()
    hidden = graph.op("custom", P, other)
    graph.flow.events[-1].stopped = frozenset({P})
    walk = Walk(graph.flow, [graph.op("loss", hidden)])
    assert walk.none(P).kind == "nondifferentiable"
    assert walk.missing([other]) == []


def test_a_walk_that_finds_no_cut_says_nothing() -> None:
    graph = Graph()
    assert graph.none(graph.op("loss", P)) == Found("", None)


def test_connections_may_be_known_of_each_parameter_alone() -> None:
    """As a tape knows them: the output is connected, but not to this parameter."""
    graph = Graph()
    hidden = graph.op("round", P)
    loss = graph.op("loss", hidden)
    found = Walk(graph.flow, [loss]).none(P, lambda node: node not in (hidden, loss))
    assert (found.kind, found.event and found.event.operation) == ("nondifferentiable", "round")


def test_a_missing_path_is_one_that_is_open_behind_the_cut() -> None:
    graph = Graph()
    hidden = graph.op("hidden", P)
    scale = graph.op("scale", hidden, kind="detach", connected=False)
    mask = graph.op(
        "mask", graph.op("bare", hidden, kind="detach", connected=False), kind="comparison", connected=False
    )
    graph.op("log", hidden, kind="detach", connected=False)
    loss = graph.op("loss", hidden, scale, mask)
    ((found, before),) = Walk(graph.flow, [loss]).missing([P])
    assert (found.event and found.event.operation, before) == ("scale", [P])


def test_nothing_is_missing_from_the_loss_of_another_part() -> None:
    """As in an adversarial training: what was made goes to the judge without its history, and again with it."""
    graph = Graph()
    judge = graph.flow.node()
    made = graph.op("made", P)
    own = graph.op("own", made, judge)
    bare = graph.op("bare", made, kind="detach", connected=False)
    others = graph.op("others", bare, judge)
    assert Walk(graph.flow, [own, others]).missing([P, judge]) == []
    ((found, before),) = Walk(graph.flow, [graph.op("sum", own, others)]).missing([P, judge])
    assert (found.event and found.event.operation, before) == ("bare", [P])


def test_what_sets_a_parameter_or_is_a_librarys_is_no_missing_path() -> None:
    for lawful, settles in ((True, False), (False, True)):
        graph = Graph()
        hidden = graph.op("hidden", P)
        bare = graph.op("bare", hidden, kind="detach", connected=False)
        graph.flow.events[-1].lawful, graph.flow.events[-1].settles = lawful, settles
        assert Walk(graph.flow, [graph.op("loss", hidden, bare)]).missing([P]) == []
