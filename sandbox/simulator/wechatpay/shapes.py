"""WeChat Pay's JSON objects, with what a live account really sends and leaves out."""

from __future__ import annotations

from sandbox.simulator.wechatpay.model import Refund, RefundStatus, Trade, TradeState

Shape = dict[str, object]

_WORDS = {
    TradeState.NOTPAY: "订单未支付",
    TradeState.SUCCESS: "支付成功",
    TradeState.REFUND: "订单发生过退款，退款详情请查询退款单",
    TradeState.CLOSED: "订单已关闭",
}
_CURRENCY = "CNY"
_ACCOUNT = "招商银行信用卡0403"


def trade_object(trade: Trade) -> Shape:
    """The trade as a query answers it, and as the notification of its payment carries it.

    Before it is paid there is no currency, no `payer_total` and no `attach`, whatever was asked.
    """
    shape: Shape = {
        "amount": {"payer_currency": _CURRENCY, "total": trade.total},
        "appid": trade.appid,
        "mchid": trade.mchid,
        "out_trade_no": trade.out_trade_no,
        "promotion_detail": [],
        "scene_info": {"device_id": ""},
        "trade_state": trade.state.value,
        "trade_state_desc": _WORDS[trade.state],
    }
    if trade.paid:
        shape |= {
            "amount": {
                "currency": _CURRENCY,
                "payer_currency": _CURRENCY,
                "payer_total": trade.paid_total,
                "total": trade.paid_total,
            },
            "attach": trade.attach,
            "bank_type": "OTHERS",
            "payer": {"openid": trade.openid},
            "success_time": trade.success_time,
            "trade_type": trade.trade_type.value,
            "transaction_id": trade.transaction_id,
        }
    return shape


def refund_object(refund: Refund, trade: Trade) -> Shape:
    """The refund as the refund API answers it."""
    shape: Shape = {
        "amount": {
            "currency": _CURRENCY,
            "discount_refund": 0,
            "from": [],
            "payer_refund": refund.amount,
            "payer_total": trade.paid_total,
            "refund": refund.amount,
            "refund_fee": 0,
            "settlement_refund": refund.amount,
            "settlement_total": trade.paid_total,
            "total": refund.total,
        },
        "channel": "ORIGINAL",
        "create_time": refund.create_time,
        "funds_account": "AVAILABLE",
        "out_refund_no": refund.out_refund_no,
        "out_trade_no": trade.out_trade_no,
        "promotion_detail": [],
        "refund_id": refund.refund_id,
        "status": refund.status.value,
        "transaction_id": trade.transaction_id,
        "user_received_account": _ACCOUNT,
    }
    if refund.status is RefundStatus.SUCCESS:
        shape["success_time"] = refund.success_time
    return shape


def refund_notice(refund: Refund, trade: Trade) -> Shape:
    """The refund as its notification carries it: no app id, no currency, another status name."""
    shape: Shape = {
        "mchid": trade.mchid,
        "out_trade_no": trade.out_trade_no,
        "transaction_id": trade.transaction_id,
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.status.value,
        "amount": {
            "total": refund.total,
            "refund": refund.amount,
            "payer_total": trade.paid_total,
            "payer_refund": refund.amount,
        },
        "user_received_account": _ACCOUNT,
    }
    if refund.status is RefundStatus.SUCCESS:
        shape["success_time"] = refund.success_time
    return shape
