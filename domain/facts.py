"""What a judgement on an order needs to know, and the verdict that comes out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domain.money import Money
from domain.order import GatewayName, OrderLine, Pricing, Problem, Value
from domain.pricing import Coupon


class ProductFact(Value):
    """A product as the catalog knows it; only an active and `available` one can be sold."""

    product_id: str
    sku: str
    name: str
    price: Money
    active: bool = True
    status: str = "available"
    max_per_order: int

    @property
    def sellable(self) -> bool:
        """Whether the shop sells it now."""
        return self.active and self.status == "available"


class ContactVerdict(Value):
    """How to reach the customer. `phone_e164` is empty when the number is not valid.

    Of `address_problems`, those with the code `address_needs_review` refuse nothing.
    """

    email_ok: bool
    phone_e164: str = ""
    address_problems: tuple[Problem, ...] = ()


class Facts(Value):
    """Everything that was looked up about one draft; `products` by product id."""

    products: Mapping[str, ProductFact]
    contact: ContactVerdict
    gateways_available: frozenset[str]
    blacklisted: bool = False
    coupon: Coupon | None = None


class Verdict(Value):
    """Accepted when there are no errors; only then is there more than errors and warnings.

    `phone` is E.164. `lines` are numbered from 1.
    """

    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    lines: tuple[OrderLine, ...] = ()
    pricing: Pricing | None = None
    phone: str = ""
    gateway: GatewayName | None = None

    @property
    def accepted(self) -> bool:
        """Whether the order may go ahead."""
        return not self.errors


class Findings:
    """Collects errors and warnings; starts with the structural problems of the request.

    What is said about a field whose structure is already wrong is dropped: it would only repeat.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.errors = list(dict.fromkeys(problems))
        self.warnings: list[Problem] = []
        self._broken: set[str] = set()
        self._spreading: set[str] = set()
        for problem in self.errors:
            path = _camel(problem.field)
            self._broken.update(_lineage(path))
            if problem.code != "too_many":
                self._spreading.add(path)

    def error(self, code: str, field: str, message: str) -> None:
        """Refuse the order because of `field`."""
        self._add(self.errors, code, field, message)

    def warn(self, code: str, field: str, message: str) -> None:
        """Say something about `field` that does not refuse the order."""
        self._add(self.warnings, code, field, message)

    def broken(self, field: str) -> bool:
        """Whether the structure of `field`, of a part of it or of what it is in is wrong."""
        return field in self._broken or not self._spreading.isdisjoint(_lineage(field))

    def _add(self, found: list[Problem], code: str, field: str, message: str) -> None:
        known = any(entry.code == code and entry.field == field for entry in found)
        if not known and not self.broken(field):
            found.append(Problem(code=code, field=field, message=message))


def _lineage(field: str) -> list[str]:
    """`field` and everything that it is in: `items[2].sku`, `items[2]`, `items` and the request."""
    ends = (match.start() for match in re.finditer(r"[.\[]", field))
    return [field, "", *(field[:end] for end in ends)]


def _camel(path: str) -> str:
    head, *tail = path.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)
