"""Markdown and the page for a browser, as their readers see them: everything is there and nothing becomes markup."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from handmade_flow import DEEP, EXPERIMENTS, HEALTHY, HOSTILE, ILL, SETS, VIEWS, told
from markdown_it import MarkdownIt

VOID = {"meta", "br"}


def texts(text: str, tag: str) -> list[str]:
    """What a reader of Markdown sees of each block of a kind, such as every h2 or td."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [
        "".join(part.content for part in token.children or [])
        for before, token in itertools.pairwise(tokens)
        if token.type == "inline" and before.tag == tag
    ]


class Page(HTMLParser):
    """Reads a page, and fails where a tag is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("view", VIEWS)
def test_markdown_tells_what_the_table_tells(name: str, view: str) -> None:
    item = SETS[name]
    report = told(item, "markdown", 40, VIEWS[view], colour=True)
    assert report == told(item, "markdown", 120, VIEWS[view])
    assert "\x1b" not in report
    assert texts(report, "h2") == [item.target]
    assert told(item, "markdown", unicode=False).isascii()
    wide = {word for word in told(item, "table", 2000, VIEWS[view]).split() if re.search(r"\d", word)}
    seen = " ".join(part for tag in ("p", "td", "th", "h2", "h3") for part in texts(report, tag)).split()
    assert {word for word in wide if word not in seen} == set()


def test_markdown_rows_are_those_of_the_table() -> None:
    cells = texts(told(ILL, "markdown"), "td")
    assert cells[:4] == ["data", "nan", "0.5", "1"]
    assert cells[8:12] == ["embed.weight", "30522x64", "1.398", "0.001"]
    assert texts(told(HOSTILE, "markdown"), "td")[0] == "w[i] [/b] :smile: [red]x"
    assert "a|b `c` <script>alert(1)</script>" in texts(told(HOSTILE, "markdown"), "td")
    listed = texts(told(HOSTILE, "markdown"), "p")
    assert any("<b>bold</b> & [link](x) *y*" in text for text in listed)


@pytest.mark.parametrize("name", SETS)
def test_the_page_is_whole_and_loads_nothing(name: str) -> None:
    text = told(SETS[name], "html")
    page = Page(text)
    assert page.tags[0][0] == "html"
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "base", "form"}
        assert (attributes.get("href") or "#").startswith("#")
        assert not {"src", "action", "onclick", "onload"} & set(attributes)
    assert "@import" not in text
    assert "url(" not in text
    assert "http" not in text
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(svg)  # noqa: S314  # our own text
    assert told(SETS[name], "html", unicode=False).isascii()
    assert Page(told(SETS[name], "html", unicode=False)).words == page.words


@pytest.mark.parametrize("name", SETS)
def test_the_page_shows_every_number(name: str) -> None:
    """Each parameter and the profile, whatever the view."""
    report = told(SETS[name], "table", 2000, VIEWS["everything" if name == "healthy" else "plain"])
    if name != "deep":
        seen = " ".join(Page(told(SETS[name], "html")).words).split()
        assert {word for word in report.split() if re.search(r"\d", word) and word not in seen} == set()


def test_the_page_has_every_parameter_and_its_pictures() -> None:
    deep = Page(told(DEEP, "html"))
    assert sum(tag == "tr" for tag, _ in deep.tags) > 1982 + 330
    assert [tag for tag, _ in deep.tags].count("svg") == 1
    assert [tag for tag, _ in Page(told(EXPERIMENTS, "html")).tags].count("svg") == 3
    assert [tag for tag, _ in Page(told(HEALTHY, "html")).tags].count("svg") == 1


def test_names_of_users_are_no_tags() -> None:
    page = Page(told(HOSTILE, "html"))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "b" not in [tag for tag, _ in page.tags]
    assert any("a|b `c` <script>alert(1)</script>" in word for word in page.words)
