from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cleaning import clean_order
from domain.money import Money
from domain.order import DraftLine, OrderDraft, Problem
from domain.pricing import Coupon, PricingRules, TaxRates
from domain.validation import ContactVerdict, Facts, ProductFact, Verdict, validate

Json = Any  # decoded JSON: whatever a client may send


def product(number: int, price: str, currency: str = "CNY", **changes: Json) -> ProductFact:
    known = {
        "product_id": f"P{number}",
        "sku": f"S-{number}",
        "name": f"tea {number}",
        "price": Money.of(price, currency),
        "max_per_order": 5,
    }
    return ProductFact.model_validate({**known, **changes})


PRODUCTS = [
    product(1, "88.00"),
    product(2, "12.50"),
    product(3, "5.00", active=False),
    product(4, "5.00", status="discontinued"),
    product(5, "9.00", currency="USD"),
    product(6, "0.00"),
]
FACTS = Facts(
    products={fact.product_id: fact for fact in PRODUCTS},
    contact=ContactVerdict(email_ok=True, phone_e164="+8613800138000"),
    gateways_available=frozenset({"stripe"}),
)
LINE = {"productId": "P1", "sku": "S-1", "quantity": 1, "unitPrice": "88.00"}
CUSTOMER: dict[str, Json] = {
    "name": "李薇",
    "email": "li.wei@example.com",
    "phone": "13800138000",
    "address": {"street": "文三路 90 号", "city": "杭州市", "country": "CN"},
}
ORDER: dict[str, Json] = {"customerInfo": CUSTOMER, "items": [LINE], "paymentMethod": "stripe"}


def judge(facts: Facts = FACTS, **changes: Json) -> Verdict:
    cleaned = clean_order({**ORDER, **changes})
    return validate(cleaned.draft, cleaned.problems, facts)


def judge_line(**changes: Json) -> Verdict:
    return judge(items=[{**LINE, **changes}])


def knowing(**changes: Json) -> Facts:
    return FACTS.model_copy(update=changes)


def said(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    return [(problem.code, problem.field) for problem in problems]


def test_a_good_order_is_accepted_with_our_lines_and_prices() -> None:
    verdict = judge(items=[LINE, {"productId": "P2", "quantity": 2}])
    assert verdict.accepted
    assert verdict.warnings == ()
    assert [(line.line_no, line.sku, line.quantity) for line in verdict.lines] == [
        (1, "S-1", 1),
        (2, "S-2", 2),
    ]
    assert verdict.lines[1].total_price == Money.of("25.00", "CNY")
    assert verdict.pricing is not None
    assert verdict.pricing.total == Money.of("113.00", "CNY")
    assert (verdict.phone, verdict.gateway) == ("+8613800138000", "stripe")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ({"productId": "P99"}, ("product_not_found", "items[0].productId")),
        ({"productId": "P3"}, ("product_not_sellable", "items[0].productId")),
        ({"productId": "P4"}, ("product_not_sellable", "items[0].productId")),
        ({"sku": "S-2"}, ("sku_mismatch", "items[0].sku")),
        ({"unitPrice": "87.98"}, ("price_mismatch", "items[0].unitPrice")),
        ({"unitPrice": "88.02"}, ("price_mismatch", "items[0].unitPrice")),
        ({"unitPrice": 0}, ("price_mismatch", "items[0].unitPrice")),
    ],
)
def test_a_line_that_we_cannot_sell_is_refused(line: Json, error: tuple[str, str]) -> None:
    verdict = judge_line(**line)
    assert said(verdict.errors) == [error]
    assert (verdict.lines, verdict.pricing) == ((), None)


@pytest.mark.parametrize("price", ["87.99", "88.01", 88, None])
def test_a_price_within_a_fen_or_none_at_all_is_fine(price: Json) -> None:
    verdict = judge_line(unitPrice=price)
    assert verdict.accepted
    assert verdict.lines[0].unit_price == Money.of("88.00", "CNY")


@pytest.mark.parametrize("items", [[], None])
def test_an_order_without_lines_is_refused(items: Json) -> None:
    assert said(judge(items=items).errors) == [("order_empty", "items")]


def test_more_than_the_limit_per_order_is_a_warning() -> None:
    verdict = judge_line(quantity=6)
    assert verdict.accepted
    assert said(verdict.warnings) == [("quantity_limit_exceeded", "items[0].quantity")]


def test_lines_of_one_sku_are_merged_with_a_warning_and_share_the_limit() -> None:
    verdict = judge(items=[{**LINE, "quantity": 3}, {**LINE, "quantity": 4, "sku": ""}])
    assert [(line.sku, line.quantity) for line in verdict.lines] == [("S-1", 7)]
    assert verdict.lines[0].total_price == Money.of("616.00", "CNY")
    assert said(verdict.warnings) == [
        ("lines_merged", "items[1]"),
        ("quantity_limit_exceeded", "items[0].quantity"),
    ]


@pytest.mark.parametrize(
    ("contact", "error"),
    [
        ({"email_ok": False}, ("email_invalid", "customerInfo.email")),
        ({"phone_e164": ""}, ("phone_invalid", "customerInfo.phone")),
    ],
)
def test_a_customer_whom_we_cannot_reach_is_refused(contact: Json, error: tuple[str, str]) -> None:
    facts = knowing(contact=FACTS.contact.model_copy(update=contact))
    assert said(judge(facts).errors) == [error]


def test_a_blacklisted_customer_is_told_that_the_account_is_restricted() -> None:
    verdict = judge(knowing(blacklisted=True))
    assert said(verdict.errors) == [("customer_restricted", "customerInfo.email")]
    assert verdict.errors[0].message.startswith("customer account is restricted")


def test_an_address_is_refused_for_what_is_missing_and_not_for_its_spelling() -> None:
    unknown = Problem(code="address_needs_review", field="customerInfo.address.city", message="")
    missing = Problem(code="required", field="customerInfo.address.province", message="")
    found = FACTS.contact.model_copy(update={"address_problems": (unknown, missing)})
    verdict = judge(knowing(contact=found))
    assert verdict.errors == (missing,)
    assert verdict.warnings == (unknown,)


def test_a_parcel_needs_a_street_and_a_country() -> None:
    customer = {**CUSTOMER, "address": {}}
    assert said(judge(customerInfo=customer).errors) == [
        ("required", "customerInfo.address.country"),
        ("required", "customerInfo.address.street"),
    ]


@pytest.mark.parametrize(
    ("currency", "items", "code"),
    [
        ("XXX", [LINE], "currency_unknown"),
        ("USD", [LINE], "currency_mismatch"),
        ("CNY", [LINE, {"productId": "P5", "quantity": 1}], "currency_mismatch"),
        ("USD", [{"productId": "P5", "quantity": 1}], "currency_unavailable"),
    ],
)
def test_an_order_is_in_the_currency_of_its_products(currency: str, items: Json, code: str) -> None:
    assert said(judge(currency=currency, items=items).errors) == [(code, "currency")]


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("cash", "payment_method_unknown"),
        ("alipay", "payment_method_unavailable"),
        ({"type": "PayPal"}, "payment_method_unavailable"),
    ],
)
def test_a_payment_method_is_one_that_the_shop_has(method: Json, code: str) -> None:
    verdict = judge(paymentMethod=method)
    assert said(verdict.errors) == [(code, "paymentMethod")]
    assert "choose one of: stripe" in verdict.errors[0].message


def test_a_coupon_takes_its_discount_off() -> None:
    coupon = Coupon(code="TEN", percent=10, minimum_subtotal=Money.of(88, "CNY"))
    verdict = judge(knowing(coupon=coupon), couponCode="ten")
    assert verdict.pricing is not None
    assert verdict.pricing.discount == Money.of("8.80", "CNY")


@pytest.mark.parametrize(
    ("coupon", "code"),
    [
        (None, "coupon_unknown"),
        (Coupon(code="TEN", percent=10, active=False), "coupon_inactive"),
        (
            Coupon(code="TEN", percent=10, minimum_subtotal=Money.of("88.01", "CNY")),
            "coupon_minimum_not_reached",
        ),
    ],
)
def test_a_coupon_that_does_not_count_is_refused(coupon: Coupon | None, code: str) -> None:
    # A total that fits neither price: the coupon alone is the customer's news.
    verdict = judge(knowing(coupon=coupon), couponCode="TEN", expectedTotal="1.00")
    assert said(verdict.errors) == [(code, "couponCode")]


def test_a_coupon_that_nobody_asked_for_takes_nothing_off() -> None:
    verdict = judge(knowing(coupon=Coupon(code="TEN", percent=10)))
    assert verdict.pricing is not None
    assert verdict.pricing.discount == Money.zero("CNY")


@pytest.mark.parametrize(
    ("expected", "accepted"),
    [("98.00", True), (98, True), (97.99999999999999, True), ("98.01", False), ("88.00", False)],
)
def test_the_total_is_ours_and_the_clients_must_be_the_same(
    expected: Json, *, accepted: bool
) -> None:
    verdict = judge(pricing={"total": expected})
    errors = [] if accepted else [("total_mismatch", "expectedTotal")]
    assert said(verdict.errors) == errors


def test_a_wrong_line_does_not_cost_a_second_error_about_the_total_or_the_minimum() -> None:
    coupon = Coupon(code="BIG", percent=10, minimum_subtotal=Money.of(500, "CNY"))
    verdict = judge(
        knowing(coupon=coupon), items=[{**LINE, "sku": "X"}], couponCode="BIG", expectedTotal=1
    )
    assert said(verdict.errors) == [("sku_mismatch", "items[0].sku")]


def test_an_order_that_costs_nothing_cannot_be_paid() -> None:
    verdict = judge(items=[{"productId": "P6", "quantity": 1}])
    assert said(verdict.errors) == [("nothing_to_pay", "items")]


def test_the_shops_own_rules_replace_the_defaults() -> None:
    cleaned = clean_order(ORDER)
    rules = PricingRules(taxes=TaxRates(percent={"CN": Decimal(5)}))
    verdict = validate(cleaned.draft, cleaned.problems, FACTS, rules)
    assert verdict.pricing is not None
    assert verdict.pricing.tax == Money.of("4.40", "CNY")


def test_everything_that_is_wrong_is_said_in_one_go() -> None:
    contact = ContactVerdict(
        email_ok=False,
        address_problems=(
            Problem(code="required", field="customerInfo.address.province", message=""),
        ),
    )
    facts = knowing(contact=contact, blacklisted=True)
    verdict = judge(
        facts,
        customerInfo={"email": "x", "phone": "1", "address": {"country": "CN"}},
        items=[{"productId": "P99", "quantity": 1}, {**LINE, "sku": "X", "quantity": "many"}],
        paymentMethod="cash",
        couponCode="NOPE",
        currency="XXX",
        specialInstructions="x" * 501,
    )
    assert sorted(said(verdict.errors)) == [
        ("coupon_unknown", "couponCode"),
        ("currency_unknown", "currency"),
        ("customer_restricted", "customerInfo.email"),
        ("email_invalid", "customerInfo.email"),
        ("not_an_integer", "items[1].quantity"),
        ("payment_method_unknown", "paymentMethod"),
        ("phone_invalid", "customerInfo.phone"),
        ("product_not_found", "items[0].productId"),
        ("required", "customerInfo.address.province"),
        ("required", "customerInfo.address.street"),
        ("required", "customerInfo.name"),
        ("sku_mismatch", "items[1].sku"),
        ("too_long", "specialInstructions"),
    ]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"customerInfo": "me"}, [("not_an_object", "customerInfo")]),
        ({"customer_info": []}, [("not_an_object", "customer_info")]),
        ({"items": "tea"}, [("not_a_list", "items")]),
        ({"items": [LINE, 7]}, [("not_an_object", "items[1]")]),
        ({"items": [{"productId": 7, "quantity": 1}]}, [("invalid_type", "items[0].productId")]),
        ({"paymentMethod": 7}, [("invalid_type", "paymentMethod")]),
        ({"paymentMethod": {}}, [("required", "paymentMethod.type")]),
        ({"items": [LINE] * 101}, [("too_many", "items")]),
        ({"items": [{**LINE, "quantity": 0}]}, [("out_of_range", "items[0].quantity")]),
    ],
)
def test_a_field_of_the_wrong_shape_is_reported_once(
    body: Json, errors: list[tuple[str, str]]
) -> None:
    order = {key: value for key, value in ORDER.items() if key != "customerInfo"}
    customer = {} if "customer_info" in body else {"customerInfo": CUSTOMER}
    cleaned = clean_order({**order, **customer, **body})
    assert said(validate(cleaned.draft, cleaned.problems, FACTS).errors) == errors


def test_a_body_that_is_no_object_is_one_error() -> None:
    cleaned = clean_order([ORDER])
    facts = knowing(contact=ContactVerdict(email_ok=False), products={})
    errors = validate(cleaned.draft, cleaned.problems, facts).errors
    assert said(errors) == [("not_an_object", "")]


amounts = st.none() | st.decimals(allow_nan=False, allow_infinity=False)
drafts = st.builds(
    OrderDraft,
    items=st.lists(
        st.builds(
            DraftLine,
            productId=st.sampled_from(["P1", "P2", "P5", "P6", "P99", ""]),
            sku=st.sampled_from(["", "S-1", "X"]),
            quantity=st.integers(min_value=-2, max_value=2**62),
            unitPrice=amounts,
        ),
        max_size=4,
    ).map(tuple),
    currency=st.sampled_from(["CNY", "USD", "JPY", "XXX", ""]),
    expectedTotal=amounts,
    paymentMethod=st.sampled_from(["stripe", "alipay", "cash", ""]),
    couponCode=st.sampled_from(["", "TEN"]),
)


@given(draft=drafts)
def test_no_draft_makes_the_judgement_fail(draft: OrderDraft) -> None:
    verdict = validate(draft, (), FACTS)
    assert not verdict.accepted
    assert len(set(said(verdict.errors))) == len(verdict.errors)


@given(draft=drafts)
def test_no_order_of_a_reachable_customer_makes_the_judgement_fail(draft: OrderDraft) -> None:
    customer = clean_order(ORDER).draft.customer_info
    verdict = validate(
        draft.model_copy(update={"customer_info": customer}),
        (),
        knowing(coupon=Coupon(code="TEN", percent=10)),
    )
    assert verdict.accepted == (verdict.pricing is not None) == bool(verdict.lines)
