"""One name for each carrier, whoever speaks of it: the name that AfterShip calls its slug."""

from __future__ import annotations

from collections.abc import Mapping

_ALIASES: Mapping[str, str] = {
    "sf": "sf-express",
    "shunfeng": "sf-express",
    "yuantong": "yto",
    "zto": "zto-express",
    "zhongtong": "zto-express",
    "jd": "jd-express",
    "ems": "china-ems",
}


def canonical_carrier(name: str) -> str:
    """The one name of the carrier called `name`; an unknown carrier keeps its own, tidied."""
    tidy = name.strip().lower().replace("_", "-").replace(" ", "-")
    return _ALIASES.get(tidy, tidy)
