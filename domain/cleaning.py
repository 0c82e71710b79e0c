"""From any decoded JSON to a clean order draft and everything that is wrong with its shape."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from pydantic.alias_generators import to_snake

from domain.order import (
    Address,
    CustomerInfo,
    DraftLine,
    Locale,
    OrderDraft,
    Problem,
    ServiceLevel,
    Value,
)
from domain.reading import Fields, as_fields

MAX_LINES = 100
MAX_QUANTITY = 10_000

_PATH_STEP = re.compile(r"([A-Za-z]+)|\[([0-9]+)\]")

# What customers and shops write instead of an ISO 3166 code.
_COUNTRIES = {
    "中国": "CN",
    "中国大陆": "CN",
    "中华人民共和国": "CN",
    "CHINA": "CN",
    "PRC": "CN",
    "CHN": "CN",
    "USA": "US",
    "UNITED STATES": "US",
    "美国": "US",
    "UK": "GB",
    "UNITED KINGDOM": "GB",
    "英国": "GB",
    "日本": "JP",
    "JAPAN": "JP",
    "香港": "HK",
    "HONG KONG": "HK",
}


class CleanedOrder(Value):
    """A draft of an order, and the problems that kept parts of the request out of it.

    A field with a problem is empty in the draft; `draft.items` keeps the request's indices.
    """

    draft: OrderDraft
    problems: tuple[Problem, ...] = ()


def clean_order(body: object) -> CleanedOrder:
    """Clean any decoded JSON into a draft; never raises."""
    problems: list[Problem] = []
    order = as_fields(body, "", problems)
    customer = _customer(order.child("customerInfo"))
    expected = order.amount("expectedTotal")
    if expected is None:
        expected = order.child("pricing").amount("total")
    draft = OrderDraft(
        customer_id=order.text("customerId", 64),
        customer_info=customer,
        items=_items(order),
        currency=order.text("currency", 10, str.upper) or "CNY",
        coupon_code=order.text("couponCode", 40, str.upper),
        payment_method=_payment_method(order),
        expected_total=expected,
        locale=_locale(order.text("locale", 35, str.lower), customer.address.country),
        service_level=_service_level(order),
        special_instructions=order.text("specialInstructions", 500, multiline=True),
    )
    return CleanedOrder(draft=draft, problems=worded_like(body, problems))


def worded_like(body: object, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """`problems` with their camelCase paths respelled as the request spells its fields."""
    if not isinstance(body, dict):
        return tuple(problems)
    words = [str(key) for key in body]
    snake = any("_" in word for word in words) and all(word == word.lower() for word in words)
    return tuple(
        problem.model_copy(update={"field": _respelled(body, problem.field, snake=snake)})
        for problem in problems
    )


def _respelled(body: dict[object, object], path: str, *, snake: bool) -> str:
    """`path` as spelled in `body`; `snake` tells how to spell what is missing there."""
    if path == "expectedTotal" and not {path, "expected_total"} & body.keys():
        path = "pricing.total" if "pricing" in body else path
    node: object = body
    respelled = ""
    for name, index in _PATH_STEP.findall(path):
        if index:
            node = node[int(index)] if isinstance(node, list) and int(index) < len(node) else None
            respelled += f"[{index}]"
            continue
        known = node if isinstance(node, dict) else {}
        word = to_snake(name) if name not in known and (snake or to_snake(name) in known) else name
        node = known.get(word)
        respelled += f".{word}" if respelled else word
    return respelled


def fingerprint(body: object) -> str:
    """The SHA-256 of any decoded JSON, as hex; the order of keys does not matter."""
    digest = hashlib.sha256()
    waiting = [body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            digest.update(b"{%d;" % len(node))
            pairs = sorted(node.items(), key=lambda pair: str(pair[0]), reverse=True)
            waiting.extend(part for key, value in pairs for part in (value, str(key)))
        elif isinstance(node, list | tuple):
            digest.update(b"[%d;" % len(node))
            waiting.extend(reversed(node))
        else:
            digest.update(_token(node))
    return digest.hexdigest()


def _token(scalar: object) -> bytes:
    if isinstance(scalar, str):
        text = scalar.encode("utf-8", "surrogatepass")
        return b"s%d;" % len(text) + text
    # Hexadecimal, because a decimal of thousands of digits is refused by Python.
    spelled = f"{scalar:x}" if isinstance(scalar, int) else str(scalar)
    return f"{type(scalar).__name__}:{spelled};".encode()


def _customer(customer: Fields) -> CustomerInfo:
    address = customer.child("address")
    return CustomerInfo(
        name=customer.text("name", 200, required=True),
        email=customer.text("email", 254, str.lower, required=True),
        phone=customer.text("phone", 40, dialable, required=True),
        address=Address(
            street=address.text("street", 300),
            city=address.text("city", 100),
            district=address.text("district", 100),
            province=address.text("province", 100),
            postal_code=address.text("postalCode", 20, _without_spaces),
            country=address.text("country", 60, _country),
        ),
    )


def _items(order: Fields) -> tuple[DraftLine, ...]:
    raw = order.get("items")
    if raw is None:
        return ()
    if not isinstance(raw, list | tuple):
        order.note("not_a_list", "items", "send a list of lines")
        return ()
    if len(raw) > MAX_LINES:
        order.note("too_many", "items", f"send at most {MAX_LINES} lines; split the order")
    return tuple(
        _line(as_fields(line, f"items[{index}]", order.problems))
        for index, line in enumerate(raw[:MAX_LINES])
    )


def _line(line: Fields) -> DraftLine:
    return DraftLine(
        product_id=line.text("productId", 64, required=True),
        sku=line.text("sku", 64),
        quantity=line.integer("quantity", 1, MAX_QUANTITY),
        unit_price=line.amount("unitPrice"),
    )


def _payment_method(order: Fields) -> str:
    if isinstance(order.get("paymentMethod"), dict):
        return order.child("paymentMethod").text("type", 40, str.lower, required=True)
    return order.text("paymentMethod", 40, str.lower, required=True)


def _service_level(order: Fields) -> ServiceLevel:
    """How fast the order is to leave; a shop that does not say means the usual way."""
    asked = order.text("serviceLevel", 20, str.lower)
    if asked not in {"", "standard", "express"}:
        order.note("unknown_service_level", "serviceLevel", "send standard or express")
    return "express" if asked == "express" else "standard"


def dialable(phone: str) -> str:
    """A number as it is dialed: its digits, and a `+` if it begins with one."""
    wide = unicodedata.normalize("NFKC", phone)
    digits = "".join(str(unicodedata.decimal(sign)) for sign in wide if sign.isdecimal())
    return "+" + digits if digits and wide.lstrip(" (").startswith("+") else digits


def _without_spaces(text: str) -> str:
    return "".join(text.split())


def _country(text: str) -> str:
    upper = text.upper()
    return _COUNTRIES.get(upper, upper)


def _locale(asked: str, country: str) -> Locale:
    if asked:
        return "zh-CN" if asked.startswith("zh") else "en"
    return "zh-CN" if country in {"CN", ""} else "en"
