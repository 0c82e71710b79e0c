"""How a test reads a mail: as its reader sees it."""

from __future__ import annotations

from html.parser import HTMLParser

from domain.notification import OrderLetter
from gateways.messaging.letters import render_email


class Tags(HTMLParser):
    """Checks that every element is closed in turn, and collects what a reader sees."""

    VOID = frozenset({"meta", "br", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.seen: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.seen.append(data)


def read(html: str) -> Tags:
    page = Tags()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


def both(letter: OrderLetter) -> tuple[str, str]:
    """The two parts of a mail as a reader sees them."""
    mail = render_email(letter)
    return mail.text, " ".join(" ".join(read(mail.html).seen).split())
