from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from gateways.errors import InvalidCallback
from gateways.signatures import SIGNATURE_HEADER, sign, verify

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
UNIX = int(NOW.timestamp())
SECRET = "shipping-secret"
BODY = b'{"eventId": "E1", "note": "\xe4\xb8\xad\xe6\x96\x87"}'


def _v1(secret: str, unix: int = UNIX, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), str(unix).encode() + b"." + body, hashlib.sha256).hexdigest()


def _refused(header: str, *, body: bytes = BODY, secret: str = SECRET) -> None:
    with pytest.raises(InvalidCallback):
        verify({SIGNATURE_HEADER: header}, body, secret, NOW)


def test_our_signature_equals_one_made_by_hand_and_one_made_by_stripes_own_signer() -> None:
    header = sign(BODY, SECRET, NOW)
    assert header == f"t={UNIX},v1={_v1(SECRET)}"
    theirs = stripe.WebhookSignature._compute_signature(f"{UNIX}.{BODY.decode()}", SECRET)  # type: ignore[no-untyped-call, unused-ignore]
    assert header.endswith(theirs)


def test_a_signature_made_elsewhere_is_accepted() -> None:
    verify({SIGNATURE_HEADER: f"t={UNIX},v1={_v1(SECRET)}"}, BODY, SECRET, NOW)


def test_the_headers_name_is_read_in_any_case() -> None:
    verify({"x-orderflow-signature": f"t={UNIX},v1={_v1(SECRET)}"}, BODY, SECRET, NOW)


def test_one_of_two_v1_values_is_enough_in_either_order() -> None:
    for first, second in ((SECRET, "old"), ("old", SECRET)):
        header = f"t={UNIX}, v1={_v1(first)}, v1={_v1(second)}, v0=ignored"
        verify({SIGNATURE_HEADER: header}, BODY, SECRET, NOW)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_within_the_window_is_accepted(seconds: int) -> None:
    unix = UNIX + seconds
    verify({SIGNATURE_HEADER: f"t={unix},v1={_v1(SECRET, unix)}"}, BODY, SECRET, NOW)


@pytest.mark.parametrize("seconds", [-301, 301, -86400, 86400])
def test_a_stale_or_future_signature_is_refused(seconds: int) -> None:
    unix = UNIX + seconds
    _refused(f"t={unix},v1={_v1(SECRET, unix)}")


def test_another_secret_is_refused() -> None:
    _refused(f"t={UNIX},v1={_v1('another')}")


def test_a_changed_body_is_refused() -> None:
    _refused(f"t={UNIX},v1={_v1(SECRET)}", body=BODY.replace(b"E1", b"E2"))


def test_the_same_json_written_differently_is_refused() -> None:
    _refused(f"t={UNIX},v1={_v1(SECRET)}", body=BODY.replace(b": ", b":"))


def test_a_signature_moved_to_another_time_is_refused() -> None:
    _refused(f"t={UNIX + 1},v1={_v1(SECRET)}")


@pytest.mark.parametrize("secret", ["", " ", "\n"])
def test_an_empty_secret_turns_the_endpoint_off_even_for_a_matching_signature(secret: str) -> None:
    with pytest.raises(InvalidCallback, match="no secret is configured"):
        verify({SIGNATURE_HEADER: f"t={UNIX},v1={_v1(secret)}"}, BODY, secret, NOW)


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(InvalidCallback, match="missing"):
        verify({}, BODY, SECRET, NOW)


@pytest.mark.parametrize(
    "header",
    [
        "garbage",
        f"t={UNIX}",
        f"t={UNIX},v1=",
        f"v1={_v1(SECRET)}",
        f"t=,v1={_v1(SECRET)}",
        f"t=soon,v1={_v1(SECRET)}",
        f"t=-5,v1={_v1(SECRET, -5)}",
        f"t={UNIX},t={UNIX},v1={_v1(SECRET)}",
        f"t={UNIX},v1={_v1(SECRET)[:-1]}",
        f"t={UNIX},v0={_v1(SECRET)}",
        f"t={UNIX},v1=é{_v1(SECRET)[1:]}",
        f"t={'9' * 400},v1={_v1(SECRET)}",
    ],
)
def test_a_malformed_header_is_refused(header: str) -> None:
    _refused(header)


@given(body=st.binary(max_size=200), secret=st.text(min_size=1).filter(str.strip))
def test_what_is_signed_verifies_and_one_more_byte_does_not(body: bytes, secret: str) -> None:
    header = sign(body, secret, NOW)
    verify({SIGNATURE_HEADER: header}, body, secret, NOW + timedelta(seconds=1))
    with pytest.raises(InvalidCallback):
        verify({SIGNATURE_HEADER: header}, body + b" ", secret, NOW)


@given(header=st.text())
def test_no_header_whatever_gets_through_or_breaks_anything(header: str) -> None:
    _refused(header)
