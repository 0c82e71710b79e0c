"""RSA2: SHA256withRSA (PKCS#1 v1.5), base64; Alipay's and its merchant's keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from sandbox.provider_keys import ProviderKeys


def request_content(parameters: Mapping[str, str]) -> str:
    """What a merchant signs: everything but `sign` and blank values."""
    kept = {name: value for name, value in parameters.items() if name != "sign" and value}
    return _joined(kept)


def notification_content(fields: Mapping[str, str]) -> str:
    """What Alipay signs: everything but `sign` and `sign_type`, blank values included."""
    kept = {name: value for name, value in fields.items() if name not in {"sign", "sign_type"}}
    return _joined(kept)


def _joined(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))


@dataclass(frozen=True, slots=True)
class Keys:
    """Alipay's private key, and the public one that its merchant uploaded."""

    provider: RSAPrivateKey
    merchant: RSAPublicKey

    @classmethod
    def load(cls, files: ProviderKeys) -> Keys:
        """Read both from their PEM files."""
        provider = serialization.load_pem_private_key(
            files.alipay_provider.read_bytes(), password=None
        )
        merchant = serialization.load_pem_public_key(
            files.public_half(files.alipay_merchant).read_bytes()
        )
        assert isinstance(provider, RSAPrivateKey)
        assert isinstance(merchant, RSAPublicKey)
        return cls(provider, merchant)

    def sign(self, content: bytes) -> str:
        """Alipay's signature."""
        return base64.b64encode(self.provider.sign(content, PKCS1v15(), hashes.SHA256())).decode()

    def accepts(self, content: bytes, signature: str) -> bool:
        """Whether the merchant signed exactly this."""
        try:
            raw = base64.b64decode(signature, validate=True)
            self.merchant.verify(raw, content, PKCS1v15(), hashes.SHA256())
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True


def forged(signature: str) -> str:
    """A signature that looks like this one and fits nothing."""
    return base64.b64encode(base64.b64decode(signature)[::-1]).decode()
