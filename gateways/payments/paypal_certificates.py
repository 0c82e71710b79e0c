"""The certificates that PayPal signs its webhooks with: where they may come from, and their proof.

A webhook names the URL of its certificate. So an attacker may name any, and only two things make a
certificate PayPal's: the allow-listed place that it comes from, and the chain to a trusted root.
Nor may an attacker have us ask again and again: what is no certificate is remembered for a while,
and only so many questions are asked in a minute.
"""

from __future__ import annotations

import asyncio
import re
import warnings
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import certifi
import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import Certificate, DNSName, load_pem_x509_certificates
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from gateways.errors import InvalidCallback, OutcomeUnknown
from gateways.keys import InvalidKey, pem_text

SUBJECT = "messageverificationcerts.paypal.com"
LARGEST = 64 * 1024
FETCH_TIMEOUT = timedelta(seconds=5)
REMEMBERED_FOR = timedelta(days=1)
REMEMBERED = 8
REFUSED_FOR = timedelta(minutes=5)
MOST_FETCHES = 12
FETCHES_COUNTED_OVER = timedelta(minutes=1)

_MOST_REFUSED = 256

_LONGEST_CHAIN = 10
# No spaces, no backslash, no letters beyond ASCII: nothing that two parsers may read differently.
_URL = re.compile(r"https?://[!-\[\]-~]{1,2000}", re.ASCII)

_PATH = re.compile(r"v1/notifications/certs/[0-9A-Za-z_-]{1,100}", re.ASCII)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

_Origin = tuple[str, str, int | None]


class CertificateUrls:
    """Which URLs a certificate may come from.

    An entry is a host, reached by https on port 443, where only PayPal's path to its certificates
    is allowed; or a whole origin (`http://127.0.0.1:8004`) that plays PayPal, with any path.
    """

    def __init__(self, cert_hosts: Sequence[str]) -> None:
        entries = [entry for entry in cert_hosts if entry.strip()]
        self._hosts = {_origin(httpx.URL(f"https://{e}")) for e in entries if "://" not in e}
        self._origins = {_origin(httpx.URL(e)) for e in entries if "://" in e}

    def allow(self, url: str) -> bool:
        """Whether a certificate may be fetched from `url`."""
        if not _URL.fullmatch(url):
            return False
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            return False
        if parsed.userinfo:
            return False
        origin = _origin(parsed)
        # The rest of the URL, with its query and fragment: each is another one to an attacker.
        where_paypal_has_them = _PATH.fullmatch(url.split("/", 3)[-1]) is not None
        return origin in self._origins or (origin in self._hosts and where_paypal_has_them)


def _origin(url: httpx.URL) -> _Origin:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def trusted_roots(source: str) -> list[Certificate]:
    """The roots in `source`, PEM text or a file's path; without it, the public ones.

    Raises:
        InvalidKey: there are none.
    """
    if not source.strip():
        return _public_roots()
    try:
        return load_pem_x509_certificates(pem_text(source).encode())
    except ValueError:
        raise InvalidKey("no trusted root certificate can be read") from None


def _public_roots() -> list[Certificate]:
    roots = []
    with warnings.catch_warnings():
        # A few old roots break the standard; what a later release refuses is not trusted now.
        warnings.simplefilter("error", CryptographyDeprecationWarning)
        for pem in _PEM.findall(Path(certifi.where()).read_bytes()):
            with suppress(ValueError, CryptographyDeprecationWarning):
                roots += load_pem_x509_certificates(pem)
    return roots


class _Proven(NamedTuple):
    chain: list[Certificate]
    fetched_at: datetime


class _Restraint:
    """How often we may still ask, and where there is nothing to be had for a while."""

    def __init__(self) -> None:
        self._asked: deque[datetime] = deque(maxlen=MOST_FETCHES)
        self._refused: dict[str, datetime] = {}

    def permits(self, now: datetime) -> bool:
        """Whether one more question is allowed."""
        full = len(self._asked) == MOST_FETCHES
        return not full or now - self._asked[0] >= FETCHES_COUNTED_OVER

    def count(self, now: datetime) -> None:
        """A question is asked."""
        self._asked.append(now)

    def refuse(self, url: str, now: datetime) -> None:
        """There is no certificate of PayPal's at `url`."""
        while len(self._refused) >= _MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
        self._refused[url] = now

    def refuses(self, url: str, now: datetime) -> bool:
        """Whether `url` was found to have none a short time ago."""
        since = self._refused.get(url)
        return since is not None and timedelta() <= now - since < REFUSED_FOR


class SigningCertificates:
    """Fetches certificates, proves them, and remembers a few that were proven."""

    def __init__(self, client: httpx.AsyncClient, roots: list[Certificate]) -> None:
        self._client = client
        self._roots = Store(roots)
        self._known: dict[str, _Proven] = {}
        self._restraint = _Restraint()

    async def key_of(self, url: str, now: datetime) -> RSAPublicKey:
        """The key of the certificate at `url`, an allowed one, if its chain holds at `now`.

        Raises:
            InvalidCallback: what is there is not PayPal's certificate, or no longer valid.
            OutcomeUnknown: it could not be fetched, so nothing can be said of what it signed.
        """
        known = self._known.pop(url, None)
        old = known is None or now - known.fetched_at > REMEMBERED_FOR
        if known is None or (old and self._restraint.permits(now)):
            known, key = await self._fetch(url, now)
        else:
            key = self._prove(known.chain, now)
        # Only a proven one may push another out.
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[url] = known
        return key

    async def _fetch(self, url: str, now: datetime) -> tuple[_Proven, RSAPublicKey]:
        if self._restraint.refuses(url, now):
            raise InvalidCallback("PayPal's certificate was not there a short time ago")
        if not self._restraint.permits(now):
            raise OutcomeUnknown("too many certificates of PayPal's were asked for in this minute")
        self._restraint.count(now)
        try:
            chain = _parse(await fetch(self._client, url))
            return _Proven(chain, now), self._prove(chain, now)
        except InvalidCallback:
            self._restraint.refuse(url, now)
            raise

    def _prove(self, chain: list[Certificate], now: datetime) -> RSAPublicKey:
        leaf, *intermediates = chain
        policy = PolicyBuilder().store(self._roots).time(now)
        try:
            policy.build_server_verifier(DNSName(SUBJECT)).verify(leaf, intermediates)
            key = leaf.public_key()
        except (VerificationError, ValueError, UnsupportedAlgorithm) as error:
            # Not chained: it quotes what the certificate says of itself.
            reason = type(error).__name__
            raise InvalidCallback(f"PayPal's certificate is not proven ({reason})") from None
        if not isinstance(key, RSAPublicKey):
            raise InvalidCallback("PayPal's certificate has no RSA key")
        return key


async def fetch(client: httpx.AsyncClient, url: str) -> bytes:
    """What `url` holds, at most 64 KiB, without following it elsewhere.

    Raises:
        InvalidCallback: it holds nothing of the kind.
        OutcomeUnknown: it does not answer now.
    """
    request = client.build_request("GET", url, headers={"Accept-Encoding": "identity"})
    try:
        async with asyncio.timeout(FETCH_TIMEOUT.total_seconds()):
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                return await _content(response)
            finally:
                await response.aclose()
    except (httpx.HTTPError, TimeoutError) as error:
        kind = type(error).__name__
        raise OutcomeUnknown(f"PayPal's certificate was not fetched: {kind}") from error


async def _content(response: httpx.Response) -> bytes:
    status = response.status_code
    if status in {408, 425, 429} or status >= 500:
        raise OutcomeUnknown(f"PayPal's certificate was not fetched: HTTP {status}")
    if status != 200:
        raise InvalidCallback(f"PayPal's certificate is not there: HTTP {status}")
    content = b""
    # Raw: a small compressed answer could be a large one.
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > LARGEST:
            raise InvalidCallback("PayPal's certificate is too large")
    return content


def _parse(pem: bytes) -> list[Certificate]:
    try:
        chain = load_pem_x509_certificates(pem)
    except (ValueError, CryptographyDeprecationWarning):
        raise InvalidCallback("PayPal's certificate cannot be read") from None
    if len(chain) > _LONGEST_CHAIN:
        raise InvalidCallback("PayPal's certificate has too long a chain")
    return chain
