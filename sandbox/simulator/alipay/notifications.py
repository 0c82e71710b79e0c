"""Alipay's asynchronous notifications: forms that carry their own signature."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from sandbox.simulator.alipay.formats import clock, clock_with_milliseconds, yuan
from sandbox.simulator.alipay.model import Refund, Trade, TradeStatus, new_notify_id
from sandbox.simulator.alipay.shapes import BUYER_ID, BUYER_LOGON_ID
from sandbox.simulator.alipay.signing import Keys, forged, notification_content
from sandbox.simulator.outbox import Event, Route
from sandbox.simulator.world import World

PARTY = "alipay"
REFUND_EVENT = "refund"
EVENTS = frozenset(
    {
        TradeStatus.TRADE_SUCCESS.value,
        TradeStatus.TRADE_CLOSED.value,
        TradeStatus.TRADE_FINISHED.value,
        REFUND_EVENT,
    }
)

# 4 m, 10 m, 10 m, 1 h, 2 h, 6 h, 15 h, a thousand times as fast.
_DELAYS = (0.24, 0.6, 0.6, 3.6, 7.2, 21.6, 54.0)


def notification_route() -> Route:
    """How Alipay calls back: again until the whole answer is the word `success`."""
    return Route(
        party=PARTY,
        path="/callbacks/payments/alipay",
        sign=_signed_in_the_body,
        delays=_DELAYS,
        tries=len(_DELAYS) + 1,
        media_type="application/x-www-form-urlencoded; charset=utf-8",
        acknowledged=_acknowledged,
    )


def _signed_in_the_body(raw: bytes, *, truly: bool) -> dict[str, str]:  # noqa: ARG001
    return {}


def _acknowledged(status: int, body: bytes) -> bool:
    return status == 200 and body == b"success"


class Notifications:
    """What Alipay tells the merchant, as part of the caller's transaction."""

    def __init__(self, world: World, keys: Keys) -> None:
        self._outbox = world.outbox
        self._keys = keys
        self._app_id = world.config.alipay_app_id
        self._seller_id = world.config.alipay_seller_id

    def tell(self, trade: Trade, refund: Refund | None = None) -> None:
        """Tell what the trade has come to, because of `refund` if there is one."""
        assert trade.status is not None
        fields = self._about(trade) | _moments(trade)
        fields |= _money_back(trade, refund) if refund else _money(trade)
        signature = self._keys.sign(notification_content(fields).encode())
        self._outbox.send(
            PARTY,
            Event(
                event_id=fields["notify_id"],
                type=REFUND_EVENT if refund else trade.status.value,
                body=_form(fields, signature),
                forged_body=_form(fields, forged(signature)),
                url=trade.notify_url,
                order_id=trade.order_id,
                payment_id=trade.out_trade_no,
                ref=trade.trade_no,
            ),
        )

    def _about(self, trade: Trade) -> dict[str, str]:
        now = time.time()
        assert trade.status is not None
        fields = {
            "notify_time": clock(now),
            "notify_type": "trade_status_sync",
            "notify_id": new_notify_id(now),
            "app_id": self._app_id,
            "auth_app_id": self._app_id,
            "charset": "utf-8",
            "version": "1.0",
            "trade_no": trade.trade_no,
            "out_trade_no": trade.out_trade_no,
            "trade_status": trade.status.value,
            "total_amount": yuan(trade.total),
            "subject": trade.subject,
            # Blank unless the merchant gave one; it is signed all the same.
            "body": trade.body,
            "store_name": "订单流旗舰店",
            "buyer_id": BUYER_ID,
            "buyer_logon_id": BUYER_LOGON_ID,
            "seller_id": self._seller_id,
        }
        if trade.passback_params:
            fields["passback_params"] = trade.passback_params
        return fields


def _moments(trade: Trade) -> dict[str, str]:
    moments = {
        "gmt_create": trade.created_at,
        "gmt_payment": trade.paid_at,
        "gmt_close": trade.closed_at,
    }
    return {name: clock(moment) for name, moment in moments.items() if moment is not None}


def _money(trade: Trade) -> dict[str, str]:
    if trade.paid_at is None:
        return {}
    paid = yuan(trade.total)
    return {
        "receipt_amount": paid,
        "invoice_amount": paid,
        "buyer_pay_amount": paid,
        "point_amount": "0.00",
        "fund_bill_list": f'[{{"amount":"{paid}","fundChannel":"ALIPAYACCOUNT"}}]',
    }


def _money_back(trade: Trade, refund: Refund) -> dict[str, str]:
    return {
        "refund_fee": yuan(trade.refunded),
        "gmt_refund": clock_with_milliseconds(refund.made_at),
        "out_biz_no": refund.out_request_no,
    }


def _form(fields: dict[str, str], signature: str) -> str:
    return urlencode({**fields, "sign_type": "RSA2", "sign": signature})
