from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.secrets_file import load_secrets
from settings import Settings


def test_secrets_stay_the_same_once_made(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    assert load_secrets(path) == load_secrets(path)
    assert load_secrets(path) != load_secrets(tmp_path / "other.json")


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    load_secrets(tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_came_later_is_added_and_the_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = load_secrets(path)
    path.write_text(json.dumps({k: v for k, v in first.items() if k != "AFTERSHIP_API_KEY"}))
    second = load_secrets(path)
    assert second.keys() == first.keys()
    assert second["PAYLOAD_KEYS"] == first["PAYLOAD_KEYS"]


def test_a_damaged_file_is_refused_rather_than_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text('{"API_KEYS": ')
    with pytest.raises(SandboxError, match="is damaged"):
        load_secrets(path)
    assert path.read_text() == '{"API_KEYS": '


def test_orderflow_accepts_the_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in load_secrets(tmp_path / "secrets.json").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://postgres@127.0.0.1:1/orderflow")
    settings = Settings()
    assert settings.payload_keys[0][0] == "k1"
    assert settings.stripe_api_key is not None
    assert settings.stripe_api_key.get_secret_value().startswith("sk_test_")
    assert settings.paypal_client_secret is not None
    assert settings.paypal_webhook_id.startswith("WH-")
    # WeChat Pay takes exactly 32 characters.
    assert settings.wechatpay_apiv3_key is not None
    assert len(settings.wechatpay_apiv3_key.get_secret_value()) == 32
