"""Why a text is not an expression: the mistakes people make, found before Python's parser sees the text.

Python's own messages ("invalid decimal literal") do not help someone who typed ``2x``; its limits on nesting and on
digits differ between versions. So the usual mistakes and all sizes are looked at here first.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator

from gradtool.problem import Problem
from gradtool.target import written
from gradtool.target.operations import ALIASES, OPERATIONS, operation

__all__ = ["mistakes", "python_says", "suggestion", "unknown_function"]

MAX_NESTING = 100
MAX_DIGITS = 400

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d²³][^\W²³]*)"
    r"|(?P<op>\*\*|//|<=|>=|==|!=|&&|\|\||.)",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"(\*\*|//|[<>=!]=|[-+*/%<>,@]|\b(and|or|not))$")
_WORDS = {"and", "or", "not"}
_OPTIONS = {*written.ALIASES, *(name for row in OPERATIONS.values() for name in row.options)}
_PYTHON = {
    "lambda": "write the body alone: its free names are the variables",
    "for": "write the terms out",
    "if": "write where(condition, a, b)",
    "else": "write where(condition, a, b)",
    **dict.fromkeys(("import", "in", "is", "await", "yield", "async", "def", "class", "return"), "write a formula"),
    **dict.fromkeys(("True", "False", "None"), "write numbers as 3, 0.5 or 1e-3"),
}
_SYMBOLS = {
    "^": ("^ is not a power here", "a power is written **: x**2"),
    "=": ("= does not belong in an expression", "give the point with --at x=3; compare with == inside where()"),
    "!": ("! does not belong in an expression", "n! is exp(lgamma(n + 1))"),
    "|": ("| does not belong in an expression", "a magnitude is written abs(x); conditions are joined with or"),
    "||": ("|| does not belong in an expression", "conditions are joined with or"),
    "&": ("& does not belong in an expression", "conditions are joined with and"),
    "&&": ("&& does not belong in an expression", "conditions are joined with and"),
    "~": ("~ does not belong in an expression", "a condition is negated with not"),
    "'": ("text in quotes does not belong in an expression", "write the expression itself"),
    '"': ("text in quotes does not belong in an expression", "write the expression itself"),
    "{": ("braces do not belong in an expression", "group with round parentheses"),
    "}": ("braces do not belong in an expression", "group with round parentheses"),
    ";": ("; does not belong in an expression", "check one expression at a time, or give several with -"),
    ":": (": does not belong in an expression", "write the formula alone"),
    "#": ("# does not belong in an expression", "write the formula alone"),
    "\\": ("a backslash does not belong in an expression", "write the formula alone"),
    "×": ("× is not an operator here", "write *"),
    "·": ("· is not an operator here", "write *"),
    "÷": ("÷ is not an operator here", "write /"),
    "−": ("this minus sign is a typographic one", "write the plain -"),
    "²": ("² is not an operator here", "write **2"),
    "³": ("³ is not an operator here", "write **3"),
    "√": ("√ is not an operator here", "write sqrt(x)"),
    "π": ("π is not a name here", "write pi"),
    "∞": ("∞ is not a name here", "write inf"),
}


def mistakes(text: str, max_length: int) -> list[Problem]:
    """The usual mistakes in ``text``, each with its place and its remedy; empty if none is seen."""
    if not text.strip():
        return [Problem("empty", "the expression is empty", hint='write one, as in "x**2 + 2*x + 1"')]
    if len(text) > max_length:
        why = f"it has {len(text)} characters; the limit is {max_length}"
        return [Problem("too-long", "the expression is too long", why=why, hint="split it")]
    tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup != "space"]
    return _symbols(text, tokens) or _brackets(text, tokens) or _neighbours(text, tokens)


def _symbols(text: str, tokens: list[re.Match[str]]) -> list[Problem]:
    found = []
    for match, before, bracket in _in_brackets(tokens):
        token, span = match.group(), match.span()
        if _is_written_out(token, before, bracket):
            continue
        if said := _SYMBOLS.get(token):
            found.append(Problem("symbol", said[0], text, span, hint=said[1]))
        elif match.lastgroup == "op" and not (token.isascii() and token.isprintable() and match["op"] not in "$?`"):
            hint = "gradtool ops lists what an expression may hold"
            shown = token if token.isprintable() else f"the character {token!a}"
            found.append(Problem("symbol", f"{shown} has no meaning in an expression", text, span, hint=hint))
        elif match.lastgroup == "name" and token in _PYTHON:
            message = f"Python's {token} does not belong in an expression"
            found.append(Problem("outside", message, text, span, hint=_PYTHON[token]))
        elif match.lastgroup == "number" and sum(map(str.isdigit, token)) > MAX_DIGITS:
            message = f"this number has more than {MAX_DIGITS} digits"
            found.append(Problem("number-size", message, text, span, hint="17 digits name every float64"))
    return list({problem.message: problem for problem in reversed(found)}.values())[::-1][:5]


def _in_brackets(tokens: list[re.Match[str]]) -> Iterator[tuple[re.Match[str], str, str]]:
    """Each token, the one before it, and the innermost bracket that it stands in, ``(`` with the name before it."""
    opened, before = [""], ""
    for match in tokens:
        yield match, before, opened[-1]
        text = match.group()
        if text in ("(", "["):
            opened.append(before + text if text == "(" else text)
        elif text in (")", "]") and len(opened) > 1:
            opened.pop()
        before = text


def _is_written_out(word: str, before: str, bracket: str) -> bool:
    """Whether the word belongs to an index or to an option, where an expression may hold more."""
    if bracket == "[":
        return word in (":", "None")
    if word in {"True", "False", "None"}:
        return before == "="
    called = operation(bracket.removesuffix("("))
    with_options = before in _OPTIONS or (before.isidentifier() and called is not None and called.options)
    return word == "=" and bracket.endswith("(") and bool(with_options)


def _brackets(text: str, tokens: list[re.Match[str]]) -> list[Problem]:
    pairs, opened = {")": "(", "]": "["}, list[re.Match[str]]()
    for match in tokens:
        token = match.group()
        if token in ("(", "["):
            opened.append(match)
            if len(opened) > MAX_NESTING:
                message = f"parentheses are nested more than {MAX_NESTING} deep"
                return [Problem("too-deep", message, text, match.span(), hint="split the expression")]
        elif token in pairs:
            if not opened or opened[-1].group() != pairs[token]:
                message = f"this {token} closes nothing"
                return [Problem("brackets", message, text, match.span(), hint="remove it, or open it earlier")]
            opened.pop()
    if opened:
        message = f"this {opened[-1].group()} is never closed"
        return [Problem("brackets", message, text, opened[-1].span(), hint="close it")]
    return []


def _neighbours(text: str, tokens: list[re.Match[str]]) -> list[Problem]:
    """Two operands side by side: a forgotten ``*`` or forgotten parentheses."""
    found = []
    for place, (left, right) in enumerate(itertools.pairwise(tokens)):
        first, second = left.group(), right.group()
        ends = left.lastgroup == "number" or first in (")", "]") or (left.lastgroup == "name" and first not in _WORDS)
        starts = right.lastgroup in ("name", "number") and second not in _WORDS
        starts = starts or (second == "(" and left.lastgroup != "name")
        after = tokens[place + 2].group() if place + 2 < len(tokens) else ""
        if second == "." and after == "T":
            continue
        if second == "." and ends and left.lastgroup != "number":
            stop = tokens[place + 2].end() if after else right.end()
            hint = "write functions by their plain name, sin(x)"
            found.append(
                Problem("outside", "attributes do not belong in an expression", text, (left.start(), stop), hint=hint)
            )
        elif ends and starts:
            span = (left.start(), right.end())
            if left.lastgroup == "name" and operation(first):
                hint = f"write {first}({second})" if second != "(" else ""
                found.append(Problem("call", f"{first} is called with parentheses", text, span, hint=hint))
            else:
                shown = f"{first}*{second}" if first != ")" and second != "(" else ")*" + second.replace(")", "")
                shown = f"{first}*(...)" if second == "(" and first != ")" else shown
                hint = f"to multiply, write {shown}"
                found.append(Problem("multiply", "an operator is missing here", text, span, hint=hint))
    return found[:5]


def python_says(text: str, error: SyntaxError) -> Problem:
    """Python's own complaint about ``text``, with its place; for whatever the list above does not know."""
    message = (error.msg or "invalid syntax").split(". Perhaps")[0].split(" (<")[0]
    if "parentheses" in message or "stack overflow" in message:
        return Problem("too-deep", "the expression is nested too deep", text, (0, len(text)), hint="split it")
    tail = text.rstrip()
    indent = len(text) - len(text.lstrip())
    at = min(max((error.offset or 1) - 1 + indent, 0), max(len(tail) - 1, 0))
    if match := _UNFINISHED.search(tail):
        hint = f"write what follows the {match.group()}"
        return Problem("syntax", "the expression ends too early", text, match.span(), hint=hint)
    hint = "gradtool ops lists what an expression may hold"
    return Problem("syntax", f"this is not an expression: {message}", text, (at, at + 1), hint=hint)


def suggestion(word: str, known: list[str]) -> str:
    """The known word nearest to ``word``, or an empty string."""
    lowered = {name.lower(): name for name in reversed(known)}
    near = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[near[0]] if near else ""


def unknown_function(text: str, span: tuple[int, int], name: str, call: str) -> Problem:
    """The problem for a call of ``name``, which no row is called."""
    names = [row.name for row in OPERATIONS.values() if not row.operator and not row.hidden] + list(ALIASES)
    near = suggestion(name, names)
    message = f"there is no function called {name}"
    if near:
        return Problem("unknown-function", message, text, (span[0], span[0] + len(name)), hint=f"did you mean {near}?")
    inner = call.partition("(")[2].rstrip(")").strip()
    hint = f"to multiply, write {name}*({inner})" if len(name) <= 2 and inner else "gradtool ops lists the functions"
    return Problem("unknown-function", message, text, (span[0], span[0] + len(name)), hint=hint)
