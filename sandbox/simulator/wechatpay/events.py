"""WeChat Pay's notifications: https://pay.weixin.qq.com/doc/v3/merchant/4012791882."""

from __future__ import annotations

import json
from secrets import token_hex

from sandbox.simulator.outbox import Event, Outbox, Route
from sandbox.simulator.wechatpay.model import Refund, Trade, beijing_now
from sandbox.simulator.wechatpay.seal import Seal
from sandbox.simulator.wechatpay.shapes import Shape, refund_notice, trade_object

PARTY = "wechatpay"

_PAID = "TRANSACTION.SUCCESS"
_SUMMARIES = {
    _PAID: "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}
EVENTS = frozenset(_SUMMARIES)

# 15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h, a thousand times as fast.
_MINUTE = 60
_HOUR = 60 * _MINUTE
_DELAYS = (
    *(15, 15, 30, 3 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE),
    *(30 * _MINUTE, _HOUR, 3 * _HOUR, 3 * _HOUR, 3 * _HOUR, 6 * _HOUR, 6 * _HOUR),
)


def notification_route(seal: Seal) -> Route:
    """How WeChat Pay calls back; the path is for nothing, each request names its own address."""
    return Route(
        party=PARTY,
        path="/callbacks/payments/wechatpay",
        sign=seal.notification_headers,
        delays=tuple(max(0.2, seconds / 1000) for seconds in _DELAYS),
        tries=1 + len(_DELAYS),
        media_type="application/json",
        acknowledged=_acknowledged,
    )


def notify_paid(outbox: Outbox, seal: Seal, trade: Trade) -> None:
    """Tell that the customer has paid."""
    event = _event(seal, _PAID, "transaction", trade_object(trade), trade)
    ref = trade.transaction_id
    outbox.send(PARTY, event.model_copy(update={"url": trade.notify_url, "ref": ref}))


def notify_refund(outbox: Outbox, seal: Seal, refund: Refund, trade: Trade) -> None:
    """Tell what became of a refund, if its request named an address.

    Without one the real WeChat Pay calls nobody, or the address of its web console in the XML of
    its second API version; refunds made in that console are no different.
    """
    if not refund.notify_url:
        return
    kind = f"REFUND.{refund.status.value}"
    event = _event(seal, kind, "refund", refund_notice(refund, trade), trade)
    update = {"url": refund.notify_url, "ref": refund.refund_id}
    outbox.send(PARTY, event.model_copy(update=update))


def _event(seal: Seal, kind: str, resource_type: str, plaintext: Shape, trade: Trade) -> Event:
    event_id = "EV-" + token_hex(10)
    sealed = seal.encrypt(_compact(plaintext), resource_type)
    envelope: Shape = {
        "id": event_id,
        "create_time": beijing_now(),
        "resource_type": "encrypt-resource",
        "event_type": kind,
        "summary": _SUMMARIES[kind],
        "resource": {"original_type": resource_type, **sealed},
    }
    return Event(
        event_id=event_id,
        type=kind,
        body=_compact(envelope),
        order_id=trade.attach,
        payment_id=trade.out_trade_no,
    )


def _compact(shape: Shape) -> str:
    return json.dumps(shape, ensure_ascii=False, separators=(",", ":"))


def _acknowledged(status: int, body: bytes) -> bool:  # noqa: ARG001 - even a FAIL in it counts
    return status in {200, 204}
