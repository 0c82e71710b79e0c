"""PayPal's own SDK drives the simulator: who may ask, and how it has to be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from apimatic_core.exceptions.auth_validation_exception import (  # type: ignore[import-untyped]
    AuthValidationException,
)

from tests.accounts import ACCOUNTS
from tests.sandbox.paypal_kit import Refused, Shop, listed, new_id, shop, shop_sdk


@pytest.fixture(scope="module")
async def paypal() -> AsyncIterator[Shop]:
    async with shop() as running:
        yield running


async def test_a_token_is_for_the_merchant_alone(paypal: Shop) -> None:
    url, form = "/paypal/v1/oauth2/token", {"grant_type": "client_credentials"}
    client, secret = ACCOUNTS["paypal_client_id"], ACCOUNTS["paypal_client_secret"]
    given = await paypal.http.post(url, data=form, auth=(client, secret))
    stranger = await paypal.http.post(url, data=form, auth=(client, "guessed"))
    nobody = await paypal.http.post(url, data=form)
    other = await paypal.http.post(url, data={"grant_type": "password"}, auth=(client, secret))

    token = given.json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 32_400)
    assert token["access_token"]
    assert [a.status_code for a in (given, stranger, nobody, other)] == [200, 401, 401, 400]
    assert stranger.json()["error"] == nobody.json()["error"] == "invalid_client"
    assert other.json()["error"] == "unsupported_grant_type"
    assert "guessed" not in stranger.text


async def test_the_sdk_gets_nowhere_with_another_secret(paypal: Shop) -> None:
    async with shop_sdk(paypal.url, "guessed") as stranger:
        with pytest.raises(AuthValidationException):
            await paypal.call(stranger.orders.get_order, id="X")


async def test_a_call_without_a_living_token_is_refused(paypal: Shop) -> None:
    path = "/paypal/v2/checkout/orders/X"
    without = await paypal.http.get(path)
    unknown = await paypal.http.get(path, headers={"Authorization": "Bearer A21AAunknown"})

    assert (without.status_code, without.json()["name"]) == (401, "AUTHENTICATION_FAILURE")
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_token")
    assert without.headers["paypal-debug-id"] == without.json()["debug_id"]


async def test_a_request_id_is_at_most_108_characters_long(paypal: Shop) -> None:
    assert (await paypal.create(key="k" * 98 + new_id()[:10])).status == 201
    with pytest.raises(Refused) as refused:
        await paypal.create(key="k" * 109)

    assert (refused.value.status, refused.value.issues) == (400, ["INVALID_STRING_LENGTH"])


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        ("10", "USD", "10.00"),
        ("0.5", "CNY", "0.50"),
        ("1000", "JPY", "1000"),
        (".01", "EUR", "0.01"),
    ],
)
async def test_an_amount_has_its_currencys_decimals(
    paypal: Shop, value: str, currency: str, shown: str
) -> None:
    order = await paypal.paid(value, currency)

    assert order.payments()[0]["amount"] == {"currency_code": currency, "value": shown}


@pytest.mark.parametrize(
    ("value", "currency", "status", "issue"),
    [
        ("10.005", "USD", 422, "DECIMAL_PRECISION"),
        ("10.500", "USD", 422, "DECIMAL_PRECISION"),
        ("1000.00", "JPY", 422, "DECIMALS_NOT_SUPPORTED"),
        ("0.00", "USD", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("-1.00", "USD", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("1000000000000000.00", "USD", 422, "MAX_VALUE_EXCEEDED"),
        ("1.00", "XXX", 422, "INVALID_CURRENCY_CODE"),
        ("1e2", "USD", 400, "INVALID_PARAMETER_SYNTAX"),
        ("1,00", "USD", 400, "INVALID_PARAMETER_SYNTAX"),
        (12.5, "USD", 400, "INVALID_PARAMETER_SYNTAX"),
    ],
)
async def test_what_is_no_amount_is_refused(
    paypal: Shop, value: str, currency: str, status: int, issue: str
) -> None:
    with pytest.raises(Refused) as refused:
        await paypal.create(value, currency)

    (detail,) = listed(refused.value.body, "details")
    assert (refused.value.status, refused.value.issues) == (status, [issue])
    assert str(detail["field"]).startswith("/purchase_units/0/amount/")


async def test_all_that_is_wrong_with_a_body_is_listed(paypal: Shop) -> None:
    headers = await paypal.token() | {"PayPal-Request-Id": new_id()}
    path = "/paypal/v2/checkout/orders"
    answer = await paypal.http.post(
        path, headers=headers, json={"purchase_units": [{"custom_id": "c" * 128}]}
    )

    assert (answer.status_code, answer.json()["name"]) == (400, "INVALID_REQUEST")
    assert {(d["field"], d["issue"]) for d in answer.json()["details"]} == {
        ("/intent", "MISSING_REQUIRED_PARAMETER"),
        ("/purchase_units/0/amount", "MISSING_REQUIRED_PARAMETER"),
        ("/purchase_units/0/custom_id", "INVALID_STRING_MAX_LENGTH"),
    }
    for body in (b"{", b"[]", b'"\xff"'):
        broken = await paypal.http.post(
            path, headers=headers | {"Content-Type": "application/json"}, content=body
        )
        assert broken.json()["details"][0]["issue"] == "MALFORMED_REQUEST_JSON"


async def test_a_post_must_say_that_it_is_json(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.does(order, "approve")
    path = f"/paypal/v2/checkout/orders/{order.id}/capture"
    answer = await paypal.http.post(path, headers=await paypal.token())

    assert (answer.status_code, answer.json()["name"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert (await paypal.get(order)).body["status"] == "APPROVED"


async def test_what_does_not_exist_is_not_found(paypal: Shop) -> None:
    orders, payments = paypal.sdk.orders, paypal.sdk.payments
    for call, name in (
        (orders.get_order, "id"),
        (orders.capture_order, "id"),
        (payments.get_captured_payment, "capture_id"),
        (payments.refund_captured_payment, "capture_id"),
        (payments.get_refund, "refund_id"),
    ):
        with pytest.raises(Refused) as missing:
            await paypal.call(call, **{name: "5O190127TN364715T", "body": {}})
        assert (missing.value.status, missing.value.name) == (404, "RESOURCE_NOT_FOUND")
        assert missing.value.issues == ["INVALID_RESOURCE_ID"]
