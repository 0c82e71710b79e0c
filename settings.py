"""Everything that can be configured, read once from the environment by an entry point."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_HOURS = re.compile(r"none|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


class ConfigurationError(SystemExit):
    """The environment is incomplete or wrong; the message names the variable and the remedy."""


class Settings(BaseSettings):
    """Orderflow's settings; every field is an environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str
    database_pool_size: int = Field(default=10, ge=1)

    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=0, le=65535)

    payload_keys: Annotated[tuple[tuple[str, SecretStr], ...], NoDecode]
    codec_token: SecretStr | None = None
    codec_origins: Annotated[tuple[str, ...], NoDecode] = ()

    # Where providers reach our API, and where customers come back to after paying.
    public_url: str = "http://127.0.0.1:8000"
    shop_url: str = "https://shop.example.com"

    stripe_api_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_base_url: str = "https://api.stripe.com"

    paypal_client_id: str = ""
    paypal_client_secret: SecretStr | None = None
    paypal_webhook_id: str = ""
    paypal_base_url: str = "https://api-m.paypal.com"
    paypal_webhook_verification: Literal["offline", "postback"] = "offline"
    paypal_cert_hosts: Annotated[tuple[str, ...], NoDecode] = (
        "api.paypal.com",
        "api.sandbox.paypal.com",
        "api-m.paypal.com",
        "api-m.sandbox.paypal.com",
    )
    # PEM text or a file's path; without it, the public roots that certifi knows.
    paypal_trust_roots: str = ""

    # Keys are PEM text, bare base64, or a file's path.
    alipay_app_id: str = ""
    alipay_seller_id: str = ""
    alipay_private_key: SecretStr | None = None
    alipay_public_key: str = ""
    alipay_base_url: str = "https://openapi.alipay.com/gateway.do"

    wechatpay_mchid: str = ""
    wechatpay_appid: str = ""
    wechatpay_serial: str = ""
    wechatpay_private_key: SecretStr | None = None
    wechatpay_public_key: str = ""
    wechatpay_public_key_id: str = ""
    wechatpay_apiv3_key: SecretStr | None = None
    wechatpay_base_url: str = "https://api.mch.weixin.qq.com"

    warehouse_base_url: str = ""
    warehouse_api_key: SecretStr | None = None
    shipping_callback_secret: SecretStr | None = None

    # Without an address nobody is asked for goods: they come by `stock receive` alone.
    supplier_base_url: str = ""
    supplier_api_key: SecretStr | None = None
    supply_callback_secret: SecretStr | None = None

    aftership_api_key: SecretStr | None = None
    aftership_webhook_secret: SecretStr | None = None
    aftership_base_url: str = "https://api.aftership.com/tracking/2026-07"

    # 快递100: without these three it is off. The salt is ours, and signs what it pushes.
    kuaidi100_customer: str = ""
    kuaidi100_key: SecretStr | None = None
    kuaidi100_salt: SecretStr | None = None
    kuaidi100_base_url: str = "https://poll.kuaidi100.com"
    # Whose parcels are looked for there, if it is on; AfterShip has the others.
    kuaidi100_carriers: Annotated[tuple[str, ...], NoDecode] = (
        "sf-express",
        "yto",
        "zto-express",
        "jd-express",
        "china-ems",
    )

    # Signs the links to customers' pages, the first key signs; without a key there are no pages.
    tracking_link_keys: Annotated[tuple[tuple[str, SecretStr], ...], NoDecode] = ()
    # How long such a page is there after the order has ended.
    tracking_link_life: timedelta = timedelta(days=90)

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_tls: Literal["implicit", "starttls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: SecretStr | None = None
    smtp_from: str = "Orderflow <noreply@shop.example.com>"
    smtp_timeout: timedelta = timedelta(seconds=15)
    # Where mail that cannot be delivered comes back to; without it, to the sender.
    smtp_bounce_address: str = ""
    # Signs the reports that our mail server passes on; without it, they are off.
    smtp_bounce_secret: SecretStr | None = None

    # Text messages: numbers in China through Alibaba Cloud, all others through Twilio.
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr | None = None
    # A number of ours in E.164, or a messaging service (MG...).
    twilio_from: str = ""
    twilio_base_url: str = "https://api.twilio.com"
    aliyun_access_key_id: str = ""
    aliyun_access_key_secret: SecretStr | None = None
    aliyun_sms_sign_name: str = ""
    # JSON: {"order_confirmed": "SMS_123456789", ...}
    aliyun_sms_templates: Annotated[dict[str, str], NoDecode] = {}
    # Part of the address that delivery reports come to; without it, reports are off.
    aliyun_sms_report_token: SecretStr | None = None
    aliyun_sms_base_url: str = "https://dysmsapi.aliyuncs.com/"

    # Push messages: the service account's JSON key (or its file's path), and our VAPID key.
    fcm_service_account: SecretStr | None = None
    fcm_base_url: str = "https://fcm.googleapis.com"
    web_push_private_key: SecretStr | None = None
    web_push_contact: str = "mailto:noreply@shop.example.com"
    web_push_hosts: Annotated[tuple[str, ...], NoDecode] = (
        "fcm.googleapis.com",
        "push.services.mozilla.com",
        "web.push.apple.com",
        "notify.windows.com",
    )

    # Signs the links that end promotions; without it, there are no promotions.
    unsubscribe_secret: SecretStr | None = None
    # Promotions wait until it is day where the customer lives: HH:MM-HH:MM, "none" for never.
    quiet_hours: str = "21:00-08:00"

    # Returns: until when after the last delivery, how long approved goods may take to come back,
    # and up to which amount (in the shop's currency) and for which products no person is asked.
    return_window: timedelta = timedelta(days=7)
    return_patience: timedelta = timedelta(days=14)
    return_approve_up_to: Decimal = Field(default=Decimal(500), ge=0)
    return_excluded_products: Annotated[tuple[str, ...], NoDecode] = ()

    hold_duration: timedelta = timedelta(minutes=15)
    first_payment_check: timedelta = timedelta(seconds=30)
    payment_poll_interval: timedelta = timedelta(minutes=2)
    restock_patience: timedelta = timedelta(days=7)
    tracking_poll_interval: timedelta = timedelta(hours=4)
    tracking_poll_limit: int = 72
    parcel_silence: timedelta = timedelta(hours=48)
    lost_parcel_patience: timedelta = timedelta(hours=48)
    lost_parcel_remedy: Literal["refund", "reship", "wait"] = "refund"
    review_delay: timedelta = timedelta(hours=24)
    slow_order_alert: timedelta = timedelta(seconds=30)

    log_level: str = "INFO"
    log_format: Literal["json", "text"] = "json"
    worker_metrics_host: str = "127.0.0.1"
    worker_metrics_port: int = 0

    @field_validator(
        "api_keys",
        "codec_origins",
        "kuaidi100_carriers",
        "paypal_cert_hosts",
        "return_excluded_products",
        "web_push_hosts",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("payload_keys", "tracking_link_keys", mode="before")
    @classmethod
    def _key_ring(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        ring = []
        for entry in filter(None, (part.strip() for part in value.split(","))):
            key_id, separator, encoded = entry.partition(":")
            if not separator or not key_id:
                raise ValueError("each key is written kid:base64, keys separated by commas")
            if len(base64.b64decode(encoded, validate=True)) != 32:
                raise ValueError(f"key {key_id!r} must be 32 bytes, base64-encoded")
            ring.append((key_id, encoded))
        if not ring:
            raise ValueError("at least one key is needed")
        return tuple(ring)

    @field_validator("aliyun_sms_templates", mode="before")
    @classmethod
    def _templates(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("quiet_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        if not _HOURS.fullmatch(value):
            raise ValueError("write HH:MM-HH:MM, or none")
        return value

    @field_validator("database_url")
    @classmethod
    def _asyncpg(cls, value: str) -> str:
        if not value.startswith("postgresql+asyncpg://"):
            raise ValueError("it must start with postgresql+asyncpg://")
        return value


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ConfigurationError: a variable is missing or wrong; the message names each one.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"  {str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()
        ]
        raise ConfigurationError(
            "orderflow: the environment is not complete:\n"
            + "\n".join(lines)
            + "\nSee docs/operations.md; `python starter.py up` runs a stack that sets it all."
        ) from None


def reveal(secret: SecretStr | None) -> str:
    """The secret itself; empty if it is not set."""
    return "" if secret is None else secret.get_secret_value()
