"""Personal data on a page that whoever holds its link can read."""

from __future__ import annotations

from domain.order import Address

_HIDDEN = "*"


def masked_name(name: str) -> str:
    """The first letter of a name; of a Chinese one that is the family name."""
    clean = name.strip()
    return clean[:1] + _HIDDEN * 2 if clean else ""


def masked_phone(phone: str) -> str:
    """The last four digits, with the number's beginning where it is a Chinese mobile."""
    digits = "".join(sign for sign in phone if sign.isdigit())
    if len(digits) < 7:
        return _HIDDEN * 4
    mobile = digits.removeprefix("86") if phone.strip().startswith("+86") else ""
    start = mobile[:3] if len(mobile) == 11 and mobile.startswith("1") else ""
    return f"{start}{_HIDDEN * 4}{digits[-4:]}"


def masked_address(address: Address) -> str:
    """Province, city and district: no street, no house."""
    parts = [part.strip() for part in (address.province, address.city, address.district)]
    if address.country == "CN":
        unique = list(dict.fromkeys(part for part in parts if part))
        return f"{''.join(unique)} {_HIDDEN * 4}"
    shown = [part for part in (parts[1], parts[0], address.country) if part]
    return f"{_HIDDEN * 4}, {', '.join(shown)}"
