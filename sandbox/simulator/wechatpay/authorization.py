"""How a merchant proves its requests: https://pay.weixin.qq.com/doc/v3/merchant/4012365342."""

from __future__ import annotations

import base64
import binascii
import re
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.simulator.wechatpay.errors import sign_error
from sandbox.simulator.wechatpay.seal import ALGORITHM

_TOLERANCE_SECONDS = 300
_FIELD = r'[a-z_]+="[^"]*"'
_FIELDS = re.compile(rf"{_FIELD}(?:,{_FIELD})*")
_NAMES = ["mchid", "nonce_str", "serial_no", "signature", "timestamp"]


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that its signature covers; `target` is path and query as sent."""

    method: str
    target: bytes
    body: bytes

    def message(self, timestamp: str, nonce: str) -> bytes:
        """The bytes that are signed."""
        lines = [self.method.encode(), self.target, timestamp.encode(), nonce.encode(), self.body]
        return b"".join(line + b"\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Merchant:
    """The merchant as WeChat Pay knows it: number, certificate's serial number and public key."""

    mchid: str
    serial: str
    public_key: RSAPublicKey

    def verify(self, authorization: str, request: SignedRequest) -> None:
        """Check that the merchant has sent `request` just now.

        Raises:
            WeChatError: it has not, or does not prove it.
        """
        fields = _read(authorization)
        _refuse_stale(fields["timestamp"])
        if fields["mchid"] != self.mchid or fields["serial_no"] != self.serial:
            raise sign_error("商户证书序列号有误。请使用签名私钥匹配的证书序列号")
        message = request.message(fields["timestamp"], fields["nonce_str"])
        try:
            self.public_key.verify(
                base64.b64decode(fields["signature"], validate=True),
                message,
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
        except (InvalidSignature, binascii.Error):
            raise _mismatch(request, message) from None


def _read(authorization: str) -> dict[str, str]:
    scheme, _, rest = authorization.partition(" ")
    if scheme != ALGORITHM:
        raise sign_error("Http头Authorization认证类型不正确")
    pairs = re.findall(r'([a-z_]+)="([^"]*)"', rest)
    if not _FIELDS.fullmatch(rest) or sorted(name for name, _ in pairs) != _NAMES:
        raise sign_error("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
    return dict(pairs)


def _refuse_stale(timestamp: str) -> None:
    fresh = timestamp.isdecimal() and abs(time.time() - int(timestamp)) <= _TOLERANCE_SECONDS
    if not fresh:
        raise sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")


def _mismatch(request: SignedRequest, message: bytes) -> Exception:
    detail = {
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": request.method,
            "sign_message_length": len(message),
            "url": request.target.decode(errors="replace"),
        },
    }
    return sign_error("签名错误", detail=detail)
