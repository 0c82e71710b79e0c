"""Alipay's notifications: a form that is signed as a whole, then read for what it is about.

https://docs.open.alipay.com/194/103296, OpenAPI 2.0. Nothing in them is fresh for a while only:
they are delivered for 25 hours, word for word, so `notify_id` is what makes one count once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.payment import CallbackEvent, CallbackTopic
from gateways.errors import InvalidCallback
from gateways.payments.alipay_objects import CHINA
from gateways.payments.alipay_signing import SIGN_TYPE, signed_text, verify

_MOST_FIELDS = 200


def china_time(text: object) -> datetime | None:
    """The moment that Alipay's `text` says, none if it is blank; refunds have milliseconds.

    Raises:
        ValueError: it says none.
    """
    if text == "":
        return None
    if not isinstance(text, str):
        raise ValueError("this is no time")  # noqa: TRY004 - Pydantic reports a ValueError
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError("Alipay's times have no zone")
    return moment.replace(tzinfo=CHINA)


_Moment = Annotated[datetime | None, BeforeValidator(china_time)]


class Notification(BaseModel):
    """What is read of a notification; `out_biz_no` is the number of the refund it is about."""

    model_config = ConfigDict(hide_input_in_errors=True)

    notify_id: str = Field(min_length=1)
    notify_type: str = ""
    notify_time: _Moment = None
    app_id: str
    seller_id: str
    out_trade_no: str = Field(min_length=1)
    trade_no: str = ""
    trade_status: str = Field(min_length=1)
    out_biz_no: str = ""
    refund_fee: str = ""
    gmt_payment: _Moment = None
    gmt_refund: _Moment = None
    gmt_close: _Moment = None

    @property
    def topic(self) -> CallbackTopic:
        """What it is about."""
        if self.notify_type != "trade_status_sync":
            return CallbackTopic.OTHER
        refund = self.out_biz_no or self.refund_fee or self.gmt_refund
        return CallbackTopic.REFUND if refund else CallbackTopic.PAYMENT


def verified(body: bytes, key: RSAPublicKey) -> dict[str, str]:
    """The form in `body`, blank values included, once its signature is verified.

    Raises:
        InvalidCallback: Alipay did not sign exactly these fields.
    """
    fields = _form(body)
    # Alipay's old "RSA" signs SHA-1: the message must not choose how it is verified.
    if fields.get("sign_type") != SIGN_TYPE:
        raise InvalidCallback(f"Alipay's notification is not signed with {SIGN_TYPE}")
    signed = {name: value for name, value in fields.items() if name not in {"sign", "sign_type"}}
    if not verify(signed_text(signed), fields.get("sign", ""), key):
        raise InvalidCallback("Alipay's signature does not match")
    return signed


def read_event(fields: Mapping[str, str], *, app_id: str, seller_id: str) -> CallbackEvent:
    """Read a verified notification to the application `app_id` of the merchant `seller_id`.

    Raises:
        InvalidCallback: it cannot be read, or is to somebody else.
    """
    try:
        news = Notification.model_validate(fields)
    except ValidationError as error:
        raise InvalidCallback("Alipay's notification cannot be read") from error
    if (news.app_id, news.seller_id) != (app_id, seller_id):
        raise InvalidCallback("Alipay's notification is to another merchant")
    topic = news.topic
    is_refund = topic is CallbackTopic.REFUND
    return CallbackEvent(
        gateway="alipay",
        dedupe_key=news.notify_id,
        kind="refund" if is_refund else news.trade_status,
        topic=topic,
        payment_id=news.out_trade_no,
        provider_ref=news.out_trade_no,
        capture_ref=news.trade_no,
        refund_ref=news.out_biz_no if is_refund else "",
        occurred_at=news.gmt_refund or news.gmt_close or news.gmt_payment or news.notify_time,
    )


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        # Not chained: the parser's error quotes what it could not read.
        raise InvalidCallback("Alipay's notification is no form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidCallback("Alipay's notification names a field twice")
    return fields
