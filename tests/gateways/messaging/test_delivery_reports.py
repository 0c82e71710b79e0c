"""Reports of what became of messages: whom we believe, and what each of them says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from domain.notification import Channel, Receipt, ReceiptStatus
from gateways.errors import InvalidCallback
from gateways.messaging.aliyun_receipts import AliyunReceipts
from gateways.messaging.twilio_receipts import TwilioReceipts, sign

SID, TOKEN = "AC1", "12345"
URL = "https://orders.example.com/callbacks/messages/twilio?n=N1"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
S = ReceiptStatus


def form(status: str = "delivered", **more: str) -> dict[str, str]:
    return {"AccountSid": SID, "MessageSid": "SM1", "MessageStatus": status, **more}


def read(
    facts: dict[str, str], *, token: str = TOKEN, url: str = URL, signed: str = URL
) -> tuple[Receipt, ...]:
    body = urlencode(facts).encode()
    headers = {"x-twilio-signature": sign(signed, list(facts.items()), token)}
    return TwilioReceipts(SID, TOKEN).read(url, headers, body, NOW)


def test_the_signature_is_that_of_twilios_example() -> None:
    """The worked example of Twilio's page on validating requests."""
    facts = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign(url, list(facts.items()), "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_a_delivered_message() -> None:
    (receipt,) = read(form())
    assert receipt == Receipt(
        channel=Channel.SMS,
        provider="twilio",
        message_id="SM1",
        notification_id="N1",
        status=S.DELIVERED,
        at=NOW,
    )


@pytest.mark.parametrize(
    ("status", "code", "told", "bad"),
    [
        ("sent", "", S.SENT, False),
        ("read", "", S.DELIVERED, False),
        ("undelivered", "30003", S.UNDELIVERED, False),
        ("undelivered", "30005", S.UNDELIVERED, True),
        ("undelivered", "30006", S.UNDELIVERED, True),
        ("failed", "30007", S.UNDELIVERED, False),
        ("failed", "21610", S.UNDELIVERED, True),
    ],
)
def test_what_each_status_says(status: str, code: str, told: ReceiptStatus, *, bad: bool) -> None:
    (receipt,) = read(form(status, ErrorCode=code))
    assert (receipt.status, receipt.code, receipt.bad_address) == (told, code, bad)


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "scheduled"])
def test_a_status_on_the_way_says_nothing_yet(status: str) -> None:
    assert read(form(status)) == ()


def test_a_status_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidCallback):
        read(form("teleported"))


def test_a_standard_port_may_be_signed_or_not() -> None:
    with_port = URL.replace(".com/", ".com:443/")
    assert read(form(), signed=with_port)
    assert read(form(), url=with_port, signed=URL)


@pytest.mark.parametrize(
    "forged",
    [
        lambda: read(form(), token="wrong"),
        lambda: read(form(), signed=URL.replace("N1", "N2")),
        lambda: read(form(AccountSid="AC2")),
        lambda: TwilioReceipts(SID, TOKEN).read(URL, {}, urlencode(form()).encode(), NOW),
        lambda: TwilioReceipts(SID, TOKEN).read(URL, {}, b"\xff", NOW),
        lambda: TwilioReceipts(SID, TOKEN).read(URL, {}, b"", NOW),
    ],
)
def test_a_forged_status_is_refused(forged: object) -> None:
    assert callable(forged)
    with pytest.raises(InvalidCallback):
        forged()


REPORTS = "https://orders.example.com/callbacks/messages/aliyun?token=secret"


def report(**changes: object) -> dict[str, object]:
    return {
        "phone_number": "13800138000",
        "send_time": "2026-11-21 20:00:00",
        "report_time": "2026-11-21 20:00:05",
        "success": True,
        "err_code": "DELIVERED",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": "123^0",
        "out_id": "N1",
        **changes,
    }


def read_reports(*reports: object, url: str = REPORTS) -> list[Receipt]:
    return list(AliyunReceipts("secret").read(url, {}, json.dumps(reports).encode(), NOW))


def test_a_report_tells_of_several_messages_on_chinas_clock() -> None:
    first, second = read_reports(
        report(), report(biz_id="124^0", out_id="N2", success=False, err_code="MK:0001")
    )
    assert first.status is S.DELIVERED
    assert first.at == datetime(2026, 11, 21, 12, 0, 5, tzinfo=UTC)
    assert (first.message_id, first.notification_id, first.code) == ("123^0", "N1", "")
    assert second.status is S.UNDELIVERED
    assert (second.code, second.bad_address) == ("MK:0001", True)


def test_a_phone_that_is_off_is_no_bad_number() -> None:
    (receipt,) = read_reports(report(success=False, err_code="MK:0008"))
    assert not receipt.bad_address


def test_a_time_that_cannot_be_read_is_now() -> None:
    (receipt,) = read_reports(report(report_time="yesterday"))
    assert receipt.at == NOW


@pytest.mark.parametrize(
    ("url", "token"),
    [
        (REPORTS.replace("secret", "wrong"), "secret"),
        (REPORTS.partition("?")[0], "secret"),
        (REPORTS.partition("?")[0], ""),
        (REPORTS.replace("secret", ""), ""),
    ],
)
def test_a_report_without_the_token_is_refused_before_it_is_read(url: str, token: str) -> None:
    with pytest.raises(InvalidCallback, match="token"):
        AliyunReceipts(token).read(url, {}, b"not even JSON", NOW)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[{"biz_id": 1}]', b"\xff"])
def test_a_report_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidCallback):
        AliyunReceipts("secret").read(REPORTS, {}, body, NOW)


def test_each_is_answered_as_it_expects() -> None:
    assert json.loads(AliyunReceipts("secret").acknowledgement()[1])["code"] == 0
    assert TwilioReceipts(SID, TOKEN).acknowledgement()[1] == b""
