"""Alipay as a party: its one address, and what its buyers and its web console can do."""

from __future__ import annotations

import time
from collections.abc import Mapping

from starlette.routing import Route

from sandbox.provider_keys import ProviderKeys
from sandbox.simulator.alipay.books import Books
from sandbox.simulator.alipay.calls import METHODS
from sandbox.simulator.alipay.door import Door, Perform
from sandbox.simulator.alipay.model import Refund, Trade, TradeStatus, new_console_refund_no
from sandbox.simulator.alipay.notifications import (
    EVENTS,
    PARTY,
    Notifications,
    notification_route,
)
from sandbox.simulator.alipay.operations import Done, Operations
from sandbox.simulator.alipay.params import Content
from sandbox.simulator.alipay.signing import Keys
from sandbox.simulator.errors import Conflict
from sandbox.simulator.world import Move, World

_PAY = "alipay.pay"
_EXPIRE = "alipay.expire"


class Alipay:
    """Alipay's gateway, its notifications, and the people at its other end."""

    name = PARTY

    def __init__(self, world: World) -> None:
        self._world = world
        keys = Keys.load(ProviderKeys(world.config.sim_keys))
        self._books = Books(world, Notifications(world, keys))
        calls = Operations(self._books, world.config.alipay_seller_id)
        methods = {
            "alipay.trade.precreate": self._placing(calls.precreate),
            "alipay.trade.page.pay": self._placing(calls.page_pay),
            "alipay.trade.query": calls.query,
            "alipay.trade.close": calls.close,
            "alipay.trade.cancel": calls.cancel,
            "alipay.trade.refund": calls.refund,
            "alipay.trade.fastpay.refund.query": calls.refund_query,
        }
        self._door = Door(world, self._books, keys, methods)
        world.outbox.add_route(notification_route())
        world.schedule.add_action(_PAY, self.pay)
        world.schedule.add_action(_EXPIRE, self._expire)

    @property
    def operations(self) -> frozenset[str]:
        """What it can be asked, and the events that it calls back with."""
        return frozenset(METHODS.values()) | EVENTS

    @property
    def moves(self) -> Mapping[str, Move]:
        """To scan the code without paying, and to end the time for refunds."""
        return {
            "scan": lambda payment_id, _: self.scan(payment_id),
            "finish": lambda payment_id, _: self.finish(payment_id),
        }

    def routes(self) -> list[Route]:
        """Its real path."""
        return [Route("/alipay/gateway.do", self._door.enter, methods=["GET", "POST"])]

    def scan(self, payment_id: str) -> Mapping[str, object]:
        """The buyer scans the code, or logs in at the cashier; from now on the trade exists."""
        trade = self._open_trade(payment_id)
        self._await_payment(trade)
        return self._view(trade)

    def pay(
        self, payment_id: str, *, force: bool = False, amount: int | None = None
    ) -> Mapping[str, object]:
        """The buyer pays; `force` makes money arrive for what is closed or expired as well."""
        trade = self._books.of_payment(payment_id)
        if trade.paid_at is None:
            if not trade.is_open() and not force:
                state = trade.status or "expired"
                raise Conflict(f"{payment_id} is {state}; add ?force=true for money that is late")
            self._books.pay(trade, amount)
        return self._view(trade)

    def decline(self, payment_id: str, code: str) -> Mapping[str, object]:  # noqa: ARG002
        """The buyer's bank declines; Alipay shows that to the buyer and to nobody else."""
        return self.scan(payment_id)

    def process(self, payment_id: str) -> Mapping[str, object]:
        """Alipay has no payment that is neither made nor open."""
        self._books.of_payment(payment_id)
        raise Conflict("a payment at Alipay is made at once or not at all")

    def settle_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:  # noqa: ARG002
        """Alipay's refunds are made at once."""
        self._books.of_payment(payment_id)
        raise Conflict("a refund at Alipay is made at once: none is pending")

    def fail_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:  # noqa: ARG002
        """Alipay's refunds are made at once."""
        self._books.of_payment(payment_id)
        raise Conflict("a refund at Alipay is made at once: none can fail later")

    def refund_outside(self, payment_id: str, amount: int | None) -> Mapping[str, object]:
        """Somebody refunds in Alipay's web console; all that is left without `amount`."""
        trade = self._books.of_payment(payment_id)
        wanted = trade.refundable if amount is None else amount
        if trade.status is not TradeStatus.TRADE_SUCCESS or not 0 < wanted <= trade.refundable:
            raise Conflict(f"{payment_id} has no {wanted} fen to refund")
        refund = Refund(
            out_trade_no=trade.out_trade_no,
            out_request_no=new_console_refund_no(time.time()),
            amount=wanted,
            outside=True,
        )
        self._books.refund(trade, refund)
        return _refund_view(refund)

    def dispute(self, payment_id: str) -> Mapping[str, object]:
        """Alipay does not tell merchants by a callback."""
        self._books.of_payment(payment_id)
        raise Conflict("no such callback at this provider")

    def finish(self, payment_id: str) -> Mapping[str, object]:
        """The time for refunds is over."""
        trade = self._books.of_payment(payment_id)
        if trade.status is not TradeStatus.TRADE_SUCCESS:
            raise Conflict(f"{payment_id} is {trade.status or 'not paid'}")
        self._books.finish(trade)
        return self._view(trade)

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The payments as Alipay holds them, newest first."""
        trades = self._books.trades.latest(limit)
        chosen = [trade for trade in trades if not order_id or trade.order_id == order_id]
        return {"payments": [self._view(trade) for trade in chosen]}

    def _placing(self, place: Perform) -> Perform:
        def place_and_pay(content: Content, notify_url: str) -> Done:
            done = place(content, notify_url)
            if done.trade is not None and done.verdict == "committed":
                seconds = self._world.schedule.defaults.auto_pay
                self._world.schedule.after(seconds, _PAY, done.trade.out_trade_no)
            return done

        return place_and_pay

    def _await_payment(self, trade: Trade) -> None:
        if trade.status is not None:
            return
        self._books.begin(trade)
        seconds = max(0.0, trade.expires_at - time.time())
        self._world.schedule.after(seconds, _EXPIRE, trade.out_trade_no)

    def _expire(self, payment_id: str) -> None:
        trade = self._books.of_payment(payment_id)
        if trade.status is TradeStatus.WAIT_BUYER_PAY:
            self._books.close(trade)

    def _open_trade(self, payment_id: str) -> Trade:
        trade = self._books.of_payment(payment_id)
        if not trade.is_open():
            raise Conflict(f"{payment_id} is {trade.status or 'expired'}")
        return trade

    def _view(self, trade: Trade) -> dict[str, object]:
        return {
            "gateway": PARTY,
            "paymentId": trade.out_trade_no,
            "orderId": trade.order_id,
            "providerRef": trade.out_trade_no,
            "status": trade.status or "TRADE_NOT_EXIST",
            "open": trade.is_open(),
            "amount": trade.asked,
            "currency": "CNY",
            "captured": trade.total if trade.paid_at is not None else 0,
            "refunded": trade.refunded,
            "refunds": [_refund_view(refund) for refund in self._books.refunds_of(trade)],
        }


def _refund_view(refund: Refund) -> dict[str, object]:
    return {
        "refundId": "" if refund.outside else refund.out_request_no,
        "providerRef": refund.out_request_no,
        "status": "REFUND_SUCCESS",
        "amount": refund.amount,
        "currency": "CNY",
    }
