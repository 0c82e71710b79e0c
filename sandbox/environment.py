"""What the parts of the embedded stack are told, by environment variables alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from sandbox.messaging_accounts import FCM_PROJECT, SMS_TEMPLATES
from sandbox.ports import HOST, PortPlan
from sandbox.provider_keys import ProviderKeys, ensure_keys

# A developer's real accounts and servers must not leak into the sandbox.
_NOT_INHERITED = (
    "AFTERSHIP_",
    "ALIPAY_",
    "ALIYUN_",
    "API_",
    "CODEC_",
    "DATABASE_",
    "FCM_",
    "KUAIDI100_",
    "MAIL_",
    "PAYLOAD_",
    "PAYPAL_",
    "PG",
    "PUBLIC_URL",
    "SHIPPING_",
    "SIM_",
    "SMTP_",
    "STRIPE_",
    "SUPPLIER_",
    "SUPPLY_",
    "TEMPORAL_",
    "TRACKING_",
    "TWILIO_",
    "UNSUBSCRIBE_",
    "WAREHOUSE_",
    "WEB_PUSH_",
    "WECHATPAY_",
    "WORKER_",
)
# Nor does a proxy stand between parts on one machine.
_PROXY_EXCEPTIONS = "127.0.0.1,localhost"


def inherited_environment() -> dict[str, str]:
    """This process's environment without what the stack decides by itself."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)
    }
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, (kept.get(name), _PROXY_EXCEPTIONS)))
    return kept


def stack_environment(
    *, ports: PortPlan, secrets: Mapping[str, str], data_dir: Path, database: str
) -> dict[str, str]:
    """Everything that Orderflow, the simulator and the mail sink read."""
    api = f"http://{HOST}:{ports.api}"
    simulator = f"http://{HOST}:{ports.simulator}"
    return {
        **inherited_environment(),
        **secrets,
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": database,
        "TEMPORAL_ADDRESS": f"{HOST}:{ports.temporal}",
        "TEMPORAL_NAMESPACE": "default",
        "API_HOST": HOST,
        "API_PORT": str(ports.api),
        "CODEC_ORIGINS": f"http://{HOST}:{ports.ui},http://localhost:{ports.ui}",
        "WORKER_METRICS_PORT": str(ports.worker_metrics),
        "STRIPE_BASE_URL": simulator,
        "PUBLIC_URL": api,
        **_provider_accounts(simulator, ensure_keys(data_dir / "keys")),
        **_messaging_accounts(simulator, ensure_keys(data_dir / "keys")),
        "WAREHOUSE_BASE_URL": f"{simulator}/warehouse",
        "SUPPLIER_BASE_URL": f"{simulator}/supplier",
        "AFTERSHIP_BASE_URL": f"{simulator}/aftership/tracking/2026-07",
        "KUAIDI100_BASE_URL": f"{simulator}/kuaidi100",
        # The simulated warehouse ships with SF Express unless told otherwise: AfterShip's part.
        "KUAIDI100_CARRIERS": "yto,zto-express,jd-express,china-ems",
        "SMTP_HOST": HOST,
        "SMTP_PORT": str(ports.smtp),
        "SMTP_TLS": "none",
        "SMTP_BOUNCE_ADDRESS": "bounces@shop.example.com",
        "SIM_HOST": HOST,
        "SIM_PORT": str(ports.simulator),
        "SIM_STATE": str(data_dir / "simulator.db"),
        "SIM_CALLBACK_URL": api,
        "MAIL_DIR": str(data_dir / "mail"),
        "MAIL_SMTP_PORT": str(ports.smtp),
        "MAIL_WEB_PORT": str(ports.mail),
    }


def _provider_accounts(simulator: str, keys: ProviderKeys) -> dict[str, str]:
    """Our accounts with the providers whose messages are signed with keys."""
    return {
        "PAYPAL_BASE_URL": f"{simulator}/paypal",
        "PAYPAL_CERT_HOSTS": simulator,
        "PAYPAL_TRUST_ROOTS": str(keys.paypal_root),
        "ALIPAY_BASE_URL": f"{simulator}/alipay/gateway.do",
        "ALIPAY_APP_ID": "2021000000000001",
        "ALIPAY_SELLER_ID": "2088000000000001",
        "ALIPAY_PRIVATE_KEY": str(keys.alipay_merchant),
        "ALIPAY_PUBLIC_KEY": str(keys.public_half(keys.alipay_provider)),
        "WECHATPAY_BASE_URL": f"{simulator}/wechatpay",
        "WECHATPAY_MCHID": "1900000001",
        "WECHATPAY_APPID": "wx0000000000000001",
        "WECHATPAY_SERIAL": "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C",
        "WECHATPAY_PRIVATE_KEY": str(keys.wechatpay_merchant),
        "WECHATPAY_PUBLIC_KEY": str(keys.public_half(keys.wechatpay_provider)),
        "WECHATPAY_PUBLIC_KEY_ID": "PUB_KEY_ID_0119000000012026112100000000000001",
        "SIM_KEYS": str(keys.directory),
    }


def _messaging_accounts(simulator: str, keys: ProviderKeys) -> dict[str, str]:
    """Our accounts with those who bring text and push messages."""
    account = {
        "type": "service_account",
        "project_id": FCM_PROJECT,
        "private_key_id": "simulated-key",
        "private_key": keys.fcm_account.read_text(),
        "client_email": f"orderflow@{FCM_PROJECT}.iam.gserviceaccount.com",
        "token_uri": f"{simulator}/fcm/token",
    }
    return {
        "TWILIO_FROM": "+16502530000",
        "TWILIO_BASE_URL": f"{simulator}/twilio",
        "ALIYUN_SMS_SIGN_NAME": "示例商城",
        "ALIYUN_SMS_TEMPLATES": json.dumps(SMS_TEMPLATES),
        "ALIYUN_SMS_BASE_URL": f"{simulator}/aliyun/",
        "FCM_SERVICE_ACCOUNT": json.dumps(account),
        "FCM_BASE_URL": f"{simulator}/fcm",
        "WEB_PUSH_PRIVATE_KEY": str(keys.web_push),
        "WEB_PUSH_HOSTS": HOST,
    }
