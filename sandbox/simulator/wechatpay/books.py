"""WeChat Pay's books: how trades and refunds move, and what is told about it."""

from __future__ import annotations

from sandbox.simulator.errors import Conflict, NotKnown
from sandbox.simulator.store import Collection
from sandbox.simulator.wechatpay.events import notify_paid, notify_refund
from sandbox.simulator.wechatpay.model import (
    Refund,
    RefundStatus,
    Trade,
    TradeState,
    beijing_now,
    serial_number,
)
from sandbox.simulator.wechatpay.seal import Seal
from sandbox.simulator.world import World

PAY = "wechatpay.pay"
SETTLE = "wechatpay.settle"

# No refund of WeChat Pay's is done at once.
_BANK_SECONDS = 0.2


class Books:
    """The state; every method belongs to the caller's transaction."""

    def __init__(self, world: World, seal: Seal) -> None:
        self._world = world
        self._seal = seal
        self.trades = Collection(world.store, "wechatpay.trade", Trade)
        self.refunds = Collection(world.store, "wechatpay.refund", Refund)

    def open(self, trade: Trade) -> None:
        """A new trade that waits for its customer."""
        self._save(trade)
        schedule = self._world.schedule
        schedule.after(schedule.defaults.auto_pay, PAY, trade.out_trade_no)

    def trade_of(self, payment_id: str) -> Trade:
        """The trade of our payment.

        Raises:
            NotKnown: there is none.
        """
        trade = self.trades.get(payment_id)
        if trade is None:
            raise NotKnown(f"WeChat Pay knows no trade with out_trade_no={payment_id}")
        return trade

    def transaction(self, transaction_id: str) -> Trade | None:
        """The paid trade with WeChat Pay's own number."""
        found = self.trades.owned(transaction_id) if transaction_id else []
        return found[0] if found else None

    def refunds_of(self, trade: Trade) -> list[Refund]:
        """The trade's refunds, oldest first."""
        return self.refunds.owned(trade.out_trade_no)

    def refundable(self, trade: Trade) -> int:
        """What is left to give back; only a closed refund frees its money again."""
        taken = (r.amount for r in self.refunds_of(trade) if r.status is not RefundStatus.CLOSED)
        return trade.paid_total - sum(taken)

    def pay(self, trade: Trade, amount: int | None = None) -> Trade:
        """The money arrives; `amount` makes it another amount than was asked for."""
        trade.stored_state = TradeState.SUCCESS
        trade.transaction_id = serial_number("420000")
        trade.paid_total = trade.total if amount is None else amount
        trade.success_time = beijing_now()
        self._save(trade)
        notify_paid(self._world.outbox, self._seal, trade)
        return trade

    def close(self, trade: Trade) -> None:
        """Nobody can pay any more; nothing is told."""
        trade.stored_state = TradeState.CLOSED
        self._save(trade)

    def refund(self, refund: Refund, trade: Trade, *, by_itself: bool = True) -> None:
        """Accept a refund; unless it goes through `by_itself` it waits for the bank."""
        self._keep(refund, trade)
        if by_itself:
            self._world.schedule.after(_BANK_SECONDS, SETTLE, refund.out_refund_no)

    def settle(self, trade: Trade, refund_id: str) -> Refund:
        """The bank lets the refund through, or a person brings an abnormal one to its end.

        Raises:
            Conflict: no refund of this trade waits.
        """
        waiting = {RefundStatus.PROCESSING, RefundStatus.ABNORMAL}
        return self._succeed(self._refund_in(trade, refund_id, waiting), trade)

    def settle_by_itself(self, out_refund_no: str) -> Refund:
        """The time that the bank takes is over.

        Raises:
            Conflict: the refund does not wait any more.
        """
        refund = self.refunds.get(out_refund_no)
        if refund is None or refund.status is not RefundStatus.PROCESSING:
            raise Conflict(f"refund {out_refund_no} does not wait")
        return self._succeed(refund, self.trade_of(refund.out_trade_no))

    def fail(self, trade: Trade, refund_id: str) -> Refund:
        """The bank returns the refund.

        Raises:
            Conflict: no refund of this trade is on its way.
        """
        refund = self._refund_in(trade, refund_id, {RefundStatus.PROCESSING})
        refund.status = refund.fails_as
        return self._told(refund, trade)

    def _succeed(self, refund: Refund, trade: Trade) -> Refund:
        refund.status = RefundStatus.SUCCESS
        refund.success_time = beijing_now()
        return self._told(refund, trade)

    def _refund_in(self, trade: Trade, refund_id: str, states: set[RefundStatus]) -> Refund:
        for refund in reversed(self.refunds_of(trade)):
            named = not refund_id or refund_id in {refund.out_refund_no, refund.refund_id}
            if named and refund.status in states:
                return refund
        wanted = " or ".join(sorted(states))
        raise Conflict(f"trade {trade.out_trade_no} has no refund that is {wanted}")

    def _told(self, refund: Refund, trade: Trade) -> Refund:
        self._keep(refund, trade)
        notify_refund(self._world.outbox, self._seal, refund, trade)
        return refund

    def _keep(self, refund: Refund, trade: Trade) -> None:
        self.refunds.put(refund.out_refund_no, refund, owner=trade.out_trade_no)
        touched = any(r.status is not RefundStatus.CLOSED for r in self.refunds_of(trade))
        trade.stored_state = TradeState.REFUND if touched else TradeState.SUCCESS
        self._save(trade)

    def _save(self, trade: Trade) -> None:
        self.trades.put(trade.out_trade_no, trade, owner=trade.transaction_id)
