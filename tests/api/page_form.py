"""The form of a customer's page, read and filled in as a browser does."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from tests.customer_page import Outline, open_page
from tests.house import House, Json

Attributes = dict[str, str | None]


class PageForm(HTMLParser):
    """A page's only form: where it is sent to, and its fields as they are filled in."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.there = False
        self.url = str(answer.url)
        self.fields: dict[str, str] = {}
        self.options: dict[str, list[str]] = {}
        self._list = self._area = ""
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known: Attributes = dict(attrs)
        name, value = known.get("name") or "", known.get("value") or ""
        if tag == "form":
            assert not self.there, "two forms"
            assert known["method"] == "post"
            self.there, self.url = True, urljoin(self.url, known.get("action") or "")
        elif tag == "input" and (known["type"] != "radio" or "checked" in known):
            self.fields[name] = value
        elif tag == "select":
            self._list = name
        elif tag == "option" and self._list:
            self.options.setdefault(self._list, []).append(value)
            if "selected" in known or self._list not in self.fields:
                self.fields[self._list] = value
        elif tag == "textarea":
            self._area, self.fields[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        self._list = "" if tag == "select" else self._list
        self._area = "" if tag == "textarea" else self._area

    def handle_data(self, data: str) -> None:
        if self._area:
            # A line break right behind the tag belongs to the markup.
            kept = self.fields[self._area]
            self.fields[self._area] = kept + data if kept else data.removeprefix("\n")

    async def send(self, http: httpx.AsyncClient, **changes: str) -> httpx.Response:
        """Press the button, with some fields filled in: `line_1` is line 1."""
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        return await http.post(self.url, data={**self.fields, **changed}, timeout=60)


async def form_on(house: House, order: Json, lang: str = "en") -> PageForm:
    answer = await open_page(house, order["orderNumber"], lang=lang)
    assert answer.status_code == 200, answer.text
    return PageForm(answer)


async def returns_of(house: House, order: Json) -> list[Json]:
    found: list[Json] = (await house.call("GET", f"/orders/{order['orderId']}/returns")).json()[
        "returns"
    ]
    return found


def shown(answer: httpx.Response) -> str:
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    return Outline(answer.text).text


def ids(answer: httpx.Response) -> Counter[str]:
    return Counter(found["id"] or "" for _, found in Outline(answer.text).tags if "id" in found)


def policies(answer: httpx.Response) -> set[str]:
    return set(answer.headers["Content-Security-Policy"].split("; "))


async def over(house: House, order: Json) -> None:
    await house.rows_changed(
        "UPDATE shipments SET delivered_at = delivered_at - interval '8 days' WHERE order_id = :id",
        id=order["orderId"],
    )
