"""The embedded stack's secrets: made up once for a data directory, then kept."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from sandbox.errors import SandboxError


def _token(prefix: str = "") -> Callable[[], str]:
    return lambda: prefix + secrets.token_hex(24)


_GENERATORS: dict[str, Callable[[], str]] = {
    "API_KEYS": _token("ofk_"),
    "PAYLOAD_KEYS": lambda: "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "CODEC_TOKEN": _token(),
    "STRIPE_API_KEY": _token("sk_test_"),
    "STRIPE_WEBHOOK_SECRET": _token("whsec_"),
    "PAYPAL_CLIENT_ID": _token("client-"),
    "PAYPAL_CLIENT_SECRET": _token("secret-"),
    "PAYPAL_WEBHOOK_ID": lambda: "WH-" + secrets.token_hex(10).upper(),
    "WECHATPAY_APIV3_KEY": lambda: secrets.token_hex(16),
    "WAREHOUSE_API_KEY": _token("wh_"),
    "SHIPPING_CALLBACK_SECRET": _token(),
    "SUPPLIER_API_KEY": _token("sp_"),
    "SUPPLY_CALLBACK_SECRET": _token(),
    "AFTERSHIP_API_KEY": _token("asat_"),
    "AFTERSHIP_WEBHOOK_SECRET": _token(),
    "KUAIDI100_CUSTOMER": lambda: secrets.token_hex(16).upper(),
    "KUAIDI100_KEY": lambda: secrets.token_hex(6),
    "KUAIDI100_SALT": lambda: secrets.token_hex(16),
    "TWILIO_ACCOUNT_SID": lambda: "AC" + secrets.token_hex(16),
    "TWILIO_AUTH_TOKEN": lambda: secrets.token_hex(16),
    "ALIYUN_ACCESS_KEY_ID": lambda: "LTAI5t" + secrets.token_hex(9),
    "ALIYUN_ACCESS_KEY_SECRET": lambda: secrets.token_hex(15),
    "ALIYUN_SMS_REPORT_TOKEN": _token(),
    "SMTP_BOUNCE_SECRET": _token(),
    "UNSUBSCRIBE_SECRET": _token(),
    "TRACKING_LINK_KEYS": lambda: "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
}


def load_secrets(path: Path) -> dict[str, str]:
    """Read the secrets, by the name of the environment variable; make up those not there yet.

    A secret once made never changes: histories are encrypted with it and customers' links signed.

    Raises:
        SandboxError: the file cannot be read as it was written.
    """
    known = _read(path)
    missing = {name: make() for name, make in _GENERATORS.items() if name not in known}
    if missing:
        known |= missing
        _write(path, known)
    return known


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SandboxError(_damaged(path)) from error
    if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
        raise SandboxError(_damaged(path))
    return content


def _write(path: Path, content: dict[str, str]) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _damaged(path: Path) -> str:
    return (
        f"{path} is damaged. Restore it: what this data directory holds is encrypted with it."
        " Or start afresh with another --data-dir."
    )
