"""The four payment adapters, set up as in production but for addresses and keys."""

from __future__ import annotations

from collections.abc import Mapping

from gateways.payments.alipay import AlipayGateway
from gateways.payments.paypal import PayPalGateway
from gateways.payments.protocol import PaymentGateway
from gateways.payments.stripe import StripeGateway
from gateways.payments.wechat_pay import WeChatPayGateway
from tests.accounts import ACCOUNTS, provider_keys
from tests.gateways.simulated import Simulated


def credentials() -> dict[str, str]:
    """What proves to the providers that it is us."""
    names = ("stripe_api_key", "paypal_client_secret")
    keys = provider_keys()
    return {name: ACCOUNTS[name] for name in names} | {
        "alipay_private_key": str(keys.alipay_merchant),
        "wechatpay_private_key": str(keys.wechatpay_merchant),
    }


def strange_credentials() -> dict[str, str]:
    """What proves that it is not."""
    keys = provider_keys()
    return {
        "stripe_api_key": "sk_test_of_a_stranger",
        "paypal_client_secret": "secret-of-a-stranger",
        "alipay_private_key": str(keys.wechatpay_merchant),
        "wechatpay_private_key": str(keys.alipay_merchant),
    }


def adapters(simulated: Simulated, proof: Mapping[str, str]) -> dict[str, PaymentGateway]:
    """The adapters by their names; `proof` is `credentials()`, unless they are a stranger's."""
    keys, notify_url = provider_keys(), f"{simulated.callback_url}/callbacks/payments"
    http, url = simulated.client, simulated.url
    return {
        "stripe": StripeGateway(
            http, proof["stripe_api_key"], ACCOUNTS["stripe_webhook_secret"], url
        ),
        "paypal": PayPalGateway(
            http,
            client_id=ACCOUNTS["paypal_client_id"],
            client_secret=proof["paypal_client_secret"],
            webhook_id=ACCOUNTS["paypal_webhook_id"],
            base_url=f"{url}/paypal",
            cert_hosts=(url,),
            trust_roots=str(keys.paypal_root),
            verification="offline",
            shop_url="https://shop.example.com",
        ),
        "alipay": AlipayGateway(
            http,
            app_id=ACCOUNTS["alipay_app_id"],
            seller_id=ACCOUNTS["alipay_seller_id"],
            private_key=proof["alipay_private_key"],
            public_key=str(keys.public_half(keys.alipay_provider)),
            base_url=f"{url}/alipay/gateway.do",
            notify_url=f"{notify_url}/alipay",
        ),
        "wechatpay": WeChatPayGateway(
            http,
            mchid=ACCOUNTS["wechatpay_mchid"],
            appid=ACCOUNTS["wechatpay_appid"],
            serial=ACCOUNTS["wechatpay_serial"],
            private_key=proof["wechatpay_private_key"],
            public_key=str(keys.public_half(keys.wechatpay_provider)),
            public_key_id=ACCOUNTS["wechatpay_public_key_id"],
            apiv3_key=ACCOUNTS["wechatpay_apiv3_key"],
            base_url=f"{url}/wechatpay",
            notify_url=f"{notify_url}/wechatpay",
        ),
    }
