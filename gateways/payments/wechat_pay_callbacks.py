"""WeChat Pay's callbacks: verified on the raw bytes, decrypted, matched with our account.

https://pay.weixin.qq.com/doc/v3/merchant/4012791861 (API v3).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from domain.payment import CallbackEvent, CallbackTopic
from gateways.errors import InvalidCallback
from gateways.keys import InvalidKey
from gateways.payments.wechat_pay_signing import BadSignature, WeChatKey, verify

TOPICS: Mapping[str, CallbackTopic] = {
    "TRANSACTION.SUCCESS": CallbackTopic.PAYMENT,
    "REFUND.SUCCESS": CallbackTopic.REFUND,
    "REFUND.ABNORMAL": CallbackTopic.REFUND,
    "REFUND.CLOSED": CallbackTopic.REFUND,
}

_KEY_BYTES = 32
_NONCE_BYTES = 12


class _Message(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class _Sealed(_Message):
    algorithm: Literal["AEAD_AES_256_GCM"]
    ciphertext: str
    nonce: str
    associated_data: str | None = None


class _Envelope(_Message):
    id: str = Field(min_length=1)
    event_type: str = Field(min_length=1)
    create_time: AwareDatetime | None = None
    resource_type: Literal["encrypt-resource"]
    resource: _Sealed


class _Subject(_Message):
    mchid: str = ""
    appid: str = ""
    out_trade_no: str = ""
    transaction_id: str = ""
    out_refund_no: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom callbacks must be meant for, and the secret that opens them (empty: they are off)."""

    mchid: str
    appid: str
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, mchid: str, appid: str, apiv3_key: str) -> Account:
        """Our account; `apiv3_key` is the 32 characters that the merchant chose.

        Raises:
            InvalidKey: the key has another length.
        """
        secret = apiv3_key.strip().encode()
        if secret and len(secret) != _KEY_BYTES:
            raise InvalidKey(f"the APIv3 key must have {_KEY_BYTES} bytes")
        return cls(mchid, appid, secret)


def parse(
    headers: Mapping[str, str], body: bytes, account: Account, key: WeChatKey, now: datetime
) -> CallbackEvent:
    """Verify a callback on its raw bytes, open it and read what it is about.

    Raises:
        InvalidCallback: it does not prove where it comes from, or is stale, malformed or meant
            for another account.
    """
    if not account.secret:
        raise InvalidCallback("WeChat Pay's callbacks are off: no APIv3 key is configured")
    try:
        verify(headers, body, key, now)
        envelope = _Envelope.model_validate_json(body)
        subject = _Subject.model_validate_json(_open(envelope.resource, account.secret))
    except BadSignature as error:
        raise InvalidCallback(f"WeChat's callback is not proven: {error}") from None
    except ValidationError as error:
        raise InvalidCallback("WeChat's callback cannot be read") from error
    topic = TOPICS.get(envelope.event_type, CallbackTopic.OTHER)
    _check(topic, subject, account)
    return CallbackEvent(
        gateway="wechatpay",
        dedupe_key=envelope.id,
        kind=envelope.event_type,
        topic=topic,
        payment_id=subject.out_trade_no,
        provider_ref=subject.out_trade_no,
        capture_ref=subject.transaction_id,
        refund_ref=subject.out_refund_no,
        occurred_at=envelope.create_time,
    )


def _open(sealed: _Sealed, secret: bytes) -> bytes:
    nonce = sealed.nonce.encode()
    if len(nonce) != _NONCE_BYTES:
        raise InvalidCallback(f"the nonce of WeChat's message must have {_NONCE_BYTES} bytes")
    try:
        ciphertext = base64.b64decode(sealed.ciphertext, validate=True)
        return AESGCM(secret).decrypt(nonce, ciphertext, (sealed.associated_data or "").encode())
    except (ValueError, InvalidTag) as error:
        reason = type(error).__name__
        raise InvalidCallback(f"WeChat's message cannot be decrypted ({reason})") from None


def _check(topic: CallbackTopic, subject: _Subject, account: Account) -> None:
    """Match the account; refunds do not name the app, and unknown events may name neither."""
    known = topic is not CallbackTopic.OTHER
    if subject.mchid != account.mchid and (known or subject.mchid):
        raise InvalidCallback("WeChat's callback is meant for another merchant")
    names_app = topic is CallbackTopic.PAYMENT or bool(subject.appid)
    if names_app and subject.appid != account.appid:
        raise InvalidCallback("WeChat's callback is meant for another app")
    if known and not subject.out_trade_no:
        raise InvalidCallback("WeChat's callback names no payment")
    if topic is CallbackTopic.REFUND and not subject.out_refund_no:
        raise InvalidCallback("WeChat's callback names no refund")
