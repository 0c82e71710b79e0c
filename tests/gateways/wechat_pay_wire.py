"""WeChat Pay's documented messages, signed and sealed by other people's code."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import httpx
from Cryptodome.Cipher import AES
from Cryptodome.PublicKey import RSA
from wechatpayv3.utils import load_private_key, rsa_sign  # type: ignore[import-untyped]

from domain.money import Money
from domain.payment import PaymentRef, PaymentRequest, RefundRequest
from gateways.payments.wechat_pay import WeChatPayGateway
from tests.gateways.peer import Peer

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
UNIX = int(NOW.timestamp())
MCHID = "1900000001"
APPID = "wx0000000000000001"
SERIAL = "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C"
KEY_ID = "PUB_KEY_ID_0119000000012026112100000000000001"
APIV3_KEY = "0123456789abcdefghijklmnopqrstuv"
NOTIFY_URL = "https://shop.example.com/callbacks/payments/wechatpay"
SCHEME = "WECHATPAY2-SHA256-RSA2048"

ORDER_ID = "O01J9ZK3V7Q8R2M4N6P0S5T1W3X"
PAYMENT_ID = "P01J9ZK3V7Q8R2M4N6P0S5T1W3X"
REFUND_ID = "R01J9ZK3V7Q8R2M4N6P0S5T1W3X"
TRANSACTION_ID = "4200001234202611210123456789"
ASKED = Money(minor=12345, currency="CNY")
PAYMENT = PaymentRef(payment_id=PAYMENT_ID, provider_ref=PAYMENT_ID, asked=ASKED)

CREATE = "POST /v3/pay/transactions/native"
QUERY = f"GET /v3/pay/transactions/out-trade-no/{PAYMENT_ID}"
CLOSE = f"POST /v3/pay/transactions/out-trade-no/{PAYMENT_ID}/close"
REFUND = "POST /v3/refund/domestic/refunds"
QUERY_REFUND = f"GET /v3/refund/domestic/refunds/{REFUND_ID}"


@dataclass(frozen=True)
class KeyPair:
    private: str
    public: str

    def sign(self, message: str) -> str:
        return str(rsa_sign(_loaded(self.private), message))


@cache
def _loaded(private: str) -> object:
    return load_private_key(private)


def _new_pair(bits: int = 2048) -> KeyPair:
    key = RSA.generate(bits)
    return KeyPair(key.export_key(pkcs=8).decode(), key.public_key().export_key().decode())


# Each test loads our key, and loading a long one proves its primes anew for 60 ms.
MERCHANT = _new_pair(1024)
WECHAT, STRANGER = _new_pair(), _new_pair()


def new_gateway(
    client: httpx.AsyncClient,
    url: str = "http://127.0.0.1:9",
    *,
    private_key: str = MERCHANT.private,
    public_key: str = WECHAT.public,
    public_key_id: str = KEY_ID,
    apiv3_key: str = APIV3_KEY,
    clock: Callable[[], datetime] = lambda: NOW,
) -> WeChatPayGateway:
    return WeChatPayGateway(
        client,
        mchid=MCHID,
        appid=APPID,
        serial=SERIAL,
        private_key=private_key,
        public_key=public_key,
        public_key_id=public_key_id,
        apiv3_key=apiv3_key,
        base_url=url,
        notify_url=NOTIFY_URL,
        clock=clock,
    )


def payment_request(amount: Money = ASKED, description: str = "订单支付 - EC-1") -> PaymentRequest:
    return PaymentRequest(
        payment_id=PAYMENT_ID,
        order_id=ORDER_ID,
        order_number="EC-1",
        amount=amount,
        description=description,
        idempotency_key=f"{PAYMENT_ID}:create:1",
        expires_at=datetime(2026, 11, 21, 16, 45, 59, 999_999, tzinfo=UTC),
    )


def refund_request(reason: str = "", minor: int = 345) -> RefundRequest:
    return RefundRequest(
        refund_id=REFUND_ID,
        payment=PAYMENT,
        amount=Money(minor=minor, currency="CNY"),
        reason=reason,
        idempotency_key=f"{REFUND_ID}:refund:1",
    )


def transaction(trade_state: str = "NOTPAY", **changes: object) -> dict[str, object]:
    order: dict[str, object] = {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": PAYMENT_ID,
        "attach": ORDER_ID,
        "trade_state": trade_state,
        "trade_state_desc": "状态说明",
        "promotion_detail": [],
        "amount": {"total": 12345, "payer_currency": "CNY"},
    }
    if trade_state in {"SUCCESS", "REFUND"}:
        order |= {
            "transaction_id": TRANSACTION_ID,
            "trade_type": "NATIVE",
            "bank_type": "OTHERS",
            "success_time": "2026-11-21T18:29:58+08:00",
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            # Coupons of WeChat's own: the customer paid less, the merchant gets all of it.
            "amount": {
                "total": 12345,
                "payer_total": 12000,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
    return order | changes


def refund(status: str = "PROCESSING", **changes: object) -> dict[str, object]:
    return {
        "refund_id": "50000000382026112101234567890",
        "out_refund_no": REFUND_ID,
        "transaction_id": TRANSACTION_ID,
        "out_trade_no": PAYMENT_ID,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": "2026-11-21T18:30:00+08:00",
        "status": status,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": 12345,
            "refund": 345,
            "payer_total": 12000,
            "payer_refund": 335,
            "settlement_refund": 345,
            "settlement_total": 12345,
            "discount_refund": 10,
            "currency": "CNY",
        },
    } | changes


def problem(code: str) -> dict[str, object]:
    return {"code": code, "message": f"because of {code}", "detail": {"value": "secret-value"}}


def to_bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()


def signed(
    body: bytes, *, key: KeyPair = WECHAT, unix: int = UNIX, nonce: str = "c5ac7061fccab6bf"
) -> dict[str, str]:
    """The headers that prove `body` to be WeChat's."""
    return {
        "Wechatpay-Timestamp": str(unix),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": KEY_ID,
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Signature": key.sign(f"{unix}\n{nonce}\n{body.decode()}\n"),
    }


def wechat_says(peer: Peer, call: str, body: object = b"", *, status: int = 200) -> None:
    """Let the peer answer as WeChat does: signed, also when there is nothing to say."""
    content = to_bytes(body)
    peer.says(call, content, status=status, headers=signed(content))


def seal(
    plaintext: bytes,
    *,
    secret: str = APIV3_KEY,
    nonce: str = "fdasflkja484",
    associated_data: str = "transaction",
) -> dict[str, object]:
    cipher = AES.new(secret.encode(), AES.MODE_GCM, nonce=nonce.encode())
    cipher.update(associated_data.encode())
    ciphertext, tag = cipher.encrypt_and_digest(plaintext)
    return {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(ciphertext + tag).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def notice(event_type: str, resource: Mapping[str, object], **changes: object) -> bytes:
    envelope: dict[str, object] = {
        "id": "EV-2026112118300012345",
        "create_time": "2026-11-21T18:30:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": "支付成功",
        "resource": resource,
    }
    return json.dumps(envelope | changes, indent=1, ensure_ascii=False).encode()


def told(event_type: str, subject: object, **changes: object) -> bytes:
    """A callback's body about `subject`."""
    return notice(event_type, seal(to_bytes(subject)), **changes)


def refund_news(status: str = "SUCCESS", **changes: object) -> dict[str, object]:
    """The decrypted content of a refund's callback; it names no app."""
    return {
        "mchid": MCHID,
        "out_trade_no": PAYMENT_ID,
        "transaction_id": TRANSACTION_ID,
        "out_refund_no": REFUND_ID,
        "refund_id": "50000000382026112101234567890",
        "refund_status": status,
        "success_time": "2026-11-21T18:30:00+08:00",
        "user_received_account": "支付用户零钱",
        "amount": {"total": 12345, "refund": 345, "payer_total": 12000, "payer_refund": 335},
    } | changes
