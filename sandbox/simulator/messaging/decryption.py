"""How a browser reads a push message: RFC 8291 over RFC 8188, one record."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_SALT, _SIZE, _POINT = 16, 4, 65
_LAST_RECORD = 2


class Unreadable(Exception):
    """The message is not for this browser, or was damaged."""


def decrypt(body: bytes, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """The plain text of a message to the browser with this key and authentication secret.

    Raises:
        Unreadable: it is not one.
    """
    header = _SALT + _SIZE + 1
    if len(body) < header + _POINT or body[header - 1] != _POINT:
        raise Unreadable("the header is not that of RFC 8188 with a P-256 point")
    salt, sender, secret = body[:_SALT], body[header : header + _POINT], body[header + _POINT :]
    try:
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = key.exchange(ec.ECDH(), peer)
        own = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        material = _derive(auth, shared, b"WebPush: info\x00" + own + sender, 32)
        cipher = AESGCM(_derive(salt, material, b"Content-Encoding: aes128gcm\x00", 16))
        nonce = _derive(salt, material, b"Content-Encoding: nonce\x00", 12)
        plain = cipher.decrypt(nonce, secret, None).rstrip(b"\x00")
    except (ValueError, InvalidTag) as error:
        raise Unreadable("it is encrypted for another browser") from error
    if not plain or plain[-1] != _LAST_RECORD:
        raise Unreadable("the record's delimiter is missing")
    return plain[:-1]


def _derive(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(material)
