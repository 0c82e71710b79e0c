"""`Idempotency-Key`: the caller's name for one intended effect."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Header

from api.problems import refusal
from domain.ids import derived_id, encode_id

_LONGEST = 255


def _checked(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Your name for this request, 1 to 255 printable ASCII characters. The same"
            " key and body have the same effect once, and the same answer."
        ),
    ] = None,
) -> str | None:
    key = idempotency_key
    if key is not None and not (1 <= len(key) <= _LONGEST and key.isascii() and key.isprintable()):
        raise refusal(
            422,
            "idempotency_key_invalid",
            f"send 1 to {_LONGEST} printable ASCII characters",
            "Idempotency-Key",
        )
    return key


IdempotencyKey = Annotated[str | None, Depends(_checked)]


def new_id(prefix: str, key: str | None, *scope: str) -> str:
    """A new id; with a key, always the same one within `scope`."""
    return encode_id(prefix, uuid4()) if key is None else derived_id(prefix, *scope, key)
