"""Facts in, verdict out: every rule for an order, and every problem reported in one go."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import get_args

from domain.facts import ContactVerdict, Facts, Findings, ProductFact, Verdict
from domain.line_rules import accept_lines
from domain.money import EXPONENTS, exponent_of
from domain.order import GatewayName, OrderDraft, OrderLine, Pricing, Problem
from domain.pricing import PricingRules, price_order

__all__ = ["ADVICE", "ContactVerdict", "Facts", "ProductFact", "Verdict", "validate"]

# The codes among `ContactVerdict.address_problems` that warn instead of refusing.
ADVICE = frozenset({"address_needs_review"})

_GATEWAYS: Mapping[str, GatewayName] = {name: name for name in get_args(GatewayName)}
_REQUIRED = "this field is required"


def validate(
    draft: OrderDraft,
    problems: tuple[Problem, ...],
    facts: Facts,
    rules: PricingRules | None = None,
) -> Verdict:
    """Judge a draft; `problems` are those of its cleaning. Bad input never raises.

    Field paths of what is found here are camelCase (`domain.cleaning.worded_like` respells them).
    """
    rules = rules or PricingRules()
    findings = Findings(problems)
    _check_customer(draft, facts, findings)
    _check_address(draft, facts, findings)
    lines = accept_lines(draft, facts.products, findings)
    _check_currency(draft, facts, rules, findings)
    _check_payment_method(draft, facts, findings)
    pricing = _price(draft, lines, facts, rules, findings)
    if findings.errors:
        return Verdict(errors=tuple(findings.errors), warnings=tuple(findings.warnings))
    return Verdict(
        warnings=tuple(findings.warnings),
        lines=lines,
        pricing=pricing,
        phone=facts.contact.phone_e164,
        gateway=_GATEWAYS[draft.payment_method],
    )


def _check_customer(draft: OrderDraft, facts: Facts, findings: Findings) -> None:
    customer = draft.customer_info
    if not customer.name:
        findings.error("required", "customerInfo.name", _REQUIRED)
    if not customer.email:
        findings.error("required", "customerInfo.email", _REQUIRED)
    elif not facts.contact.email_ok:
        findings.error(
            "email_invalid", "customerInfo.email", "this is no e-mail address: check its spelling"
        )
    if not customer.phone:
        findings.error("required", "customerInfo.phone", _REQUIRED)
    elif not facts.contact.phone_e164:
        findings.error(
            "phone_invalid",
            "customerInfo.phone",
            "this is no phone number: check it, and begin with + and the country's code",
        )
    if facts.blacklisted:
        findings.error(
            "customer_restricted",
            "customerInfo.email",
            "customer account is restricted: contact the shop",
        )


def _check_address(draft: OrderDraft, facts: Facts, findings: Findings) -> None:
    address = draft.customer_info.address
    for field, value in (("country", address.country), ("street", address.street)):
        if not value:
            findings.error("required", f"customerInfo.address.{field}", _REQUIRED)
    for problem in facts.contact.address_problems:
        report = findings.warn if problem.code in ADVICE else findings.error
        report(problem.code, problem.field, problem.message)


def _check_currency(
    draft: OrderDraft, facts: Facts, rules: PricingRules, findings: Findings
) -> None:
    if draft.currency not in EXPONENTS:
        known = ", ".join(EXPONENTS)
        findings.error("currency_unknown", "currency", f"send one of {known}")
        return
    asked = (facts.products.get(line.product_id) for line in draft.items)
    foreign = next((item for item in asked if item and item.price.currency != draft.currency), None)
    if foreign:
        findings.error(
            "currency_mismatch",
            "currency",
            f"{foreign.name} is sold in {foreign.price.currency}: order in that currency",
        )
    elif draft.currency != rules.shipping.currency:
        findings.error(
            "currency_unavailable",
            "currency",
            f"we ship orders in {rules.shipping.currency} only: order in that currency",
        )


def _check_payment_method(draft: OrderDraft, facts: Facts, findings: Findings) -> None:
    method = draft.payment_method
    available = ", ".join(sorted(facts.gateways_available)) or "none at the moment"
    if not method:
        findings.error("required", "paymentMethod", f"choose one of: {available}")
    elif method not in _GATEWAYS:
        findings.error(
            "payment_method_unknown",
            "paymentMethod",
            f"there is no payment method {method}: choose one of: {available}",
        )
    elif method not in facts.gateways_available:
        findings.error(
            "payment_method_unavailable",
            "paymentMethod",
            f"{method} is not available in this shop: choose one of: {available}",
        )


def _price(
    draft: OrderDraft,
    lines: tuple[OrderLine, ...],
    facts: Facts,
    rules: PricingRules,
    findings: Findings,
) -> Pricing | None:
    """The price, where the lines allow to know it; a wrong line must not cost a second error."""
    currencies = {line.unit_price.currency for line in lines}
    priceable = currencies == {draft.currency} == {rules.shipping.currency}
    pricing = None
    if priceable:
        country = draft.customer_info.address.country
        coupon = facts.coupon if draft.coupon_code else None
        pricing = price_order(lines, country=country, coupon=coupon, rules=rules)
    coupon_fits = _check_coupon(draft, facts, pricing, findings)
    if pricing and coupon_fits:
        _check_total(draft, pricing, findings)
    return pricing


def _check_coupon(
    draft: OrderDraft, facts: Facts, pricing: Pricing | None, findings: Findings
) -> bool:
    """Whether the coupon, if there is one, counts."""
    coupon = facts.coupon
    if not draft.coupon_code:
        return True
    if coupon is None:
        findings.error(
            "coupon_unknown",
            "couponCode",
            f"there is no coupon {draft.coupon_code}: check it, or leave it out",
        )
    elif not coupon.active:
        findings.error(
            "coupon_inactive",
            "couponCode",
            f"coupon {coupon.code} is no longer valid: leave it out",
        )
    elif pricing and not coupon.reached_by(pricing.subtotal):
        findings.error(
            "coupon_minimum_not_reached",
            "couponCode",
            f"coupon {coupon.code} needs goods of {coupon.minimum_subtotal or coupon.amount}, "
            f"these are {pricing.subtotal}: add to the order, or leave the coupon out",
        )
    else:
        return True
    return False


def _check_total(draft: OrderDraft, pricing: Pricing, findings: Findings) -> None:
    total = pricing.total
    if total.minor == 0:
        findings.error("nothing_to_pay", "items", "an order of 0 cannot be paid: add to it")
    expected = draft.expected_total
    # A client that adds up floats is off by less than half a minor unit.
    half_unit = Decimal(5).scaleb(-exponent_of(total.currency) - 1)
    if expected is not None and abs(expected - total.amount) >= half_unit:
        findings.error(
            "total_mismatch",
            "expectedTotal",
            f"the order costs {total} (shipping {pricing.shipping}, tax {pricing.tax}, "
            f"discount {pricing.discount}): show the customer that total and ask again",
        )
