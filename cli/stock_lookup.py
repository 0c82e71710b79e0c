"""What the user means: an SKU, a shelf, a count."""

from __future__ import annotations

import difflib

from cli.books import ask_books
from cli.failure import REFUSED, CommandFailed
from cli.whereabouts import Whereabouts
from db import shelves
from db.shelves import Article, Row
from domain.inventory import MovementReason


def find_article(where: Whereabouts, given: str) -> Article:
    """The article that the user means, in any case of letters.

    Raises:
        CommandFailed: there is none; those with a similar name are suggested.
    """
    known = ask_books(where, shelves.articles)
    name = given.strip().upper()
    for article in known:
        if name in {article.sku.upper(), article.product_id.upper()}:
            return article
    alike = [article.sku for article in known if name in article.name_en.upper()][:3]
    alike = alike or difflib.get_close_matches(name, [each.sku for each in known], cutoff=0.4)
    hint = f"did you mean {' or '.join(alike)}?" if alike else "see `stock list`"
    raise CommandFailed(f"there is no SKU {given!r}: {hint}", code=REFUSED)


def find_shelf(where: Whereabouts, article: Article, warehouse: str) -> Row:
    """Where the article is kept: in `warehouse`, or in the first one if none is named.

    Raises:
        CommandFailed: it is not kept there; where it is kept is said.
    """
    levels = ask_books(where, lambda session: shelves.levels(session, sku=article.sku))
    kept = [level["warehouse_id"] for level in levels]
    found = [level for level in levels if warehouse in {"", level["warehouse_id"]}]
    if found:
        return found[0]
    if not kept:
        raise CommandFailed(f"no warehouse has a place for {article.sku!r}", code=REFUSED)
    raise CommandFailed(
        f"{warehouse} has no place for {article.sku!r}: it is kept in {', '.join(kept)}",
        code=REFUSED,
    )


def difference(where: Whereabouts, place: Row, counted: int, reference: str) -> int:
    """How far the count is from the books; of a count that was booked, what it booked."""
    booked = ask_books(
        where,
        lambda session: shelves.movements(
            session,
            sku=place["sku"],
            warehouse=place["warehouse_id"],
            reason=MovementReason.ADJUSTED,
            reference=reference,
            limit=1,
        ),
    )
    if booked:
        return int(booked[0]["delta_available"])
    return int(counted - place["total"])
