"""Alipay's documented answers and notifications, signed by other people's code."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import httpx
from alipay import AliPay  # type: ignore[import-untyped]  # it has no types
from Cryptodome.Hash import SHA256
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature import pkcs1_15

from domain.money import Money
from domain.payment import PaymentRef, PaymentRequest, RefundRequest
from gateways.payments.alipay import AlipayGateway
from tests.accounts import ACCOUNTS, provider_keys
from tests.gateways.peer import Peer, Seen

# 18:30 in China.
NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
EXPIRES = datetime(2026, 11, 21, 16, 45, 59, tzinfo=UTC)
APP_ID = ACCOUNTS["alipay_app_id"]
SELLER_ID = ACCOUNTS["alipay_seller_id"]
NOTIFY_URL = "https://shop.example.com/callbacks/payments/alipay"
ASKED = Money(minor=12345, currency="CNY")
TRADE_NO = "2026112122001400000500000001"
BUYER = "zhang***@example.com"

CALL = "POST /gateway.do"
PRECREATE = "alipay.trade.precreate"
QUERY = "alipay.trade.query"
CLOSE = "alipay.trade.close"
REFUND = "alipay.trade.refund"
REFUND_QUERY = "alipay.trade.fastpay.refund.query"


@dataclass(frozen=True)
class Asked:
    """One request, as Alipay reads it."""

    params: Mapping[str, str]
    biz_content: str

    @property
    def method(self) -> str:
        return self.params["method"]

    @property
    def biz(self) -> dict[str, str]:
        document = json.loads(self.biz_content)
        assert isinstance(document, dict)
        return document


def asked(seen: Seen) -> Asked:
    (biz_content,) = seen.form["biz_content"]
    assert set(seen.form) == {"biz_content"}
    return Asked({name: value for name, (value,) in seen.query.items()}, biz_content)


def all_asked(peer: Peer) -> list[Asked]:
    return [asked(seen) for seen in peer.requests(CALL)]


def only_asked(peer: Peer) -> Asked:
    (request,) = all_asked(peer)
    return request


def pem(path: Path) -> str:
    return path.read_text()


def gateway(
    client: httpx.AsyncClient, url: str, *, app_id: str = APP_ID, seller_id: str = SELLER_ID
) -> AlipayGateway:
    keys = provider_keys()
    return AlipayGateway(
        client,
        app_id=app_id,
        seller_id=seller_id,
        private_key=pem(keys.alipay_merchant),
        public_key=pem(keys.public_half(keys.alipay_provider)),
        base_url=f"{url}/gateway.do",
        notify_url=NOTIFY_URL,
        clock=lambda: NOW,
    )


@cache
def merchant_sdk(sign_type: str = "RSA2") -> AliPay:
    """The foreign SDK in our place: signs with our key, verifies with Alipay's."""
    keys = provider_keys()
    return AliPay(
        appid=APP_ID,
        app_private_key_string=pem(keys.alipay_merchant),
        alipay_public_key_string=pem(keys.public_half(keys.alipay_provider)),
        sign_type=sign_type,
    )


@cache
def provider_sdk(sign_type: str = "RSA2") -> AliPay:
    """The foreign SDK in Alipay's place: signs with Alipay's key, verifies with ours."""
    keys = provider_keys()
    return AliPay(
        appid=APP_ID,
        app_private_key_string=pem(keys.alipay_provider),
        alipay_public_key_string=pem(keys.public_half(keys.alipay_merchant)),
        sign_type=sign_type,
    )


@cache
def _key(path: Path) -> RSA.RsaKey:
    return RSA.import_key(pem(path))


def _signature(text: str, path: Path) -> str:
    return b64encode(pkcs1_15.new(_key(path)).sign(SHA256.new(text.encode()))).decode()


def provider_signature(text: str) -> str:
    return _signature(text, provider_keys().alipay_provider)


def merchant_signature(text: str) -> str:
    """Signed with a key that is none of Alipay's."""
    return _signature(text, provider_keys().alipay_merchant)


def response_name(method: str) -> str:
    return method.replace(".", "_") + "_response"


def enveloped(name: str, text: str, signature: str | None = None) -> bytes:
    """An answer whose signature is another one, if one is given; empty means none."""
    signature = provider_signature(text) if signature is None else signature
    signed = f',"sign":{json.dumps(signature)}' if signature else ""
    return f'{{"{name}":{text}{signed}}}'.encode()


def answer(method: str, fields: Mapping[str, object], signature: str | None = None) -> bytes:
    """A signed answer, with slashes escaped as Alipay escapes them."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
    return enveloped(response_name(method), text, signature)


def says(peer: Peer, method: str, fields: Mapping[str, object]) -> None:
    """Let `peer` answer the next request, as if it were about `method`."""
    peer.says(CALL, answer(method, fields))


def success(**fields: object) -> dict[str, object]:
    return {"code": "10000", "msg": "Success", **fields}


def refused(code: str, sub_code: str, msg: str = "Business Failed") -> dict[str, object]:
    return {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": f"因为{sub_code}"}


def precreated(**changes: object) -> dict[str, object]:
    qr_code = "https://qr.alipay.com/bax03431ljhokirwl38f00a7"
    return success(out_trade_no="P00001", qr_code=qr_code, **changes)


def trade(status: str, **changes: object) -> dict[str, object]:
    paid = status in {"TRADE_SUCCESS", "TRADE_FINISHED"}
    fields = success(
        buyer_logon_id=BUYER,
        buyer_pay_amount="0.00",
        buyer_user_id="2088102169481075",
        invoice_amount="0.00",
        out_trade_no="P00001",
        point_amount="0.00",
        receipt_amount="0.00",
        total_amount="123.45",
        trade_no=TRADE_NO,
        trade_status=status,
    )
    return fields | ({"send_pay_date": "2026-11-21 18:29:59"} if paid else {}) | changes


def refund_done(fund_change: str = "Y", **changes: object) -> dict[str, object]:
    return (
        success(
            buyer_logon_id=BUYER,
            buyer_user_id="2088102169481075",
            fund_change=fund_change,
            gmt_refund_pay="2026-11-21 18:40:00",
            out_trade_no="P00001",
            refund_fee="100.00",
            send_back_fee="0.00",
            trade_no=TRADE_NO,
        )
        | changes
    )


def refund_found(**changes: object) -> dict[str, object]:
    return (
        success(
            out_request_no="R00001",
            out_trade_no="P00001",
            refund_amount="3.45",
            total_amount="123.45",
            trade_no=TRADE_NO,
        )
        | changes
    )


def notification(**changes: str) -> dict[str, str]:
    """A paid payment's notification; blank fields are there, as they are in real ones."""
    return {
        "gmt_create": "2026-11-21 18:29:40",
        "charset": "utf-8",
        "seller_email": "shop@example.com",
        "subject": "订单支付 - EC-1 {100%}",
        "body": "",
        "buyer_id": "2088102169481075",
        "buyer_logon_id": BUYER,
        "invoice_amount": "123.45",
        "notify_id": "2026112100222182959034280502112345",
        "fund_bill_list": '[{"amount":"123.45","fundChannel":"ALIPAYACCOUNT"}]',
        "notify_type": "trade_status_sync",
        "trade_status": "TRADE_SUCCESS",
        "receipt_amount": "123.45",
        "app_id": APP_ID,
        "buyer_pay_amount": "123.45",
        "seller_id": SELLER_ID,
        "gmt_payment": "2026-11-21 18:29:59",
        "notify_time": "2026-11-21 18:30:00",
        "passback_params": "O00001",
        "version": "1.0",
        "out_trade_no": "P00001",
        "total_amount": "123.45",
        "trade_no": TRADE_NO,
        "auth_app_id": APP_ID,
        "point_amount": "0.00",
        **changes,
    }


def notified_refund(**changes: str) -> dict[str, str]:
    refund = {
        "gmt_refund": "2026-11-21 18:40:00.123",
        "out_biz_no": "R00001",
        "refund_fee": "100.00",
    }
    return notification(**(refund | changes))


def signed_form(fields: Mapping[str, str], *, sign_type: str = "RSA2") -> bytes:
    """The form that Alipay would post, signed by the foreign SDK's own signer."""
    sdk = provider_sdk(sign_type)
    text = "&".join(f"{name}={value}" for name, value in sdk._ordered_data(dict(fields)))
    return urlencode({**fields, "sign": sdk._sign(text), "sign_type": sign_type}).encode()


def payment_request(payment_id: str = "P00001", amount: Money = ASKED) -> PaymentRequest:
    return PaymentRequest(
        payment_id=payment_id,
        order_id="O00001",
        order_number="EC-1",
        amount=amount,
        description="订单支付 - EC-1",
        idempotency_key=f"{payment_id}:create:1",
        expires_at=EXPIRES,
    )


def payment_ref(payment_id: str = "P00001", *, captured_before: bool = False) -> PaymentRef:
    return PaymentRef(
        payment_id=payment_id,
        provider_ref=payment_id,
        asked=ASKED,
        captured_before=captured_before,
    )


def refund_request(refund_id: str = "R00001", minor: int = 345, reason: str = "") -> RefundRequest:
    return RefundRequest(
        refund_id=refund_id,
        payment=payment_ref(captured_before=True),
        amount=Money(minor=minor, currency="CNY"),
        reason=reason,
        idempotency_key=f"{refund_id}:refund:1",
    )
