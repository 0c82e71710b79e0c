"""What a request is about, in the words of the journal and of scenarios."""

from __future__ import annotations

from sandbox.simulator.wechatpay.books import Books
from sandbox.simulator.wechatpay.model import Trade
from sandbox.simulator.wechatpay.operations import Call
from sandbox.simulator.wechatpay.params import Json, parse_json
from sandbox.simulator.world import Facts


def facts_of(operation: str, call: Call, books: Books) -> Facts:
    """The facts; what neither the request nor the books tell stays empty.

    WeChat Pay has no idempotency keys: the merchant's own numbers are.
    """
    body = parse_json(call.body)
    match operation:
        case "create":
            number = _text(body, "out_trade_no")
            return Facts(
                order_id=_text(body, "attach"),
                payment_id=number,
                ref=number,
                idempotency_key=number,
                amount=_amount(body, "total"),
            )
        case "refund":
            return _refund_facts(body, books)
        case "retrieve_refund":
            refund = books.refunds.get(call.number)
            trade = books.trades.get(refund.out_trade_no) if refund else None
            return _trade_facts(trade, refund_id=call.number)
        case "certificates":
            return Facts()
        case _:
            trade = books.trades.get(call.number) or books.transaction(call.number)
            return _trade_facts(trade, number=call.number)


def _refund_facts(body: Json, books: Books) -> Facts:
    number, refund_id = _text(body, "out_trade_no"), _text(body, "out_refund_no")
    trade = books.trades.get(number) or books.transaction(_text(body, "transaction_id"))
    return Facts(
        order_id=trade.attach if trade else "",
        payment_id=trade.out_trade_no if trade else number,
        ref=refund_id,
        idempotency_key=refund_id,
        amount=_amount(body, "refund"),
        refund_id=refund_id,
    )


def _trade_facts(trade: Trade | None, *, number: str = "", refund_id: str = "") -> Facts:
    return Facts(
        order_id=trade.attach if trade else "",
        payment_id=trade.out_trade_no if trade else number,
        ref=refund_id or number,
        amount=str(trade.total) if trade else "",
        refund_id=refund_id,
    )


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _amount(body: Json, name: str) -> str:
    amount = body.get("amount")
    return str(amount.get(name, "")) if isinstance(amount, dict) else ""
