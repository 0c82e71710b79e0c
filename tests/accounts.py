"""Our accounts with the simulated parties, and the keys that both sides hold, for all tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sandbox.provider_keys import ProviderKeys, ensure_keys
from sandbox.simulator import SimulatorConfig

# By the names of the simulator's settings; in capitals they are environment variables.
ACCOUNTS: Mapping[str, str] = {
    "stripe_api_key": "sk_test_orderflow_simulator",
    "stripe_webhook_secret": "whsec_orderflow_simulator",
    "paypal_client_id": "paypal-client-for-tests",
    "paypal_client_secret": "paypal-secret-for-tests",
    "paypal_webhook_id": "WH-1AB23456CD789012E",
    "alipay_app_id": "2021000000000001",
    "alipay_seller_id": "2088000000000001",
    "wechatpay_mchid": "1900000001",
    "wechatpay_appid": "wx0000000000000001",
    "wechatpay_serial": "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C",
    "wechatpay_public_key_id": "PUB_KEY_ID_0119000000012026112100000000000001",
    "wechatpay_apiv3_key": "0123456789abcdef0123456789ABCDEF",
    "warehouse_api_key": "warehouse-key-for-tests",
    "shipping_callback_secret": "shipping-secret-for-tests",
    "supplier_api_key": "supplier-key-for-tests",
    "supply_callback_secret": "supply-secret-for-tests",
    "kuaidi100_customer": "KUAIDI100CUSTOMERFORTESTS",
    "kuaidi100_key": "kuaidi100-key-for-tests",
    "kuaidi100_salt": "kuaidi100-salt-for-tests",
    "aftership_api_key": "aftership-key-for-tests",
    "aftership_webhook_secret": "aftership-secret-for-tests",
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "twilio-token-for-tests",
    "twilio_from": "+16502530000",
    "aliyun_access_key_id": "LTAI5tForTests",
    "aliyun_access_key_secret": "aliyun-secret-for-tests",
    "aliyun_sms_sign_name": "示例商城",
    "aliyun_sms_report_token": "aliyun-report-token-for-tests",
}


@cache
def provider_keys() -> ProviderKeys:
    """Keys that are made once for all tests of this process, and gone with it."""
    directory = Path(tempfile.mkdtemp(prefix="orderflow-keys-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return ensure_keys(directory)


def simulator_settings() -> dict[str, str]:
    """What the simulator is told of its accounts and keys, whatever else it is told."""
    return {**ACCOUNTS, "sim_keys": str(provider_keys().directory)}


def simulator_config(callback_url: str, state: Path | str = ":memory:") -> SimulatorConfig:
    """A simulator that calls back to `callback_url` unless a request names another address."""
    return SimulatorConfig.model_validate(
        {**simulator_settings(), "sim_state": str(state), "sim_callback_url": callback_url}
    )
