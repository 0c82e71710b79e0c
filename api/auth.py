"""Who may call: holders of one of the keys in `API_KEYS`."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.problems import Refusal
from api.resources import Uses
from domain.order import Problem

_bearer = HTTPBearer(auto_error=False, description="One of the keys in `API_KEYS`.")


def authorize(
    uses: Uses, given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> str:
    """The caller's name: the hash of its API key.

    Raises:
        Refusal: the key is missing or not one of ours.
    """
    offered = caller_name(given.credentials) if given else ""
    # Every key is compared: the time taken must not tell which one was close.
    matches = [hmac.compare_digest(caller, offered) for caller in uses.callers]
    if not any(matches):
        raise Refusal(
            401,
            Problem(
                code="unauthorized",
                field="Authorization",
                message="send a valid API key: Authorization: Bearer <key>",
            ),
            headers={"WWW-Authenticate": "Bearer"},
        )
    return offered


def caller_name(key: str) -> str:
    """The hash that stands for an API key, in ids too."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


Caller = Annotated[str, Depends(authorize)]
