from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.payment import PaymentState, RefundState
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.payments.alipay_errors import (
    SUCCESS,
    VERDICTS,
    Outcome,
    Verdict,
    http_error,
    refusal,
    verdict_of,
)
from gateways.payments.alipay_objects import (
    PAYMENT_STATES,
    REFUND_STATES,
    Precreated,
    Refund,
    Refunded,
    Trade,
    from_yuan,
    to_china_time,
    to_yuan,
)
from tests.gateways.alipay_wire import NOW

UNKNOWN, REJECTED = OutcomeUnknown, GatewayRejected
AUTH, LIMITED, MISSING = GatewayAuthError, RateLimited, NotFound


@pytest.mark.parametrize(
    ("code", "sub_code", "error"),
    [
        ("20000", "", UNKNOWN),
        ("20000", "isp.unknow-error", UNKNOWN),
        ("20000", "aop.unknow-error", UNKNOWN),
        ("20000", "aop.ACQ.SYSTEM_ERROR", UNKNOWN),
        ("20000", "ACQ.TRADE_NOT_EXIST", UNKNOWN),
        ("20000", "isv.invalid-signature", UNKNOWN),
        ("20001", "", AUTH),
        ("20001", "aop.invalid-auth-token", AUTH),
        ("20001", "aop.invalid-app-auth-token", AUTH),
        ("40001", "", REJECTED),
        ("40001", "isv.missing-method", REJECTED),
        ("40001", "isv.missing-signature", AUTH),
        ("40001", "isv.missing-signature-key", AUTH),
        ("40001", "isv.missing-signature-type", AUTH),
        ("40001", "isv.missing-app-id", AUTH),
        ("40002", "", REJECTED),
        ("40002", "isv.invalid-parameter", REJECTED),
        ("40002", "isv.invalid-signature", AUTH),
        ("40002", "isv.invalid-signature-type", AUTH),
        ("40002", "isv.invalid-app-id", AUTH),
        ("40002", "isv.app-not-exist", AUTH),
        ("40002", "isv.invalid-timestamp", AUTH),
        ("40002", "isv.missing-signature-config", AUTH),
        ("40003", "", AUTH),
        ("40003", "isv.missing-signature-config", AUTH),
        ("40004", "", REJECTED),
        ("40004", "ACQ.SYSTEM_ERROR", UNKNOWN),
        ("40004", "AQC.SYSTEM_ERROR", UNKNOWN),
        ("40004", "aop.ACQ.SYSTEM_ERROR", UNKNOWN),
        ("40004", "ACQ.REFUND_CHARGE_ERROR", UNKNOWN),
        ("40004", "ACQ.TRADE_NOT_EXIST", MISSING),
        ("40004", "ACQ.ACCESS_FORBIDDEN", AUTH),
        ("40004", "ACQ.PARTNER_ERROR", AUTH),
        ("40004", "ACQ.INVALID_PARAMETER", REJECTED),
        ("40004", "ACQ.TOTAL_FEE_EXCEED", REJECTED),
        ("40004", "ACQ.CONTEXT_INCONSISTENT", REJECTED),
        ("40004", "ACQ.TRADE_HAS_SUCCESS", REJECTED),
        ("40004", "ACQ.TRADE_HAS_CLOSE", REJECTED),
        ("40004", "ACQ.TRADE_STATUS_ERROR", REJECTED),
        ("40004", "ACQ.REASON_TRADE_STATUS_INVALID", REJECTED),
        ("40004", "ACQ.REASON_ILLEGAL_STATUS", REJECTED),
        ("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR", REJECTED),
        ("40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", REJECTED),
        ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", REJECTED),
        ("40004", "ACQ.TRADE_HAS_FINISHED", REJECTED),
        ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST", REJECTED),
        ("40004", "ACQ.NEWS_TO_US", REJECTED),
        ("40005", "", LIMITED),
        ("40005", "isv.app-call-limited", LIMITED),
        ("40005", "isv.method-call-limited", LIMITED),
        ("40006", "", AUTH),
        ("40006", "isv.insufficient-isv-permissions", AUTH),
        ("40006", "isv.ip-forbidden", AUTH),
        ("10003", "", UNKNOWN),
        ("50000", "", UNKNOWN),
        ("", "", UNKNOWN),
    ],
)
def test_each_code_means_one_thing(code: str, sub_code: str, error: type[Exception]) -> None:
    meaning = refusal(Outcome(code=code, msg="Business Failed", sub_code=sub_code, sub_msg="因为"))
    assert type(meaning) is error
    assert (sub_code or code) in str(meaning)
    # Of a wrong signature Alipay's words repeat the whole request: they stay out.
    assert ("因为" in str(meaning)) is (error is not AUTH)


def test_each_cell_of_the_table_is_tried_above() -> None:
    (mark,) = test_each_code_means_one_thing.pytestmark  # type: ignore[attr-defined]  # a mark's
    tried = {text for code, sub_code, _ in mark.args[1] for text in (code, sub_code)}
    assert set(VERDICTS) <= tried
    assert SUCCESS not in VERDICTS


def test_a_refusal_carries_alipays_own_code_and_words_and_not_too_many() -> None:
    meaning = refusal(
        Outcome(code="40004", msg="Business Failed", sub_code="ACQ.X", sub_msg="因" * 999)
    )
    assert isinstance(meaning, GatewayRejected)
    assert (meaning.code, meaning.reason) == ("ACQ.X", "因" * 200)
    plain = refusal(Outcome(code="40004", msg="Business Failed"))
    assert isinstance(plain, GatewayRejected)
    assert (plain.code, plain.reason) == ("40004", "Business Failed")


@given(code=st.text(max_size=8), sub_code=st.text(max_size=20))
def test_a_code_that_nobody_knows_is_never_a_refusal(code: str, sub_code: str) -> None:
    if code not in VERDICTS and sub_code not in VERDICTS:
        assert verdict_of(code, sub_code) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (201, UNKNOWN),
        (204, UNKNOWN),
        (302, UNKNOWN),
        (400, UNKNOWN),
        (401, AUTH),
        (403, AUTH),
        (404, UNKNOWN),
        (408, LIMITED),
        (409, UNKNOWN),
        (422, UNKNOWN),
        (425, LIMITED),
        (429, LIMITED),
        (500, UNKNOWN),
        (502, UNKNOWN),
        (503, UNKNOWN),
        (504, UNKNOWN),
    ],
)
def test_a_status_that_alipay_never_answers_with_refuses_no_payment(
    status: int, error: type[Exception]
) -> None:
    meaning = http_error(httpx.Response(status, content=b"secret page"))
    assert type(meaning) is error
    assert str(status) in str(meaning)
    assert "secret" not in str(meaning)


def test_every_documented_trade_status_is_mapped_and_only_two_mean_money() -> None:
    assert dict(PAYMENT_STATES) == {
        "WAIT_BUYER_PAY": PaymentState.PENDING,
        "TRADE_CLOSED": PaymentState.CLOSED,
        "TRADE_SUCCESS": PaymentState.PAID,
        "TRADE_FINISHED": PaymentState.PAID,
    }


def test_every_refund_that_has_an_amount_and_no_other_status_is_done() -> None:
    assert dict(REFUND_STATES) == {
        "": RefundState.SUCCEEDED,
        "REFUND_SUCCESS": RefundState.SUCCEEDED,
    }


@pytest.mark.parametrize(
    ("minor", "yuan"),
    [(1, "0.01"), (10, "0.10"), (100, "1.00"), (8888, "88.88"), (10_000_000_000, "100000000.00")],
)
def test_money_is_written_in_yuan_with_two_decimals(minor: int, yuan: str) -> None:
    money = Money(minor=minor, currency="CNY")
    assert to_yuan(money) == yuan
    assert from_yuan(yuan) == money


@given(minor=st.integers(min_value=0, max_value=99_999_999_999_999))
def test_no_fen_is_lost_in_writing(minor: int) -> None:
    money = Money(minor=minor, currency="CNY")
    assert from_yuan(to_yuan(money)) == money
    assert Decimal(to_yuan(money)) == Decimal(minor) / 100


@pytest.mark.parametrize(
    ("text", "minor"), [("88", 8800), ("88.8", 8880), ("0", 0), ("007.5", 750)]
)
def test_fewer_decimals_are_read_too(text: str, minor: int) -> None:
    assert from_yuan(text).minor == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1.00",
        "1.00\n",
        "-1.00",
        "+1.00",
        "1.005",
        "1.",
        ".5",
        "1e3",
        "1,000.00",
        "NaN",
        "一",
        "１",
        88.88,
        88,
        None,
        True,
        ["1.00"],
    ],
)
def test_what_is_no_amount_in_yuan_is_not_guessed(text: object) -> None:
    with pytest.raises(ValueError, match="yuan"):
        from_yuan(text)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "2026-11-21 18:30:00"),
        (datetime(2026, 12, 31, 16, 0, 59, 999999, tzinfo=UTC), "2027-01-01 00:00:59"),
        (datetime.fromisoformat("2026-06-30T23:30:00-07:00"), "2026-07-01 14:30:00"),
    ],
)
def test_times_are_written_as_chinas(moment: datetime, text: str) -> None:
    assert to_china_time(moment) == text


def test_who_the_buyer_is_has_no_place_in_what_is_read() -> None:
    for model in (Outcome, Precreated, Trade, Refunded, Refund):
        assert not [name for name in model.model_fields if "buyer" in name or "open_id" in name]
        assert model.model_config.get("extra", "ignore") == "ignore"
        assert model.model_config["hide_input_in_errors"]
