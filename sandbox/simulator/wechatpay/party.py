"""WeChat Pay as a party: its paths, and what its customers, banks and operators can do."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from starlette.routing import Route

from sandbox.provider_keys import ProviderKeys
from sandbox.simulator.errors import Conflict
from sandbox.simulator.wechatpay.authorization import Merchant
from sandbox.simulator.wechatpay.books import PAY, SETTLE, Books
from sandbox.simulator.wechatpay.door import Door
from sandbox.simulator.wechatpay.events import EVENTS, PARTY, notification_route
from sandbox.simulator.wechatpay.model import Refund, RefundStatus, Trade, TradeState, serial_number
from sandbox.simulator.wechatpay.operations import Operations, Perform
from sandbox.simulator.wechatpay.seal import Seal
from sandbox.simulator.world import Move, World

_PREFIX = "/wechatpay/v3"


class WeChatPay:
    """WeChat Pay's API under `/wechatpay/v3`, its notifications, and the people at its other end.

    The prefix is part of what a merchant signs, as it is part of what the merchant sends.
    """

    name = PARTY

    def __init__(self, world: World) -> None:
        config = world.config
        keys = ProviderKeys(config.sim_keys)
        seal = Seal(
            _private_key(keys),
            config.wechatpay_public_key_id,
            config.wechatpay_apiv3_key.get_secret_value(),
        )
        merchant = Merchant(config.wechatpay_mchid, config.wechatpay_serial, _public_key(keys))
        self._books = Books(world, seal)
        self._door = Door(world, self._books, seal, merchant)
        self._calls = Operations(
            self._books, seal, mchid=config.wechatpay_mchid, appid=config.wechatpay_appid
        )
        world.outbox.add_route(notification_route(seal))
        world.schedule.add_action(PAY, self.pay)
        world.schedule.add_action(SETTLE, self._books.settle_by_itself)

    @property
    def operations(self) -> frozenset[str]:
        """What it can be asked, and the events that it calls back with."""
        return frozenset(operation for operation, _, _, _ in self._table()) | EVENTS

    @property
    def moves(self) -> Mapping[str, Move]:
        """Nothing besides."""
        return {}

    def routes(self) -> list[Route]:
        """Its real paths."""
        return [
            Route(_PREFIX + path, self._door.endpoint(operation, perform), methods=[method])
            for operation, method, path, perform in self._table()
        ]

    def pay(
        self, payment_id: str, *, force: bool = False, amount: int | None = None
    ) -> Mapping[str, object]:
        """The customer pays; `force` pays a code that was scanned before the trade was closed."""
        trade = self._books.trade_of(payment_id)
        if trade.state is TradeState.CLOSED and not force:
            raise Conflict(f"{payment_id} is CLOSED; add ?force=true for money that comes late")
        if not trade.paid:
            trade = self._books.pay(trade, amount)
        return self._view(trade)

    def decline(self, payment_id: str, code: str) -> Mapping[str, object]:  # noqa: ARG002
        """The customer's bank declines; only the customer sees why, and may try again."""
        trade = self._books.trade_of(payment_id)
        if trade.state is not TradeState.NOTPAY:
            raise Conflict(f"{payment_id} is {trade.state}")
        return self._view(trade)

    def process(self, payment_id: str) -> Mapping[str, object]:
        """No native or JSAPI payment is slow."""
        self._books.trade_of(payment_id)
        raise Conflict("no payment takes its time at this provider")

    def settle_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:
        """The bank lets the refund through, or an operator brings an abnormal one to its end."""
        trade = self._books.trade_of(payment_id)
        return _refund_view(self._books.settle(trade, refund_id))

    def fail_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:
        """The customer's bank returns the refund, and it takes a person to go on."""
        trade = self._books.trade_of(payment_id)
        return _refund_view(self._books.fail(trade, refund_id))

    def refund_outside(self, payment_id: str, amount: int | None) -> Mapping[str, object]:
        """Somebody refunds in WeChat Pay's web console, which does not tell the API's merchant."""
        trade = self._books.trade_of(payment_id)
        left = self._books.refundable(trade)
        wanted = left if amount is None else amount
        if not (trade.paid and 0 < wanted <= left):
            raise Conflict(f"{payment_id} is {trade.state} and has {left} fen left to refund")
        refund = Refund(
            out_refund_no=serial_number("80"),
            out_trade_no=trade.out_trade_no,
            amount=wanted,
            total=trade.paid_total,
        )
        self._books.refund(refund, trade)
        return self._view(trade)

    def dispute(self, payment_id: str) -> Mapping[str, object]:
        """Complaints have an API of their own."""
        self._books.trade_of(payment_id)
        raise Conflict("no such callback at this provider")

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The payments as WeChat Pay holds them, newest first."""
        trades = self._books.trades.latest(limit)
        chosen = [trade for trade in trades if not order_id or trade.attach == order_id]
        return {"payments": [self._view(trade) for trade in chosen]}

    def _table(self) -> list[tuple[str, str, str, Perform]]:
        calls, pay = self._calls, "/pay/transactions"
        trade, refunds = f"{pay}/out-trade-no/{{number}}", "/refund/domestic/refunds"
        return [
            ("create", "POST", f"{pay}/native", calls.create_native),
            ("create", "POST", f"{pay}/jsapi", calls.create_jsapi),
            ("retrieve", "GET", trade, calls.query),
            ("retrieve", "GET", f"{pay}/id/{{number}}", calls.query_transaction),
            ("cancel", "POST", f"{trade}/close", calls.close),
            ("refund", "POST", refunds, calls.refund),
            ("retrieve_refund", "GET", f"{refunds}/{{number}}", calls.query_refund),
            ("certificates", "GET", "/certificates", calls.certificates),
        ]

    def _view(self, trade: Trade) -> dict[str, object]:
        refunds = self._books.refunds_of(trade)
        arrived = sum(r.amount for r in refunds if r.status is RefundStatus.SUCCESS)
        return {
            "gateway": PARTY,
            "paymentId": trade.out_trade_no,
            "orderId": trade.attach,
            "providerRef": trade.out_trade_no,
            "status": trade.state.value,
            "open": trade.state is TradeState.NOTPAY,
            "amount": trade.total,
            "currency": "CNY",
            "captured": trade.paid_total,
            "refunded": arrived,
            "refunds": [_refund_view(refund) for refund in refunds],
        }


def _refund_view(refund: Refund) -> dict[str, object]:
    return {
        "refundId": refund.out_refund_no,
        "providerRef": refund.refund_id,
        "status": refund.status.value,
        "amount": refund.amount,
        "currency": "CNY",
    }


def _private_key(keys: ProviderKeys) -> RSAPrivateKey:
    key = load_pem_private_key(keys.wechatpay_provider.read_bytes(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def _public_key(keys: ProviderKeys) -> RSAPublicKey:
    key = load_pem_public_key(keys.public_half(keys.wechatpay_merchant).read_bytes())
    assert isinstance(key, RSAPublicKey)
    return key
