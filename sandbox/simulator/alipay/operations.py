"""What Alipay's gateway can be asked, each as Alipay itself would do or refuse it."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.simulator.alipay.books import Books
from sandbox.simulator.alipay.cashier import cashier_page
from sandbox.simulator.alipay.errors import invalid_parameter, refused
from sandbox.simulator.alipay.model import Refund, Trade, TradeStatus
from sandbox.simulator.alipay.params import (
    Content,
    PlaceOrder,
    Reference,
    RefundOrder,
    RefundReference,
)
from sandbox.simulator.alipay.shapes import (
    NOTHING_REFUNDED,
    Shape,
    refund_query_shape,
    refund_shape,
    trade_shape,
    unknown_trade,
)

_WEB_PRODUCT = "FAST_INSTANT_TRADE_PAY"


@dataclass(frozen=True, slots=True)
class Done:
    """The answer of a method; `page` is for a browser, and then nothing is signed."""

    shape: Shape
    trade: Trade | None = None
    verdict: str = "committed"
    page: str = ""


class Operations:
    """The methods; each raises AlipayError before it changes anything, or does it all."""

    def __init__(self, books: Books, seller_id: str) -> None:
        self._books = books
        self._seller_id = seller_id

    def precreate(self, content: Content, notify_url: str) -> Done:
        """alipay.trade.precreate: a code to scan; no trade exists yet."""
        trade, verdict = self._place(PlaceOrder.read(content), notify_url)
        shape: Shape = {"out_trade_no": trade.out_trade_no, "qr_code": trade.qr_code}
        return Done(shape, trade, verdict)

    def page_pay(self, content: Content, notify_url: str) -> Done:
        """alipay.trade.page.pay: the buyer's browser comes with the signed request."""
        order = PlaceOrder.read(content)
        if order.product_code != _WEB_PRODUCT:
            raise invalid_parameter("product_code")
        trade, verdict = self._place(order, notify_url)
        return Done({}, trade, verdict, page=cashier_page(trade))

    def query(self, content: Content, _: str) -> Done:
        """alipay.trade.query."""
        reference = Reference.read(content)
        trade = self._existing(reference, unknown_trade(reference.out_trade_no))
        return Done(trade_shape(trade), trade, "read")

    def close(self, content: Content, _: str) -> Done:
        """alipay.trade.close: only while the buyer has not paid."""
        reference = Reference.read(content)
        named: Shape = {"out_trade_no": reference.out_trade_no}
        trade = self._existing(reference, named)
        if trade.status is not TradeStatus.WAIT_BUYER_PAY:
            paid = trade.status is TradeStatus.TRADE_SUCCESS
            code = "ACQ.TRADE_STATUS_ERROR" if paid else "ACQ.REASON_TRADE_STATUS_INVALID"
            raise refused(code, fields=named)
        self._books.close(trade)
        return Done(_names(trade), trade)

    def cancel(self, content: Content, _: str) -> Done:
        """alipay.trade.cancel: closes an unpaid trade and gives back the money of a paid one."""
        reference = _named(Reference.read(content))
        trade = self._books.find(reference)
        if trade is None or trade.status is None:
            return Done({"out_trade_no": reference.out_trade_no, "retry_flag": "N"})
        action = "close" if trade.paid_at is None else "refund"
        if trade.status is TradeStatus.WAIT_BUYER_PAY:
            self._books.close(trade)
        elif trade.status is not TradeStatus.TRADE_CLOSED:
            _refuse_to_cancel(trade)
            self._books.refund(trade, _refund(trade, trade.trade_no, trade.total, "撤销"))
        return Done({**_names(trade), "action": action, "retry_flag": "N"}, trade)

    def refund(self, content: Content, _: str) -> Done:
        """alipay.trade.refund: once per `out_request_no`."""
        order = RefundOrder.read(content)
        amount = order.fen()
        trade = self._existing(order, NOTHING_REFUNDED)
        number = order.out_request_no or trade.out_trade_no
        made = self._books.refund_of(trade, number)
        if made is not None:
            if made.amount != amount:
                raise refused("ACQ.DISCORDANT_REPEAT_REQUEST", fields=NOTHING_REFUNDED)
            return Done(refund_shape(trade, made, moved_money=False), trade, "replayed")
        _refuse_to_refund(trade, amount, numbered=bool(order.out_request_no))
        refund = _refund(trade, number, amount, order.refund_reason)
        self._books.refund(trade, refund)
        return Done(refund_shape(trade, refund, moved_money=True), trade)

    def refund_query(self, content: Content, _: str) -> Done:
        """alipay.trade.fastpay.refund.query: success without fields says that there is none."""
        reference = RefundReference.read(content)
        trade = self._existing(reference)
        refund = self._books.refund_of(trade, reference.out_request_no)
        if refund is None:
            return Done({}, trade, "read")
        return Done(refund_query_shape(trade, refund, reference.query_options), trade, "read")

    def _place(self, order: PlaceOrder, notify_url: str) -> tuple[Trade, str]:
        amount, expires_at = order.fen(), order.expires_at()
        if order.seller_id not in {"", self._seller_id}:
            raise invalid_parameter("seller_id")
        known = self._books.trades.get(order.out_trade_no)
        if known is not None:
            _refuse_another_order(known, amount, order.subject)
            if known.is_open():
                return known, "replayed"
        trade = Trade(
            out_trade_no=order.out_trade_no,
            asked=amount,
            total=amount,
            subject=order.subject,
            body=order.body,
            passback_params=order.passback_params,
            notify_url=notify_url,
            expires_at=expires_at,
        )
        self._books.save(trade)
        return trade, "committed"

    def _existing(self, reference: Reference, fields: Shape | None = None) -> Trade:
        trade = self._books.find(_named(reference))
        if trade is None or trade.status is None:
            raise refused("ACQ.TRADE_NOT_EXIST", fields=fields)
        return trade


def _refuse_to_cancel(trade: Trade) -> None:
    if trade.status is TradeStatus.TRADE_FINISHED:
        raise refused("ACQ.TRADE_HAS_FINISHED")
    if trade.refunded:
        raise refused("ACQ.REASON_TRADE_REFUND_FEE_ERR")


def _refuse_to_refund(trade: Trade, amount: int, *, numbered: bool) -> None:
    code = ""
    if trade.status is TradeStatus.TRADE_FINISHED:
        code = "ACQ.TRADE_HAS_FINISHED"
    elif trade.status is not TradeStatus.TRADE_SUCCESS:
        code = "ACQ.TRADE_STATUS_ERROR"
    elif amount > trade.refundable:
        code = "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    elif not numbered and amount != trade.total:
        code = "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    if code:
        raise refused(code, fields=NOTHING_REFUNDED)


def _named(reference: Reference) -> Reference:
    if not reference.trade_no and not reference.out_trade_no:
        raise invalid_parameter("out_trade_no")
    return reference


def _refuse_another_order(known: Trade, amount: int, subject: str) -> None:
    if known.paid_at is not None:
        raise refused("ACQ.TRADE_HAS_SUCCESS")
    if known.status is TradeStatus.TRADE_CLOSED:
        raise refused("ACQ.TRADE_HAS_CLOSE")
    if (known.asked, known.subject) != (amount, subject):
        raise refused("ACQ.CONTEXT_INCONSISTENT")


def _names(trade: Trade) -> Shape:
    return {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}


def _refund(trade: Trade, number: str, amount: int, reason: str) -> Refund:
    return Refund(
        out_trade_no=trade.out_trade_no, out_request_no=number, amount=amount, reason=reason
    )
