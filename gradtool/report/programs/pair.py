"""Both programs of a request, told side by side where both fit the width, else one below the other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

from gradtool.evidence import Request
from gradtool.problem import Problem, ProblemError
from gradtool.report.programs import pytorch, tensorflow
from gradtool.terminal import Terminal
from gradtool.values import flat

__all__ = ["MOST_NUMBERS", "TITLES", "markdown", "programs", "write"]

TITLES: Mapping[str, str] = {"torch": "PyTorch", "tensorflow": "TensorFlow"}

MOST_NUMBERS = 1_000
"""A point of more numbers is not written out."""

GAP = 3


def programs(request: Request) -> dict[str, str]:
    """By framework the program that computes and prints what ``request`` asks for, whatever framework it names.

    Raises ProblemError where the point has more than MOST_NUMBERS numbers.
    """
    count = sum(len(flat(value)) for value in request.point.values())
    if count > MOST_NUMBERS:
        told = f"the point has {count} numbers, and a program writes out {MOST_NUMBERS} at most"
        raise ProblemError(Problem("code", told, request.expression, hint="give --code a smaller point"))
    return {"torch": pytorch.program(request), "tensorflow": tensorflow.program(request)}


def write(texts: Mapping[str, str], terminal: Terminal) -> None:
    """Columns on a terminal that is wide enough for both; in a pipe, or below that, one after the other, never cut."""
    shown = {TITLES[name]: _lines(text, terminal) for name, text in texts.items()}
    widths = [max(cell_len(line.plain) for line in (Text(title), *lines)) for title, lines in shown.items()]
    console = terminal.console()
    heading = "bold" if terminal.colour else ""
    if not terminal.stream.isatty() or sum(widths) + GAP * (len(widths) - 1) > terminal.width:
        for place, (title, lines) in enumerate(shown.items()):
            if place:
                console.print()
            console.print(Text(f"# {title}", style=heading), soft_wrap=True)
            for line in lines:
                console.print(line, soft_wrap=True)
        return
    columns = [[Text(title, style=heading), Text("-" * width), *lines]
               for (title, lines), width in zip(shown.items(), widths, strict=True)]  # fmt: skip
    for row in zip_longest(*columns, fillvalue=Text()):
        joined = Text()
        for line, width in zip(row, widths, strict=True):
            joined.append_text(line).append(" " * (width - cell_len(line.plain) + GAP))
        joined.rstrip()
        console.print(joined, soft_wrap=True)


def markdown(texts: Mapping[str, str]) -> str:
    """A heading and a fenced block for each."""
    return "\n".join(f"### {TITLES[name]}\n\n```python\n{text}```\n" for name, text in texts.items())


def _lines(program: str, terminal: Terminal) -> list[Text]:
    """The lines of a program, coloured where there is colour."""
    if not terminal.colour:
        return [Text(line) for line in program.splitlines()]
    from rich.syntax import Syntax  # noqa: PLC0415  # Pygments only where there is colour

    return list(Syntax("", "python", background_color="default").highlight(program.rstrip("\n")).split("\n"))
