"""Mail that comes back: what each system's report says, and what is no report."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notification import Receipt, ReceiptStatus
from gateways.errors import InvalidCallback
from gateways.messaging.delivery_status import NoReport, read_report
from gateways.messaging.mail_receipts import MailReceipts
from gateways.signatures import SIGNATURE_HEADER, sign
from tests.gateways.messaging.bounced import MESSAGE_ID, NOTIFICATION, report

SECRET = "bounce-secret"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
URL = "https://orders.example.com/callbacks/messages/email"
S = ReceiptStatus


def read(body: bytes, *, secret: str = SECRET, now: datetime = NOW) -> Receipt:
    headers = {SIGNATURE_HEADER: sign(body, secret, NOW)}
    (receipt,) = MailReceipts(SECRET).read(URL, headers, body, now)
    return receipt


@pytest.mark.parametrize(
    ("name", "status", "code", "bad"),
    [
        ("postfix_no_such_user", S.UNDELIVERED, "5.1.1", True),
        ("postfix_given_up", S.UNDELIVERED, "4.4.1", False),
        ("postfix_delayed", S.SENT, "4.4.1", False),
        ("postfix_delivered", S.DELIVERED, "2.0.0", False),
        ("exim_mailbox_full", S.UNDELIVERED, "5.2.2", False),
        ("exim_no_such_user", S.UNDELIVERED, "5.1.1", True),
        ("exchange_not_found", S.UNDELIVERED, "5.1.10", True),
        ("gmail_forwarded_on", S.UNDELIVERED, "5.1.1", False),
        ("utf8_addresses", S.UNDELIVERED, "5.1.1", True),
    ],
)
def test_what_each_systems_report_says(
    name: str, status: ReceiptStatus, code: str, *, bad: bool
) -> None:
    receipt = read(report(name))
    assert (receipt.provider, receipt.message_id) == ("smtp", MESSAGE_ID)
    assert receipt.notification_id == NOTIFICATION
    assert (receipt.status, receipt.code, receipt.bad_address) == (status, code, bad)


def test_the_time_is_the_reports_and_never_in_the_future() -> None:
    assert read(report("postfix_no_such_user")).at == datetime(2026, 11, 21, 12, 0, 7, tzinfo=UTC)
    for date in ("Sat, 21 Nov 2065 20:00:07 +0800", "yesterday", "Fri, 31 Dec 9999 23:59:00 -0800"):
        changed = {"\nDate: Sat, 21 Nov 2026 20:00:07 +0800 (CST)": f"\nDate: {date}"}
        assert read(report("postfix_no_such_user", changed)).at == NOW


@pytest.mark.parametrize("code", ["5.1.0", "5.1.7", "5.1.8", "5.2.2", "5.2.3", "5.4.4", "5.7.1"])
def test_a_refusal_that_is_not_about_the_address_leaves_it_good(code: str) -> None:
    receipt = read(report("postfix_no_such_user", {"Status: 5.1.1": f"Status: {code}"}))
    assert (receipt.status, receipt.code, receipt.bad_address) == (S.UNDELIVERED, code, False)


@pytest.mark.parametrize("code", ["5.1.2", "5.1.3", "5.1.6", "5.2.1"])
def test_an_address_that_takes_no_mail_is_bad(code: str) -> None:
    assert read(report("postfix_no_such_user", {"Status: 5.1.1": f"Status: {code}"})).bad_address


def test_a_delay_is_not_final_whatever_its_code() -> None:
    receipt = read(report("postfix_delayed", {"Status: 4.4.1": "Status: 5.1.1"}))
    assert (receipt.status, receipt.bad_address) == (S.SENT, False)


@pytest.mark.parametrize(
    ("others", "status"),
    [
        ("delivered\nStatus: 2.0.0", S.DELIVERED),
        ("relayed\nStatus: 2.0.0", S.SENT),
        ("failed\nStatus: 5.2.2", S.UNDELIVERED),
    ],
)
def test_of_several_recipients_one_that_was_reached_is_enough(
    others: str, status: ReceiptStatus
) -> None:
    """A family's address, which its mail system passes on to two."""
    first = "Final-Recipient: rfc822; old.li.wei@elsewhere.example"
    second = f"Final-Recipient: rfc822; her@elsewhere.example\nAction: {others}\n\n{first}"
    receipt = read(report("gmail_forwarded_on", {first: second}))
    assert (receipt.status, receipt.bad_address) == (status, False)


def test_what_others_did_not_get_says_nothing_of_the_one_we_wrote_to() -> None:
    first = "Final-Recipient: rfc822; li.wei@example.net\nAction: delivered"
    second = f"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n{first}"
    assert read(report("postfix_delivered", {first: second})).status is S.DELIVERED
    other = first.replace("delivered", "failed").replace("li.wei", "someone")
    both = f"{first.replace('delivered', 'failed')}\nStatus: 5.1.1\n\n{other}"
    receipt = read(report("postfix_delivered", {first: both}))
    assert (receipt.status, receipt.bad_address) == (S.UNDELIVERED, True)


def test_an_action_that_is_missing_or_made_up_follows_from_the_code() -> None:
    for line in ("", "Action: kaputt\n"):
        receipt = read(report("postfix_no_such_user", {"Action: failed\n": line}))
        assert (receipt.status, receipt.bad_address) == (S.UNDELIVERED, True)


def test_without_the_mail_itself_the_report_says_what_it_answers() -> None:
    for part in ("message/rfc822", "application/octet-stream"):
        changes = {
            "Content-Type: message/rfc822": f"Content-Type: {part}",
            "\nMessage-ID: <N5TVX6Z0QJ8H4M2K1C9W7B3E0R@shop.example.com>\nContent": "\nContent",
        }
        assert read(report("exchange_not_found", changes)).message_id == MESSAGE_ID


def test_a_mail_that_was_cut_off_is_still_read() -> None:
    whole = report("exim_no_such_user")
    receipt = read(whole[: whole.index(b"<p>Your order")])
    assert (receipt.message_id, receipt.bad_address) == (MESSAGE_ID, True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("out_of_office", "it is no delivery report"),
        ("read_receipt", "it is no delivery report"),
        ("qmail_plain", "it is no delivery report"),
    ],
)
def test_what_is_no_report_says_so(name: str, reason: str) -> None:
    with pytest.raises(NoReport, match=reason):
        read(report(name))


def test_a_report_without_what_counts_says_what_is_missing() -> None:
    nobody = {"Final-Recipient: rfc822; ": "X: ", "Original-Recipient: rfc822;": "Y: "}
    with pytest.raises(NoReport, match="of no recipient"):
        read(report("postfix_no_such_user", nobody))
    nothing = {"Action: failed\nStatus: 5.1.1\n": "", "Diagnostic-Code: smtp; 550 5.1.1": "Z:"}
    with pytest.raises(NoReport, match="of no recipient"):
        read(report("postfix_no_such_user", nothing))
    with pytest.raises(NoReport, match="which mail"):
        read(report("postfix_no_such_user", {"Message-ID: <N": "Message-ID: N"}))


def test_a_bounce_that_somebody_forwards_is_not_ours_to_read() -> None:
    forwarded = b"Content-Type: message/rfc822\r\n\r\n" + report("postfix_no_such_user")
    with pytest.raises(NoReport):
        read(forwarded)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00" * 1000,
        b"\xff\xfe" * 1000,
        b"Content-Type: multipart/report\r\n\r\n",
        b"".join(
            b"Content-Type: multipart/report; boundary=%d\r\n\r\n--%d\r\n" % (n, n)
            for n in range(4000)
        ),
        b"Content-Type: message/rfc822\r\n\r\n" * 4000,
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n" + b"\n" * 250_000,
    ],
)
@pytest.mark.timeout(5)
def test_nonsense_is_no_report_and_costs_little(body: bytes) -> None:
    with pytest.raises(NoReport):
        read(body)


def test_zero_bytes_and_wrong_character_sets_do_no_harm() -> None:
    whole = report("postfix_no_such_user")
    for harm in (b"\x00", b"\xff", "薇".encode("gb18030")):
        harmed = whole.replace(b"User unknown", b"User" + harm + b"unknown")
        harmed = harmed.replace(b"us-ascii", b"x-" + harm).replace(b"example.net>", harm + b">")
        receipt = read(harmed.replace(b"<N5TVX", harm + b" <N5TVX"))
        assert receipt.message_id == MESSAGE_ID
        assert receipt.status is S.UNDELIVERED


_WHOLE = report("exim_no_such_user")


@given(
    st.integers(0, len(_WHOLE)),
    st.integers(0, 400),
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b"boundary*=\x00'x'%ff", b"charset*0*=", b"=?x?b?", b"\r\n\r\n", b"--"]),
    ),
)
def test_whatever_strangers_do_to_a_report_it_is_read_or_is_none(
    at: int, cut: int, put: bytes
) -> None:
    body = _WHOLE[:at] + put + _WHOLE[at + cut :]
    try:
        receipt = read(body)
    except NoReport:
        return
    assert receipt.model_dump_json()


def test_only_who_holds_the_secret_is_believed() -> None:
    body = report("postfix_no_such_user")
    with pytest.raises(InvalidCallback):
        read(body, secret="wrong")
    with pytest.raises(InvalidCallback):
        read(body, now=datetime(2026, 11, 27, 12, 6, tzinfo=UTC))
    headers = {SIGNATURE_HEADER: sign(body, SECRET, NOW)}
    with pytest.raises(InvalidCallback):
        MailReceipts(SECRET).read(URL, headers, body + b"\n", NOW)
    with pytest.raises(InvalidCallback):
        MailReceipts("").read(URL, {SIGNATURE_HEADER: sign(body, "", NOW)}, body, NOW)


def test_a_report_is_about_the_mail_that_came_back_not_about_itself() -> None:
    assert read_report(report("postfix_no_such_user")).to == "li.wei@example.net"
    assert read_report(report("utf8_addresses")).to == ""
