"""What an order's PDF says, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from babel.core import Locale as BabelLocale
from babel.dates import format_datetime
from babel.numbers import format_currency

from domain.money import Money
from domain.order import GatewayName, Locale

# The shop's own time, which its letters use, too; China has one zone and no summer time.
_CHINA = timezone(timedelta(hours=8))


class OrderWords(NamedTuple):
    """One language; `babel` is it as Babel has it, `moment` its pattern of a moment."""

    babel: BabelLocale
    moment: str
    shop: str
    title: str
    number: str
    placed: str
    payment: str
    recipient: str
    address: str
    note: str
    item: str
    sku: str
    price: str
    quantity: str
    amount: str
    subtotal: str
    discount: str
    shipping: str
    free: str
    tax: str
    total: str
    closing: str
    page: str
    gateways: Mapping[GatewayName, str]

    def money(self, amount: Money) -> str:
        """`amount` as this language writes it."""
        return format_currency(amount.amount, amount.currency, locale=self.babel)

    def time(self, moment: datetime) -> str:
        """`moment` on the shop's clock."""
        return format_datetime(moment, self.moment, tzinfo=_CHINA, locale=self.babel)


_CHINESE = OrderWords(
    babel=BabelLocale.parse("zh_CN"),
    moment="y年M月d日 HH:mm",
    shop="Orderflow",
    title="订单详情",
    number="订单编号",
    placed="下单时间",
    payment="支付方式",
    recipient="收货人",
    address="收货地址",
    note="备注",
    item="商品",
    sku="编号",
    price="单价",
    quantity="数量",
    amount="金额",
    subtotal="商品小计",
    discount="优惠",
    shipping="运费",
    free="免运费",
    tax="税费",
    total="合计",
    closing="本文件由系统自动生成，不作为发票使用。文中时间为北京时间。",
    page="第 {page} 页，共 {pages} 页",
    gateways={"stripe": "银行卡", "paypal": "PayPal", "alipay": "支付宝", "wechatpay": "微信支付"},
)
_ENGLISH = OrderWords(
    babel=BabelLocale.parse("en"),
    moment="MMM d, y, h:mm a",
    shop="Orderflow",
    title="Order details",
    number="Order number",
    placed="Placed on",
    payment="Paid with",
    recipient="Ship to",
    address="Address",
    note="Note",
    item="Item",
    sku="SKU",
    price="Price",
    quantity="Qty",
    amount="Amount",
    subtotal="Subtotal",
    discount="Discount",
    shipping="Shipping",
    free="Free",
    tax="Tax",
    total="Total",
    closing="This document was made automatically and is not an invoice. Times are UTC+8.",
    page="Page {page} of {pages}",
    gateways={"stripe": "Card", "paypal": "PayPal", "alipay": "Alipay", "wechatpay": "WeChat Pay"},
)


def order_words(locale: Locale) -> OrderWords:
    """The words of `locale`."""
    return _CHINESE if locale == "zh-CN" else _ENGLISH
