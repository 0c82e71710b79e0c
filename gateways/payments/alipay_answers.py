"""Which answers are Alipay's: signed over the exact text of one member of the JSON that comes.

`{"alipay_trade_query_response":{...},"sign":"..."}`; the text must not be read and written again,
and a brace in a string does not end it.
"""

from __future__ import annotations

import json
import re

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateways.errors import GatewayAuthError, OutcomeUnknown
from gateways.payments.alipay_errors import SUCCESS, Outcome, refusal
from gateways.payments.alipay_objects import read
from gateways.payments.alipay_signing import verify

_ERROR = "error_response"
_DECODER = json.JSONDecoder()
_MARK = re.compile(r"\s*([{}:,])\s*", re.ASCII)


def believed(content: bytes, method: str, key: RSAPublicKey) -> str:
    """The text of Alipay's successful answer to `method`, as it was signed.

    Raises:
        OutcomeUnknown: it is not signed by Alipay, or is no answer to this.
        PermanentError: what a signed refusal stands for; `GatewayAuthError` also unsigned.
        RateLimited: Alipay asks to come back later.
    """
    parts, signature = _parts(content)
    name = f"{method.replace('.', '_')}_response"
    text = parts.get(name, parts.get(_ERROR))
    if text is None:
        raise OutcomeUnknown("Alipay's answer is to another question")
    outcome = read(Outcome, text)
    if not signature:
        raise _unsigned(outcome)
    if not verify(text, signature, key):
        raise OutcomeUnknown("Alipay's answer is not signed by Alipay")
    if outcome.code != SUCCESS:
        raise refusal(outcome)
    if name not in parts:
        raise OutcomeUnknown("Alipay's answer is both an error and a success")
    return text


def members(text: str) -> dict[str, str]:
    """The exact text of each member of the JSON object that `text` is, by its name.

    Raises:
        ValueError: it is none, is empty, or names a member twice.
    """
    found: dict[str, str] = {}
    mark, at = _mark(text, 0, "{")
    while mark != "}":
        name, at = _DECODER.raw_decode(text, at)
        _, start = _mark(text, at, ":")
        _, at = _DECODER.raw_decode(text, start)
        if not isinstance(name, str) or name in found:
            raise ValueError("a member has no name, or another one's")
        found[name] = text[start:at]
        mark, at = _mark(text, at, ",}")
    if at != len(text):
        raise ValueError("something follows the object")
    return found


def _mark(text: str, at: int, expected: str) -> tuple[str, int]:
    match = _MARK.match(text, at)
    if match is None or match[1] not in expected:
        raise ValueError(f"one of {expected} is expected")
    return match[1], match.end()


def _parts(content: bytes) -> tuple[dict[str, str], str]:
    try:
        parts = members(content.decode())
        return parts, str(json.loads(parts.get("sign", '""')))
    except (ValueError, RecursionError) as error:
        # Not chained: the decoder's error carries the whole body.
        kind = type(error).__name__
        raise OutcomeUnknown(f"Alipay's answer cannot be read ({kind})") from None


def _unsigned(outcome: Outcome) -> Exception:
    error = refusal(outcome)
    # Alipay cannot sign for an application that it does not know. Whoever forges this stops us,
    # but makes us believe nothing about money.
    if isinstance(error, GatewayAuthError):
        return error
    return OutcomeUnknown(f"Alipay's answer is not signed ({outcome.code} {outcome.sub_code})")
