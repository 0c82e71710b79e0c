from __future__ import annotations

import json

import pytest

from domain.payment import CallbackTopic, PaymentState, RefundState
from gateways.errors import GatewayAuthError, GatewayRejected, NotFound, OutcomeUnknown, RateLimited
from gateways.payments.wechat_pay_callbacks import TOPICS
from gateways.payments.wechat_pay_errors import CODES, NUMBER_TAKEN, gateway_error
from gateways.payments.wechat_pay_objects import PAYMENT_STATES, REFUND_STATES

# (status, code, what it means), as the documentation of the five calls lists them.
DOCUMENTED = [
    (401, "SIGN_ERROR", GatewayAuthError),
    (403, "NO_AUTH", GatewayAuthError),
    (403, "NOAUTH", GatewayAuthError),
    (400, "MCH_NOT_EXISTS", GatewayAuthError),
    (404, "MCH_NOT_EXISTS", GatewayAuthError),
    (400, "APPID_MCHID_NOT_MATCH", GatewayAuthError),
    (429, "FREQUENCY_LIMITED", RateLimited),
    (403, "FREQUENCY_LIMITED", RateLimited),
    (429, "FREQUENCY_LIMIT_EXCEED", RateLimited),
    (429, "RATELIMIT_EXCEEDED", RateLimited),
    (500, "SYSTEM_ERROR", OutcomeUnknown),
    (400, "SYSTEM_ERROR", OutcomeUnknown),
    (500, "SYSTEMERROR", OutcomeUnknown),
    (500, "BANK_ERROR", OutcomeUnknown),
    (500, "BANKERROR", OutcomeUnknown),
    (400, "USERPAYING", OutcomeUnknown),
    (404, "ORDER_NOT_EXIST", NotFound),
    (404, "ORDERNOTEXIST", NotFound),
    (404, "RESOURCE_NOT_EXISTS", NotFound),
    (400, "PARAM_ERROR", GatewayRejected),
    (400, "INVALID_REQUEST", GatewayRejected),
    (400, "ORDER_CLOSED", GatewayRejected),
    (400, "ORDERPAID", GatewayRejected),
    (403, "OUT_TRADE_NO_USED", GatewayRejected),
    (403, "TRADE_ERROR", GatewayRejected),
    (403, "RULE_LIMIT", GatewayRejected),
    (403, "RULELIMIT", GatewayRejected),
    (403, "ACCOUNT_ERROR", GatewayRejected),
    (403, "ACCOUNTERROR", GatewayRejected),
    (403, "USER_ACCOUNT_ABNORMAL", GatewayRejected),
    (403, "NOT_ENOUGH", GatewayRejected),
    (403, "NOTENOUGH", GatewayRejected),
]


def _answer(code: object, message: object = "because") -> bytes:
    return json.dumps({"code": code, "message": message}).encode()


@pytest.mark.parametrize(("status", "code", "kind"), DOCUMENTED)
def test_each_documented_code_has_one_meaning(
    status: int, code: str, kind: type[Exception]
) -> None:
    error = gateway_error(status, {}, _answer(code))
    assert type(error) is kind
    assert code in str(error)
    assert "because" in str(error)


def test_every_code_of_the_table_is_tried() -> None:
    assert {code for _, code, _ in DOCUMENTED} == set(CODES)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("status", [302, 500, 502, 503])
def test_a_failure_of_the_servers_is_unknown_whatever_its_code(status: int, code: str) -> None:
    assert type(gateway_error(status, {}, _answer(code))) is OutcomeUnknown


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, GatewayRejected),
        (401, GatewayAuthError),
        (403, GatewayAuthError),
        (404, GatewayRejected),
        (409, GatewayRejected),
        (408, RateLimited),
        (429, RateLimited),
        (500, OutcomeUnknown),
    ],
)
def test_a_code_that_is_not_documented_means_what_its_status_means_but_never_not_found(
    status: int, kind: type[Exception]
) -> None:
    error = gateway_error(status, {}, _answer("SOMETHING_NEW"))
    assert type(error) is kind
    if isinstance(error, GatewayRejected):
        assert error.code == "SOMETHING_NEW"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, OutcomeUnknown),
        (401, GatewayAuthError),
        (403, GatewayAuthError),
        (404, OutcomeUnknown),
        (429, RateLimited),
        (502, OutcomeUnknown),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>proxy</html>",
        b'{"message":"no Route matched with those values"}',
        b"[]",
        b"null",
        _answer(""),
        _answer(7),
        _answer(None),
        _answer("C" * 65),
        b"\xff",
    ],
)
def test_an_error_in_other_words_than_wechats_decides_nothing(
    status: int, kind: type[Exception], body: bytes
) -> None:
    error = gateway_error(status, {}, body)
    assert type(error) is kind
    assert "proxy" not in str(error)


def test_a_long_message_is_cut() -> None:
    assert len(str(gateway_error(400, {}, _answer("PARAM_ERROR", "长" * 5000)))) < 300


def test_only_refusals_can_mean_that_the_number_is_taken() -> None:
    assert {CODES[code] for code in NUMBER_TAKEN} == {GatewayRejected}


def test_every_trade_state_that_wechat_documents_is_mapped() -> None:
    assert {
        "SUCCESS": PaymentState.PAID,
        "REFUND": PaymentState.PAID,
        "NOTPAY": PaymentState.PENDING,
        "CLOSED": PaymentState.CLOSED,
        "REVOKED": PaymentState.CLOSED,
        "USERPAYING": PaymentState.PROCESSING,
        "PAYERROR": PaymentState.FAILED,
    } == PAYMENT_STATES


def test_every_refund_status_that_wechat_documents_is_mapped() -> None:
    assert {
        "PROCESSING": RefundState.PENDING,
        "SUCCESS": RefundState.SUCCEEDED,
        "CLOSED": RefundState.FAILED,
        "ABNORMAL": RefundState.MANUAL,
    } == REFUND_STATES


def test_every_event_that_wechat_documents_has_a_topic() -> None:
    assert {
        "TRANSACTION.SUCCESS": CallbackTopic.PAYMENT,
        "REFUND.SUCCESS": CallbackTopic.REFUND,
        "REFUND.ABNORMAL": CallbackTopic.REFUND,
        "REFUND.CLOSED": CallbackTopic.REFUND,
    } == TOPICS
