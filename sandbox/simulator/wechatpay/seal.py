"""How WeChat Pay proves what it says: signed headers and encrypted resources.

https://pay.weixin.qq.com/doc/v3/merchant/4013053249 and .../4012071382.
"""

from __future__ import annotations

import base64
import time
from enum import Enum, auto
from secrets import choice, token_hex
from string import ascii_letters, digits

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.simulator.wechatpay.certificate import platform_certificate, serial_of

ALGORITHM = "WECHATPAY2-SHA256-RSA2048"
# With such a signature WeChat Pay probes now and then whether a merchant verifies at all.
_PROBE = "WECHATPAY/SIGNTEST/"
_ALPHANUMERIC = ascii_letters + digits


class Truth(Enum):
    """How an answer is signed; `FORGED` looks as if somebody had changed it on its way."""

    SIGNED = auto()
    UNSIGNED = auto()
    FORGED = auto()


class Seal:
    """WeChat Pay's own key, known as a public key with an id and as a platform certificate."""

    def __init__(self, private_key: RSAPrivateKey, public_key_id: str, apiv3_key: str) -> None:
        self._private_key = private_key
        self._aead = AESGCM(apiv3_key.encode())
        self.public_key_id = public_key_id
        self.certificate = platform_certificate(private_key)

    @property
    def serials(self) -> tuple[str, str]:
        """The names of the key that a merchant may choose from."""
        return self.public_key_id, serial_of(self.certificate)

    def answer_headers(self, raw: bytes, serial: str, truth: Truth) -> dict[str, str]:
        """The headers of an answer with the body `raw`."""
        match truth:
            case Truth.UNSIGNED:
                return {}
            case Truth.FORGED:
                return self._headers(raw + b" ", serial)
            case Truth.SIGNED:
                return self._headers(raw, serial)

    def notification_headers(self, raw: bytes, *, truly: bool) -> dict[str, str]:
        """The headers of one delivery, signed now; a probe unless `truly`."""
        headers = self._headers(raw, self.public_key_id)
        if not truly:
            headers["Wechatpay-Signature"] = _PROBE + headers["Wechatpay-Signature"][len(_PROBE) :]
        return headers

    def encrypt(self, plaintext: str, associated_data: str) -> dict[str, str]:
        """An encrypted resource; the tag is the ciphertext's end."""
        nonce = "".join(choice(_ALPHANUMERIC) for _ in range(12))
        sealed = self._aead.encrypt(nonce.encode(), plaintext.encode(), associated_data.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": associated_data,
            "nonce": nonce,
        }

    def _headers(self, raw: bytes, serial: str) -> dict[str, str]:
        timestamp, nonce = str(int(time.time())), token_hex(16).upper()
        message = f"{timestamp}\n{nonce}\n".encode() + raw + b"\n"
        signature = self._private_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": ALGORITHM,
        }
