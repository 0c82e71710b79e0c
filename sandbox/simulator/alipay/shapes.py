"""The business fields of Alipay's answers. Real ones are full of zero amounts; so are these."""

from __future__ import annotations

from sandbox.simulator.alipay.formats import clock, yuan
from sandbox.simulator.alipay.model import Refund, Trade

Shape = dict[str, object]

BUYER_ID = "2088102169481075"
BUYER_LOGON_ID = "csq***@sandbox.com"
NOTHING_REFUNDED: Shape = {"refund_fee": "0.00", "send_back_fee": "0.00"}
_NOTHING_PAID: Shape = {
    "buyer_pay_amount": "0.00",
    "invoice_amount": "0.00",
    "point_amount": "0.00",
    "receipt_amount": "0.00",
}


def unknown_trade(out_trade_no: str) -> Shape:
    """Beside ACQ.TRADE_NOT_EXIST in the answer to a query."""
    named: Shape = {"out_trade_no": out_trade_no} if out_trade_no else {}
    return {**_NOTHING_PAID, **named}


def trade_shape(trade: Trade) -> Shape:
    """alipay.trade.query."""
    assert trade.status is not None
    shape: Shape = {
        "buyer_logon_id": BUYER_LOGON_ID,
        "buyer_user_id": BUYER_ID,
        "buyer_user_type": "PRIVATE",
        **_NOTHING_PAID,
        "out_trade_no": trade.out_trade_no,
        "subject": trade.subject,
        "total_amount": yuan(trade.total),
        "trade_no": trade.trade_no,
        "trade_status": trade.status.value,
    }
    if trade.paid_at is not None:
        paid = yuan(trade.total)
        shape |= {
            "buyer_pay_amount": paid,
            "fund_bill_list": [{"amount": paid, "fund_channel": "ALIPAYACCOUNT"}],
            "invoice_amount": paid,
            "receipt_amount": paid,
            "send_pay_date": clock(trade.paid_at),
        }
    return shape


def refund_shape(trade: Trade, refund: Refund, *, moved_money: bool) -> Shape:
    """alipay.trade.refund; `refund_fee` is the sum of all refunds of the trade so far."""
    return {
        "buyer_logon_id": BUYER_LOGON_ID,
        "buyer_user_id": BUYER_ID,
        "fund_change": "Y" if moved_money else "N",
        "gmt_refund_pay": clock(refund.made_at),
        "out_trade_no": trade.out_trade_no,
        "refund_fee": yuan(trade.refunded),
        # The real one leaves it zero for merchants without a contract for it.
        "send_back_fee": "0.00",
        "trade_no": trade.trade_no,
    }


def refund_query_shape(trade: Trade, refund: Refund, options: list[str]) -> Shape:
    """alipay.trade.fastpay.refund.query."""
    shape: Shape = {
        "out_request_no": refund.out_request_no,
        "out_trade_no": trade.out_trade_no,
        "refund_amount": yuan(refund.amount),
        "refund_status": "REFUND_SUCCESS",
        "send_back_fee": "0.00",
        "total_amount": yuan(trade.total),
        "trade_no": trade.trade_no,
    }
    if refund.reason:
        shape["refund_reason"] = refund.reason
    if "gmt_refund_pay" in options:
        shape["gmt_refund_pay"] = clock(refund.made_at)
    return shape
