"""RSA keys as merchants have them: PEM text, a file's path, or the bare base64 of a console."""

from __future__ import annotations

import base64
import binascii
import textwrap
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


class InvalidKey(ValueError):
    """A configured key cannot be read; the message says what is wrong, never what it holds."""


def private_key(source: str) -> RSAPrivateKey:
    """The private key in `source` (PKCS#1 or PKCS#8, without a password).

    Raises:
        InvalidKey: there is none.
    """
    for pem in _candidates(source, "PRIVATE KEY", "RSA PRIVATE KEY"):
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        if isinstance(key, RSAPrivateKey):
            return key
    raise InvalidKey("no RSA private key without a password can be read")


def public_key(source: str) -> RSAPublicKey:
    """The public key in `source`; a certificate's key counts.

    Raises:
        InvalidKey: there is none.
    """
    for pem in _candidates(source, "PUBLIC KEY", "RSA PUBLIC KEY"):
        try:
            key = (
                load_pem_x509_certificate(pem).public_key()
                if pem.startswith(_CERTIFICATE)
                else serialization.load_pem_public_key(pem)
            )
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, RSAPublicKey):
            return key
    raise InvalidKey("no RSA public key can be read")


def pem_text(source: str) -> str:
    """PEM text, read from a file if `source` is a path.

    Raises:
        InvalidKey: it is neither.
    """
    # In an environment variable, line ends are often written as two characters.
    text = source.replace("\\n", "\n").strip()
    if text.startswith("-----BEGIN"):
        return text
    try:
        return Path(text).expanduser().read_text().strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InvalidKey(
            f"it is neither PEM nor a readable file ({type(error).__name__})"
        ) from None


def _candidates(source: str, *labels: str) -> list[bytes]:
    if not source.strip():
        raise InvalidKey("it is empty")
    bare = "".join(source.split())
    try:
        base64.b64decode(bare, validate=True)
    except binascii.Error:
        text = pem_text(source)
        if not text.startswith("-----BEGIN"):
            return _candidates(text, *labels)
        return [text.encode()]
    if len(bare) < 200:
        # A path may look like base64; no RSA key is that short.
        return _candidates(pem_text(source), *labels)
    body = "\n".join(textwrap.wrap(bare, 64))
    return [
        f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode() for label in labels
    ]
