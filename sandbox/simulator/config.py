"""What the simulator needs to know: where it listens, whom it calls back, shared secrets."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class SimulatorConfig(BaseSettings):
    """The simulator's settings; every field is an environment variable of the same name.

    `sim_state` is an SQLite file, or `:memory:`; `sim_callback_url` is the API's base URL. Each
    secret is the one that Orderflow itself is configured with.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    sim_host: str = "127.0.0.1"
    sim_port: int = Field(default=8004, ge=0, le=65535)
    sim_state: str
    sim_callback_url: str = Field(pattern="^https?://")

    # The providers' own keys; see `sandbox.provider_keys`.
    sim_keys: Path

    paypal_client_id: str
    paypal_client_secret: SecretStr
    paypal_webhook_id: str
    alipay_app_id: str
    alipay_seller_id: str
    wechatpay_mchid: str
    wechatpay_appid: str
    wechatpay_serial: str
    wechatpay_public_key_id: str
    wechatpay_apiv3_key: SecretStr

    stripe_api_key: SecretStr
    stripe_webhook_secret: SecretStr
    warehouse_api_key: SecretStr
    shipping_callback_secret: SecretStr
    supplier_api_key: SecretStr
    supply_callback_secret: SecretStr
    aftership_api_key: SecretStr
    aftership_webhook_secret: SecretStr
    kuaidi100_customer: str
    kuaidi100_key: SecretStr
    twilio_account_sid: str
    twilio_auth_token: SecretStr
    twilio_from: str
    aliyun_access_key_id: str
    aliyun_access_key_secret: SecretStr
    aliyun_sms_sign_name: str
    aliyun_sms_report_token: SecretStr
