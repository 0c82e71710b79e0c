from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cleaning import clean_order, fingerprint, worded_like
from domain.order import OrderDraft, Problem

Json = Any  # decoded JSON: whatever a client may send

ORDER: dict[str, Json] = {
    "customerId": " C-1 ",
    "customerInfo": {
        "name": " 李薇 ",
        "email": " Li.Wei@Example.COM ",
        "phone": "+86 (138) 0013-8000",
        "address": {
            "street": " 文三路 90 号 ",
            "city": "杭州市",
            "district": "西湖区",
            "province": "浙江省",
            "postalCode": " 310 012 ",
            "country": "cn",
        },
    },
    "items": [{"productId": " P1 ", "sku": " S-1 ", "quantity": "2", "unitPrice": "88.00"}],
    "couponCode": " welcome10 ",
    "paymentMethod": {"type": "Alipay"},
    "pricing": {"total": 176},
}


def order(**changes: Json) -> dict[str, Json]:
    return {**deepcopy(ORDER), **changes}


def with_line(**changes: Json) -> dict[str, Json]:
    return order(items=[{**ORDER["items"][0], **changes}])


def found(body: Json) -> list[tuple[str, str]]:
    return [(problem.code, problem.field) for problem in clean_order(body).problems]


def snake_cased(node: Json) -> Json:
    if isinstance(node, dict):
        names = {"".join(f"_{c.lower()}" if c.isupper() else c for c in k): k for k in node}
        return {name: snake_cased(node[key]) for name, key in names.items()}
    return [snake_cased(part) for part in node] if isinstance(node, list) else node


# Anything that a JSON decoder gives, with the names of our fields at every level.
NAMES = """
customerId customer_id customerInfo customer_info name email phone address street city district
province postalCode postal_code country items productId sku quantity unitPrice unit_price currency
couponCode paymentMethod type pricing total expectedTotal locale specialInstructions
"""
names = st.sampled_from(NAMES.split())
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=400)
    | st.sampled_from(["\x00", "\ud800", "1e9999999", "-1", "9" * 5000, "＋８６", " ", "\u202e"])
    | st.sampled_from([10**400, -(10**400), 5e-324, -0.0])
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=5), inner),
    max_leaves=40,
)
addresses = st.dictionaries(names, anything, max_size=6)
customers = st.fixed_dictionaries({}, optional={"address": addresses | anything, "name": anything})
lines = st.lists(st.dictionaries(names, scalars, max_size=5) | anything, max_size=4)
bodies: st.SearchStrategy[Json] = anything | st.fixed_dictionaries(
    {},
    optional={
        "customerInfo": customers | anything,
        "items": lines | anything,
        "paymentMethod": anything,
        "pricing": anything,
        "currency": anything,
        "special_instructions": anything,
    },
)


@settings(max_examples=400, deadline=None)
@given(body=bodies)
def test_no_json_makes_cleaning_fail_and_what_comes_out_can_be_stored(body: Json) -> None:
    cleaned = clean_order(body)
    stored = cleaned.draft.model_dump_json(by_alias=True)
    assert OrderDraft.model_validate_json(stored) == cleaned.draft
    assert "\\u0000" not in stored
    assert len(stored) < 10_000
    assert clean_order(body) == cleaned
    assert len(fingerprint(body)) == 64


def test_an_order_is_cleaned_as_the_shop_meant_it() -> None:
    cleaned = clean_order(ORDER)
    draft = cleaned.draft
    assert cleaned.problems == ()
    assert draft.customer_id == "C-1"
    assert draft.customer_info.name == "李薇"
    assert draft.customer_info.email == "li.wei@example.com"
    assert draft.customer_info.phone == "+8613800138000"
    assert draft.customer_info.address.street == "文三路 90 号"
    assert draft.customer_info.address.postal_code == "310012"
    assert draft.customer_info.address.country == "CN"
    assert draft.items[0].product_id == "P1"
    assert draft.items[0].sku == "S-1"
    assert draft.items[0].quantity == 2
    assert draft.items[0].unit_price == Decimal("88.00")
    assert draft.coupon_code == "WELCOME10"
    assert draft.payment_method == "alipay"
    assert draft.expected_total == 176
    assert (draft.currency, draft.locale) == ("CNY", "zh-CN")


def test_snake_case_says_the_same_as_camel_case() -> None:
    assert clean_order(snake_cased(ORDER)) == clean_order(ORDER)


def test_camel_case_wins_where_both_are_given() -> None:
    assert clean_order(order(customer_id="C-2")).draft.customer_id == "C-1"


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    body = order(
        customerInfo={"name": 7, "email": "x" * 300, "address": "here"},
        items=[{"productId": "P1", "quantity": 2.5}, "tea", {"quantity": 0, "unitPrice": "free"}],
        paymentMethod={},
        pricing=[],
        specialInstructions="x" * 501,
    )
    assert sorted(found(body)) == [
        ("invalid_type", "customerInfo.name"),
        ("not_an_amount", "items[2].unitPrice"),
        ("not_an_integer", "items[0].quantity"),
        ("not_an_object", "customerInfo.address"),
        ("not_an_object", "items[1]"),
        ("not_an_object", "pricing"),
        ("out_of_range", "items[2].quantity"),
        ("required", "customerInfo.phone"),
        ("required", "items[2].productId"),
        ("required", "paymentMethod.type"),
        ("too_long", "customerInfo.email"),
        ("too_long", "specialInstructions"),
    ]


def test_paths_are_spelled_as_the_request_spells_them() -> None:
    body = {"customer_info": {"email": 1}, "items": [{"product_id": [], "unit_price": "x"}]}
    assert set(found(body)) == {
        ("required", "customer_info.name"),
        ("invalid_type", "customer_info.email"),
        ("required", "customer_info.phone"),
        ("invalid_type", "items[0].product_id"),
        ("required", "items[0].quantity"),
        ("not_an_amount", "items[0].unit_price"),
        ("required", "payment_method"),
    }


def test_the_total_is_named_where_the_client_gave_it() -> None:
    problem = Problem(code="total_mismatch", field="expectedTotal", message="")
    orders: list[Json] = [
        {"pricing": {}},
        {"expected_total": 1},
        {"expectedTotal": 1, "pricing": {}},
    ]
    assert [worded_like(body, [problem])[0].field for body in orders] == [
        "pricing.total",
        "expected_total",
        "expectedTotal",
    ]


@pytest.mark.parametrize("body", [None, [], "order", 7, float("nan"), True])
def test_a_body_that_is_no_object_is_one_problem(body: Json) -> None:
    assert found(body) == [("not_an_object", "")]


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        (True, "not_an_integer"), ("2abc", "not_an_integer"), (float("inf"), "not_an_integer"),
        ([], "not_an_integer"), ("9" * 5000, "not_an_integer"), (None, "required"),
        ("", "required"), (0, "out_of_range"), (-1, "out_of_range"), (10_001, "out_of_range"),
        (10**400, "out_of_range"),
    ],
)  # fmt: skip
def test_a_quantity_is_a_whole_number_from_1_to_10000(quantity: Json, code: str) -> None:
    assert found(with_line(quantity=quantity)) == [(code, "items[0].quantity")]


@pytest.mark.parametrize("quantity", [3, 3.0, "3", " 3 ", "+3"])
def test_a_quantity_may_be_written_in_several_ways(quantity: Json) -> None:
    assert clean_order(with_line(quantity=quantity)).draft.items[0].quantity == 3


@pytest.mark.parametrize(
    ("price", "amount"),
    [("19.90", "19.90"), (19.9, "19.9"), (20, "20"), (" 5 ", "5"), (0.1 + 0.2, str(0.1 + 0.2))],
)
def test_a_price_is_taken_exactly_as_written(price: Json, amount: str) -> None:
    assert clean_order(with_line(unitPrice=price)).draft.items[0].unit_price == Decimal(amount)


@pytest.mark.parametrize(
    ("price", "code"),
    [
        (True, "not_an_amount"), ("1,000.00", "not_an_amount"), ("1e3", "not_an_amount"),
        (float("nan"), "not_an_amount"), ({}, "not_an_amount"), (-0.01, "out_of_range"),
        ("-1", "out_of_range"), (1e300, "out_of_range"), (10**400, "out_of_range"),
        (-(10**400), "out_of_range"),
    ],
)  # fmt: skip
def test_a_price_that_is_no_amount_is_refused(price: Json, code: str) -> None:
    assert found(with_line(unitPrice=price)) == [(code, "items[0].unitPrice")]


def test_a_missing_price_is_no_problem() -> None:
    cleaned = clean_order(with_line(unitPrice=None))
    assert cleaned.problems == ()
    assert cleaned.draft.items[0].unit_price is None


def test_more_than_100_lines_are_too_many_and_the_rest_is_not_read() -> None:
    cleaned = clean_order(order(items=ORDER["items"] * 101))
    assert [problem.code for problem in cleaned.problems] == ["too_many"]
    assert len(cleaned.draft.items) == 100


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("a\x00b", "ab"), ("\u202eexe.tac", "exe.tac"), ("x\r\nBcc: y", "x  Bcc: y"),
        ("\ud800z", "z"), ("\u3000李薇\u3000", "李薇"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
    ],
)  # fmt: skip
def test_characters_that_deceive_or_cannot_be_stored_are_dropped(dirty: str, clean: str) -> None:
    customer = {**ORDER["customerInfo"], "name": dirty}
    assert clean_order(order(customerInfo=customer)).draft.customer_info.name == clean


def test_instructions_keep_their_line_breaks() -> None:
    draft = clean_order(order(specialInstructions=" ring twice\nthen wait\x07 ")).draft
    assert draft.special_instructions == "ring twice\nthen wait"


@pytest.mark.parametrize(
    ("phone", "clean"),
    [("138-0013-8000", "13800138000"), ("（+86）138 0013 8000", "+8613800138000"),
     ("＋８６１３８００１３８０００", "+8613800138000"), ("1+1", "11")],
)  # fmt: skip
def test_a_phone_number_keeps_its_digits_and_a_leading_plus(phone: str, clean: str) -> None:
    customer = {**ORDER["customerInfo"], "phone": phone}
    assert clean_order(order(customerInfo=customer)).draft.customer_info.phone == clean


@pytest.mark.parametrize(
    ("asked", "country", "locale"),
    [
        (None, "CN", "zh-CN"), (None, "中国", "zh-CN"), (None, "US", "en"),
        ("zh_TW", "US", "zh-CN"),
        ("en-GB", "CN", "en"), ("fr", "FR", "en"),
    ],
)  # fmt: skip
def test_the_language_is_asked_for_or_the_countrys(asked: Json, country: str, locale: str) -> None:
    address = {**ORDER["customerInfo"]["address"], "country": country}
    customer = {**ORDER["customerInfo"], "address": address}
    assert clean_order(order(customerInfo=customer, locale=asked)).draft.locale == locale


def test_a_fingerprint_ignores_the_order_of_keys_and_nothing_else() -> None:
    shuffled = dict(reversed(ORDER.items()))
    assert fingerprint(shuffled) == fingerprint(ORDER)
    different: list[Json] = [
        {},
        [],
        "",
        None,
        0,
        False,
        "0",
        [[]],
        [{}],
        {"": None},
        [1, 2],
        [2, 1],
        ["1", 2],
    ]
    assert len({fingerprint(body) for body in different}) == len(different)


def test_a_fingerprint_survives_deep_nesting() -> None:
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    assert fingerprint(deep) != fingerprint(deep[0])
    while deep:  # taken apart by hand: freeing it at once would recurse
        deep = deep.pop()


def test_a_fingerprint_is_the_same_tomorrow() -> None:
    body = json.loads('{"b": [1, 2.5, null, true], "a": "李"}')
    assert fingerprint(body) == "8324b810d103a1e00aa325575c8a38e93fe5fe60e2822d2e2751146ae56f0b42"
