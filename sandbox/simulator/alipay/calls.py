"""A request to the gateway address: where its parameters stand, and what the gateway checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.simulator.alipay.errors import AlipayError, GatewayRefusal, invalid_signature
from sandbox.simulator.alipay.formats import moment_of
from sandbox.simulator.alipay.params import Content, parse_content
from sandbox.simulator.alipay.signing import Keys, request_content

_DEFAULT_CHARSET = "gbk"
_CHARSETS = frozenset({"utf-8", "gbk", "gb2312"})
# In the order in which the gateway misses them.
_NEEDED = {
    "app_id": "isv.missing-app-id",
    "sign_type": "isv.missing-signature-type",
    "sign": "isv.missing-signature",
    "timestamp": "isv.missing-timestamp",
    "version": "isv.missing-version",
}

# The methods that this gateway has, as operations of the simulator.
METHODS: Mapping[str, str] = {
    "alipay.trade.precreate": "create",
    "alipay.trade.page.pay": "create",
    "alipay.trade.query": "retrieve",
    "alipay.trade.close": "cancel",
    "alipay.trade.cancel": "revoke",
    "alipay.trade.refund": "refund",
    "alipay.trade.fastpay.refund.query": "retrieve_refund",
}


@dataclass(frozen=True, slots=True)
class Call:
    """The parameters of one request, decoded; `charset` is also the answer's."""

    charset: str
    parameters: Mapping[str, str]

    @property
    def method(self) -> str:
        """The method's name, if it is one that there is."""
        method = self.parameters.get("method", "")
        return method if method in METHODS else ""

    @property
    def operation(self) -> str:
        """The same in the simulator's words."""
        return METHODS.get(self.method, "unknown")

    @property
    def answer_key(self) -> str:
        """Under which name the answer's object stands."""
        return self.method.replace(".", "_") + "_response" if self.method else "error_response"


async def read_call(request: Request) -> Call:
    """Take the parameters out of the query string and, of a POST, out of the form.

    Both are decoded in the charset that the *query string* names, or else in GBK: a client that
    names UTF-8 in the body alone has its Chinese garbled, and then its signature is wrong.

    Raises:
        GatewayRefusal: there is no such charset.
    """
    query = request.url.query
    charset = dict(parse_qsl(query)).get("charset", _DEFAULT_CHARSET).lower()
    if charset not in _CHARSETS:
        raise GatewayRefusal("40002", "isv.invalid-charset")
    text = (await request.body()).decode("ascii", "replace") if request.method == "POST" else ""
    body, head = (
        dict(parse_qsl(part, keep_blank_values=True, encoding=charset, errors="replace"))
        for part in (text, query)
    )
    return Call(charset, body | head)


def authenticate(call: Call, keys: Keys, app_id: str) -> Content:
    """Check what is common to all methods, and open `biz_content`.

    Raises:
        AlipayError: the request goes no further.
    """
    parameters = call.parameters
    if not call.method:
        missing = not parameters.get("method")
        code, sub_code = ("40001", "missing") if missing else ("40002", "invalid")
        raise GatewayRefusal(code, f"isv.{sub_code}-method")
    for name, sub_code in _NEEDED.items():
        if not parameters.get(name):
            raise GatewayRefusal("40001", sub_code)
    if parameters["app_id"] != app_id:
        raise GatewayRefusal("40002", "isv.invalid-app-id")
    if parameters["sign_type"] != "RSA2":
        raise GatewayRefusal("40002", "isv.invalid-signature-type")
    _check_signature(call, keys)
    if moment_of(parameters["timestamp"]) is None:
        raise AlipayError("40002", "isv.invalid-timestamp")
    if parameters.get("format", "JSON").upper() != "JSON":
        raise AlipayError("40002", "isv.invalid-format")
    return parse_content(parameters.get("biz_content", ""))


def _check_signature(call: Call, keys: Keys) -> None:
    content = request_content(call.parameters)
    if not keys.accepts(content.encode(call.charset, "replace"), call.parameters["sign"]):
        raise invalid_signature(content)
