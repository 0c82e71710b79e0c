"""Alipay's refusals: the gateway's own codes, and `sub_code` of the trade product behind it."""

from __future__ import annotations

from collections.abc import Mapping

_MESSAGES: Mapping[str, str] = {
    "20000": "Service Currently Unavailable",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40005": "Call Limited",
}
_WORDS: Mapping[str, str] = {
    "ACQ.CONTEXT_INCONSISTENT": "交易信息被篡改",
    "ACQ.DISCORDANT_REPEAT_REQUEST": "退款金额不一致",
    "ACQ.INVALID_PARAMETER": "参数无效",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": "退款金额无效",
    "ACQ.REASON_TRADE_STATUS_INVALID": "交易状态异常",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "退款金额超限",
    "ACQ.SYSTEM_ERROR": "系统错误",
    "ACQ.TOTAL_FEE_EXCEED": "订单总金额不在允许范围内",
    "ACQ.TRADE_HAS_CLOSE": "交易已经关闭",
    "ACQ.TRADE_HAS_FINISHED": "交易已经完结",
    "ACQ.TRADE_HAS_SUCCESS": "交易已被支付",
    "ACQ.TRADE_NOT_EXIST": "交易不存在",
    "ACQ.TRADE_STATUS_ERROR": "交易状态不合法",
    "isp.unknow-error": "系统繁忙",
    "isv.app-call-limited": "应用调用次数超限，包含调用频率超限",
    "isv.illegal-json": "非法的JSON参数",
    "isv.invalid-app-id": "无效的AppID参数",
    "isv.invalid-charset": "非法的字符集参数",
    "isv.invalid-format": "非法的数据格式",
    "isv.invalid-method": "不存在的方法名",
    "isv.invalid-signature-type": "无效签名类型",
    "isv.invalid-timestamp": "非法的时间戳参数",
    "isv.missing-app-id": "缺少appId参数",
    "isv.missing-method": "缺少方法名参数",
    "isv.missing-signature": "缺少签名参数",
    "isv.missing-signature-type": "缺少签名类型参数",
    "isv.missing-timestamp": "缺少时间戳参数",
    "isv.missing-version": "缺少版本参数",
}

Fields = Mapping[str, object]


class AlipayError(Exception):
    """A refusal. `fields` stand beside the code in the answer."""

    def __init__(
        self, code: str, sub_code: str, *, message: str = "", fields: Fields | None = None
    ) -> None:
        super().__init__(sub_code)
        self.code = code
        self.sub_code = sub_code
        self._message = message or _WORDS.get(sub_code, "业务处理失败")
        self._fields = dict(fields or {})

    def shape(self) -> dict[str, object]:
        """The answer's object."""
        return {
            "code": self.code,
            "msg": _MESSAGES[self.code],
            "sub_code": self.sub_code,
            "sub_msg": self._message,
            **self._fields,
        }


class GatewayRefusal(AlipayError):
    """The gateway turned the request away before it looked at the sender's key: unsigned."""


def refused(sub_code: str, *, message: str = "", fields: Fields | None = None) -> AlipayError:
    """The trade product says no."""
    return AlipayError("40004", sub_code, message=message, fields=fields)


def unavailable(sub_code: str = "") -> AlipayError:
    """Something broke, and nobody can say what became of the request."""
    business = sub_code.startswith("ACQ.")
    return AlipayError("40004" if business else "20000", sub_code or "isp.unknow-error")


def throttled() -> AlipayError:
    """Too many calls; nothing was done."""
    return AlipayError("40005", "isv.app-call-limited")


def invalid_parameter(name: str) -> AlipayError:
    """A business parameter is missing or malformed."""
    return refused("ACQ.INVALID_PARAMETER", message=f"参数无效：{name}")


def invalid_signature(content: str) -> AlipayError:
    """As the real one, it repeats the text that it checked the signature over."""
    shown = content.replace("&", "&amp;")
    return AlipayError(
        "40002",
        "isv.invalid-signature",
        message=(
            "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，"
            f"网关生成的验签字符串为：{shown}"
        ),
    )
