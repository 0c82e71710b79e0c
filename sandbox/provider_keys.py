"""Throwaway keys of the simulated providers and of our merchant accounts with them.

Made up once for a data directory. Each pair is shared as in real life: the merchant's private key
is ours, the provider's private key is the simulator's, and each side holds the other's public key.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PAYPAL_CERTIFICATE_NAME = "messageverificationcerts.paypal.com"

_LIFE = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class ProviderKeys:
    """Where the PEM files are; `paypal_chain` holds the leaf that signs and its intermediate."""

    directory: Path

    @property
    def alipay_merchant(self) -> Path:
        """Our private key at Alipay."""
        return self.directory / "alipay-merchant.pem"

    @property
    def alipay_provider(self) -> Path:
        """Alipay's private key."""
        return self.directory / "alipay-provider.pem"

    @property
    def wechatpay_merchant(self) -> Path:
        """Our private key at WeChat Pay."""
        return self.directory / "wechatpay-merchant.pem"

    @property
    def wechatpay_provider(self) -> Path:
        """WeChat Pay's private key."""
        return self.directory / "wechatpay-provider.pem"

    @property
    def paypal_provider(self) -> Path:
        """The private key that PayPal signs webhooks with."""
        return self.directory / "paypal-provider.pem"

    @property
    def paypal_chain(self) -> Path:
        """The certificate of that key, and the intermediate that signed it."""
        return self.directory / "paypal-chain.pem"

    @property
    def paypal_root(self) -> Path:
        """The root that the chain ends in."""
        return self.directory / "paypal-root.pem"

    @property
    def fcm_account(self) -> Path:
        """The private key of our service account at Google."""
        return self.directory / "fcm-account.pem"

    @property
    def web_push(self) -> Path:
        """Our VAPID key, on the curve P-256."""
        return self.directory / "web-push.pem"

    def public_half(self, private: Path) -> Path:
        """The public key that belongs to one of the private ones."""
        return private.with_suffix(".pub.pem")


def ensure_keys(directory: Path) -> ProviderKeys:
    """The keys in `directory`; those that are missing are made up."""
    directory.mkdir(parents=True, exist_ok=True)
    keys = ProviderKeys(directory)
    pairs = (
        keys.alipay_merchant,
        keys.alipay_provider,
        keys.wechatpay_merchant,
        keys.wechatpay_provider,
        keys.fcm_account,
    )
    for path in pairs:
        if not keys.public_half(path).exists():
            _write_pair(path, keys.public_half(path))
    if not keys.paypal_chain.exists():
        _write_chain(keys)
    if not keys.web_push.exists():
        _write(keys.web_push, _private_pem(ec.generate_private_key(ec.SECP256R1())))
    return keys


def _write_pair(private: Path, public: Path) -> None:
    key = _new_key()
    _write(private, _private_pem(key))
    # Written last: it says that the pair is complete.
    _write(public, _public_pem(key))


def _write_chain(keys: ProviderKeys) -> None:
    root_key, middle_key, leaf_key = _new_key(), _new_key(), _new_key()
    root = _certificate("Simulated PayPal root", root_key, None, root_key, _authority(1))
    middle = _certificate("Simulated PayPal issuer", middle_key, root, root_key, _authority(0))
    leaf = _certificate(PAYPAL_CERTIFICATE_NAME, leaf_key, middle, middle_key, _leaf)
    _write(keys.paypal_root, _certificate_pem(root))
    _write(keys.paypal_provider, _private_pem(leaf_key))
    _write(keys.paypal_chain, _certificate_pem(leaf) + _certificate_pem(middle))


Extend = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def _certificate(
    name: str,
    key: rsa.RSAPrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: rsa.RSAPrivateKey,
    extend: Extend,
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer_id, critical=False)
    )
    return extend(builder).sign(issuer_key, hashes.SHA256())


def _authority(depth: int) -> Extend:
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )

    def extend(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        constraints = x509.BasicConstraints(ca=True, path_length=depth)
        return builder.add_extension(constraints, critical=True).add_extension(usage, critical=True)

    return extend


def _leaf(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    name = x509.SubjectAlternativeName([x509.DNSName(PAYPAL_CERTIFICATE_NAME)])
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(name, critical=False)
        .add_extension(purpose, critical=False)
    )


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
