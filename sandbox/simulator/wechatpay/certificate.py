"""WeChat Pay's platform certificate, for merchants who do not use its public key."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

_EFFECTIVE = datetime(2020, 1, 1, tzinfo=UTC)
_EXPIRES = datetime(2046, 1, 1, tzinfo=UTC)


def platform_certificate(key: RSAPrivateKey) -> x509.Certificate:
    """The certificate of `key`: the same one each time, so that it need not be stored."""
    public = key.public_key()
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # A first bit that is set makes the serial number 40 hex digits without leading zeros.
    number = int.from_bytes(hashlib.sha256(der).digest()[:20], "big") >> 1 | 1 << 158
    return (
        x509.CertificateBuilder()
        .subject_name(_name("Tenpay.com sign"))
        .issuer_name(_name("Tenpay.com Root CA"))
        .public_key(public)
        .serial_number(number)
        .not_valid_before(_EFFECTIVE)
        .not_valid_after(_EXPIRES)
        .sign(key, hashes.SHA256())
    )


def serial_of(certificate: x509.Certificate) -> str:
    """The certificate's serial number as it is written in headers."""
    return f"{certificate.serial_number:X}"


def pem_of(certificate: x509.Certificate) -> str:
    """The certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
