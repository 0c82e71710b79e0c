"""PayPal's access tokens: https://developer.paypal.com/api/rest/authentication/."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from urllib.parse import parse_qs

from pydantic import BaseModel

from sandbox.simulator.config import SimulatorConfig
from sandbox.simulator.paypal.errors import PayPalError, Shape, TokenError, invalid_token
from sandbox.simulator.store import Collection, Store

_LIFE_SECONDS = 32_400
_SCOPE = "https://uri.paypal.com/services/payments/payment openid"


class _Token(BaseModel):
    expires_at: float


class Tokens:
    """The tokens that were given out; they survive a restart, as the callers' copies do."""

    def __init__(self, store: Store, config: SimulatorConfig) -> None:
        self._tokens = Collection(store, "paypal.token", _Token)
        self._id = config.paypal_client_id
        self._secret = config.paypal_client_secret.get_secret_value()

    def issue(self, authorization: str, form: str) -> Shape:
        """A new token for the merchant.

        Raises:
            TokenError: it is not our merchant, or wants something else.
        """
        if not _same(_basic(authorization), f"{self._id}:{self._secret}"):
            raise TokenError(401, "invalid_client", "Client Authentication failed")
        if parse_qs(form).get("grant_type") != ["client_credentials"]:
            raise TokenError(400, "unsupported_grant_type", "Grant Type is NULL")
        token = "A21AA" + secrets.token_urlsafe(66)
        self._tokens.put(token, _Token(expires_at=time.time() + _LIFE_SECONDS))
        return {
            "scope": _SCOPE,
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": _LIFE_SECONDS,
            "nonce": secrets.token_urlsafe(33),
        }

    def check(self, authorization: str) -> None:
        """Let the bearer of a living token pass.

        Raises:
            PayPalError: there is no token, or it is none of ours.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise PayPalError(401)
        known = self._tokens.get(token)
        if known is None or known.expires_at < time.time():
            raise invalid_token()


def _basic(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _same(given: str, ours: str) -> bool:
    return secrets.compare_digest(given.encode(), ours.encode())
