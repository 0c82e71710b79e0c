"""Alipay's books: how trades and refunds move, and what the merchant is told about it."""

from __future__ import annotations

import time

from sandbox.simulator.alipay.model import Refund, Trade, TradeStatus, new_trade_no
from sandbox.simulator.alipay.notifications import Notifications
from sandbox.simulator.alipay.params import Reference
from sandbox.simulator.errors import NotKnown
from sandbox.simulator.store import Collection
from sandbox.simulator.world import World


class Books:
    """The state; every method belongs to the caller's transaction."""

    def __init__(self, world: World, notifications: Notifications) -> None:
        self.trades = Collection(world.store, "alipay.trade", Trade)
        self._refunds = Collection(world.store, "alipay.refund", Refund)
        self._notifications = notifications

    def find(self, reference: Reference) -> Trade | None:
        """The trade with one of the two numbers; Alipay's own one wins."""
        if reference.trade_no:
            return next(iter(self.trades.owned(reference.trade_no)), None)
        return self.trades.get(reference.out_trade_no)

    def of_payment(self, payment_id: str) -> Trade:
        """The order that a merchant placed under our payment id.

        Raises:
            NotKnown: there is none.
        """
        trade = self.trades.get(payment_id)
        if trade is None:
            raise NotKnown(f"Alipay knows no order with out_trade_no={payment_id}")
        return trade

    def save(self, trade: Trade) -> None:
        """Write the trade."""
        self.trades.put(trade.out_trade_no, trade, owner=trade.trade_no)

    def begin(self, trade: Trade) -> None:
        """Somebody scans the code: the trade comes into being, and nobody is told."""
        now = time.time()
        trade.trade_no = new_trade_no(now)
        trade.created_at = now
        trade.status = TradeStatus.WAIT_BUYER_PAY
        self.save(trade)

    def pay(self, trade: Trade, amount: int | None = None) -> None:
        """The money arrives; `amount` makes it another amount than was asked for."""
        if trade.status is None:
            self.begin(trade)
        trade.status = TradeStatus.TRADE_SUCCESS
        trade.total = trade.asked if amount is None else amount
        trade.paid_at = time.time()
        trade.closed_at = None
        self._changed(trade)

    def close(self, trade: Trade) -> None:
        """The trade can no longer be paid."""
        trade.status = TradeStatus.TRADE_CLOSED
        trade.closed_at = time.time()
        self._changed(trade)

    def finish(self, trade: Trade) -> None:
        """The time for refunds is over."""
        trade.status = TradeStatus.TRADE_FINISHED
        self._changed(trade)

    def refund(self, trade: Trade, refund: Refund) -> None:
        """Money goes back; with the last of it the trade is closed."""
        trade.refunded += refund.amount
        if trade.refundable == 0:
            trade.status = TradeStatus.TRADE_CLOSED
            trade.closed_at = refund.made_at
        self._refunds.put(
            f"{refund.out_trade_no}/{refund.out_request_no}", refund, owner=refund.out_trade_no
        )
        self._changed(trade, refund)

    def refund_of(self, trade: Trade, out_request_no: str) -> Refund | None:
        """The refund with this number."""
        return self._refunds.get(f"{trade.out_trade_no}/{out_request_no}")

    def refunds_of(self, trade: Trade) -> list[Refund]:
        """All refunds of a trade, oldest first."""
        return self._refunds.owned(trade.out_trade_no)

    def _changed(self, trade: Trade, refund: Refund | None = None) -> None:
        self.save(trade)
        self._notifications.tell(trade, refund)
