"""WeChat Pay API v3 for a direct merchant: native and JSAPI payments, refunds, notifications."""

from sandbox.simulator.wechatpay.party import WeChatPay

__all__ = ["WeChatPay"]
