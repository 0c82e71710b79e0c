"""The page that a buyer's browser gets for `alipay.trade.page.pay`."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from sandbox.simulator.alipay.formats import yuan
from sandbox.simulator.alipay.model import Trade

_PAGE = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><title>支付宝收银台（模拟）</title>
<h1>支付宝收银台（模拟）</h1>
<p>{subject}</p>
<p>商户订单号 {number}</p>
<p><strong>¥{amount}</strong></p>
<form method="post" action="/_sim/alipay/{path}/pay"><button>确认付款</button></form>
</html>
"""


def cashier_page(trade: Trade) -> str:
    """What the buyer sees; the button pays through the control API."""
    return _PAGE.format(
        subject=escape(trade.subject),
        number=escape(trade.out_trade_no),
        amount=yuan(trade.asked),
        path=quote(trade.out_trade_no, safe=""),
    )
