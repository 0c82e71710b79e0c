"""Alipay's signature "RSA2": RSA-SHA256 (PKCS#1 v1.5) in base64, always over text.

https://docs.open.alipay.com/200/106120, OpenAPI 2.0.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

SIGN_TYPE = "RSA2"


def signed_text(params: Mapping[str, str]) -> str:
    """What is signed of `params`: sorted by name, joined, nothing URL-encoded."""
    return "&".join(f"{name}={value}" for name, value in sorted(params.items()))


def signed_query(common: Mapping[str, str], biz_content: str, key: RSAPrivateKey) -> dict[str, str]:
    """The query of a request whose body is `biz_content`: `common` without blanks, and its `sign`.

    `sign_type` is signed like any other; in notifications it is not.
    """
    query = {name: value for name, value in common.items() if value}
    return {**query, "sign": sign(signed_text({**query, "biz_content": biz_content}), key)}


def sign(text: str, key: RSAPrivateKey) -> str:
    """The signature of `text`."""
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def verify(text: str, signature: str, key: RSAPublicKey) -> bool:
    """Whether the holder of `key` signed exactly this text."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text.encode(), PKCS1v15(), SHA256())
    # ValueError: a signature that is not base64.
    except (InvalidSignature, ValueError):
        return False
    return True
