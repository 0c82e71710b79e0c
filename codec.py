"""Payload encryption: nothing personal is readable in Temporal's histories (law 10)."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

_ENCODING = b"binary/encrypted"
_CIPHER = b"AES-256-GCM"
_NONCE_BYTES = 12


class UndecryptablePayload(RuntimeError):
    """The payload's key is not in the ring, or the payload was changed."""


class EncryptingCodec(PayloadCodec):
    """AES-256-GCM with a ring of keys: the first encrypts, all decrypt.

    The key's id is stored beside each payload and authenticated with it, so keys are rotated by
    putting a new one in front; an old one may go when no history needs it any more.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ring = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(self._ring))

    @classmethod
    def from_ring(cls, ring: Sequence[tuple[str, str]]) -> EncryptingCodec:
        """From (key id, base64 of 32 bytes) pairs, the encrypting key first."""
        return cls({key_id: base64.b64decode(encoded) for key_id, encoded in ring})

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Encrypt each payload under the current key."""
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Decrypt what was encrypted here; other payloads pass unchanged.

        Raises:
            UndecryptablePayload: the key is unknown or the content was tampered with.
        """
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        key_id = self._current.encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ring[self._current].encrypt(nonce, payload.SerializeToString(), key_id)
        return Payload(
            metadata={"encoding": _ENCODING, "cipher": _CIPHER, "key-id": key_id},
            data=nonce + sealed,
        )

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        key_id = payload.metadata["key-id"]
        cipher = self._ring.get(key_id.decode())
        if cipher is None:
            raise UndecryptablePayload(f"key {key_id.decode()!r} is not in PAYLOAD_KEYS")
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, key_id))
        except InvalidTag as error:
            raise UndecryptablePayload("the payload was changed after it was sealed") from error
