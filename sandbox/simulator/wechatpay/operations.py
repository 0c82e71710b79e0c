"""What WeChat Pay's API can be asked, each as WeChat Pay itself would do or refuse it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import choice, token_hex
from string import ascii_letters, digits

from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.wechatpay.books import Books
from sandbox.simulator.wechatpay.certificate import pem_of, serial_of
from sandbox.simulator.wechatpay.errors import (
    WeChatError,
    invalid_request,
    order_not_exist,
    param_error,
    resource_not_exists,
)
from sandbox.simulator.wechatpay.model import (
    BEIJING,
    Refund,
    RefundStatus,
    Trade,
    TradeState,
    TradeType,
    beijing_now,
)
from sandbox.simulator.wechatpay.params import CloseTrade, CreateRefund, CreateTrade, parse_json
from sandbox.simulator.wechatpay.seal import Seal
from sandbox.simulator.wechatpay.shapes import Shape, refund_object, trade_object

_MAX_REFUNDS = 50
_DIFFERS = "订单金额或退款金额与之前请求不一致，请核实后再试"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the merchant has proved: the number in its path, its query and body."""

    number: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: Scenario | None = None

    def suffers(self, behavior: Behavior) -> bool:
        """Whether this misfortune is due."""
        return self.fault is not None and self.fault.behavior is behavior


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer; 204 without a shape. `verdict` and `ref` are for the journal."""

    shape: Shape | None
    verdict: str = "read"
    ref: str = ""


Perform = Callable[[Call], Reply]


class Operations:
    """The endpoints; each raises WeChatError before it changes anything, or does it all."""

    def __init__(self, books: Books, seal: Seal, *, mchid: str, appid: str) -> None:
        self._books = books
        self._seal = seal
        self._mchid = mchid
        self._appid = appid

    def create_native(self, call: Call) -> Reply:
        """POST /v3/pay/transactions/native: a code to scan, another one each time."""
        trade, verdict = self._create(call, TradeType.NATIVE)
        code = "".join(choice(ascii_letters + digits) for _ in range(9))
        url = f"weixin://wxpay/bizpayurl?pr={code}"
        return Reply({"code_url": url}, verdict, trade.out_trade_no)

    def create_jsapi(self, call: Call) -> Reply:
        """POST /v3/pay/transactions/jsapi: what a page inside WeChat pays with."""
        trade, verdict = self._create(call, TradeType.JSAPI)
        return Reply({"prepay_id": "wx" + token_hex(17)}, verdict, trade.out_trade_no)

    def query(self, call: Call) -> Reply:
        """GET /v3/pay/transactions/out-trade-no/{out_trade_no}."""
        return self._found(call, self._books.trades.get(call.number))

    def query_transaction(self, call: Call) -> Reply:
        """GET /v3/pay/transactions/id/{transaction_id}."""
        return self._found(call, self._books.transaction(call.number))

    def close(self, call: Call) -> Reply:
        """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close.

        A closed trade may be closed again, and one that does not exist is closed just as well.
        """
        self._refuse_other_merchant(CloseTrade.read(call.body).mchid, "body")
        trade = self._books.trades.get(call.number)
        if trade is None:
            return Reply(None)
        if call.suffers(Behavior.PAID_MEANWHILE) and trade.state is TradeState.NOTPAY:
            self._books.pay(trade)
        if trade.paid:
            raise WeChatError("ORDERPAID", "该订单已支付")
        verdict = "committed" if trade.state is TradeState.NOTPAY else "replayed"
        self._books.close(trade)
        return Reply(None, verdict, trade.out_trade_no)

    def refund(self, call: Call) -> Reply:
        """POST /v3/refund/domestic/refunds: accepted, not done."""
        params = CreateRefund.read(call.body)
        trade = self._refunded_trade(params)
        known = self._books.refunds.get(params.out_refund_no)
        if known is not None:
            _refuse_other_refund(known, params, trade)
            return Reply(refund_object(known, trade), "replayed", known.refund_id)
        self._refuse_unfit(params, trade)
        refund = Refund(
            out_refund_no=params.out_refund_no,
            out_trade_no=trade.out_trade_no,
            amount=params.amount.refund,
            total=params.amount.total,
            notify_url=params.notify_url,
        )
        slow = call.suffers(Behavior.REFUND_PENDING)
        if slow and call.fault is not None and call.fault.code == RefundStatus.CLOSED:
            refund.fails_as = RefundStatus.CLOSED
        self._books.refund(refund, trade, by_itself=not slow)
        return Reply(refund_object(refund, trade), "committed", refund.refund_id)

    def query_refund(self, call: Call) -> Reply:
        """GET /v3/refund/domestic/refunds/{out_refund_no}."""
        refund = self._books.refunds.get(call.number)
        if refund is None:
            raise resource_not_exists("退款单不存在")
        trade = self._books.trade_of(refund.out_trade_no)
        return Reply(refund_object(refund, trade), ref=refund.refund_id)

    def certificates(self, _: Call) -> Reply:
        """GET /v3/certificates."""
        certificate = self._seal.certificate
        effective = certificate.not_valid_before_utc.astimezone(BEIJING)
        expires = certificate.not_valid_after_utc.astimezone(BEIJING)
        item: Shape = {
            "serial_no": serial_of(certificate),
            "effective_time": effective.isoformat(timespec="seconds"),
            "expire_time": expires.isoformat(timespec="seconds"),
            "encrypt_certificate": self._seal.encrypt(pem_of(certificate), "certificate"),
        }
        return Reply({"data": [item]})

    def _create(self, call: Call, trade_type: TradeType) -> tuple[Trade, str]:
        params = CreateTrade.read(call.body)
        self._refuse_other_merchant(params.mchid, "body")
        if params.appid != self._appid:
            raise WeChatError("APPID_MCHID_NOT_MATCH", "AppID和mch_id不匹配")
        if trade_type is TradeType.JSAPI and params.payer is None:
            raise param_error("/payer", "Field required")
        asked = parse_json(call.body)
        known = self._books.trades.get(params.out_trade_no)
        if known is not None:
            _refuse_other_trade(known, asked, trade_type)
            return known, "replayed"
        trade = Trade(
            out_trade_no=params.out_trade_no,
            trade_type=trade_type,
            asked=asked,
            appid=params.appid,
            mchid=params.mchid,
            attach=params.attach,
            notify_url=params.notify_url,
            total=params.amount.total,
            time_expire=params.expiry(),
            openid=params.payer.openid if params.payer else "o" + token_hex(13) + "_",
        )
        if trade.state is TradeState.CLOSED:
            raise param_error("/time_expire", f"not after {beijing_now()}")
        self._books.open(trade)
        return trade, "committed"

    def _found(self, call: Call, trade: Trade | None) -> Reply:
        self._refuse_other_merchant(call.query.get("mchid", ""), "query")
        if trade is None:
            raise order_not_exist()
        return Reply(trade_object(trade), ref=trade.out_trade_no)

    def _refuse_other_merchant(self, mchid: str, location: str) -> None:
        if mchid != self._mchid:
            field_name = "/mchid" if location == "body" else "mchid"
            raise param_error(field_name, "not the merchant that signed", location=location)

    def _refunded_trade(self, params: CreateRefund) -> Trade:
        if not (params.transaction_id or params.out_trade_no):
            raise param_error("/transaction_id", "this or out_trade_no is required")
        by_number = self._books.trades.get(params.out_trade_no)
        by_transaction = self._books.transaction(params.transaction_id)
        trade = by_transaction if params.transaction_id else by_number
        if trade is None or not trade.paid:
            raise resource_not_exists("订单不存在")
        if params.out_trade_no not in {"", trade.out_trade_no}:
            raise invalid_request("您的请求参数与订单信息不一致")
        return trade

    def _refuse_unfit(self, params: CreateRefund, trade: Trade) -> None:
        left = self._books.refundable(trade)
        if params.amount.total not in {trade.total, trade.paid_total}:
            raise invalid_request(_DIFFERS)
        if left <= 0:
            raise invalid_request("订单已全额退款")
        if params.amount.refund > left:
            raise invalid_request("申请退款金额大于订单可退金额")
        if len(self._books.refunds_of(trade)) >= _MAX_REFUNDS:
            raise invalid_request("订单的部分退款次数已达上限")


def _refuse_other_trade(known: Trade, asked: Shape, trade_type: TradeType) -> None:
    if known.paid:
        raise WeChatError("ORDERPAID", "该订单已支付")
    if known.state is TradeState.CLOSED:
        raise WeChatError("ORDER_CLOSED", "该订单已关闭")
    if known.asked != asked or known.trade_type is not trade_type:
        raise WeChatError("OUT_TRADE_NO_USED", "商户订单号重复")


def _refuse_other_refund(known: Refund, params: CreateRefund, trade: Trade) -> None:
    now = (trade.out_trade_no, params.amount.refund, params.amount.total)
    if now != (known.out_trade_no, known.amount, known.total):
        raise invalid_request(_DIFFERS)
