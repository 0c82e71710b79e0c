"""Which adapter stands for which party outside the house, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from domain.order import GatewayName
from gateways.keys import InvalidKey
from gateways.messaging.email import SmtpSender
from gateways.messaging.protocol import EmailSender, PushSender, SmsSender
from gateways.messaging.simulated import SimulatedPush, SimulatedSms
from gateways.payments.alipay import AlipayGateway
from gateways.payments.paypal import PayPalGateway
from gateways.payments.protocol import PaymentGateway
from gateways.payments.stripe import StripeGateway
from gateways.payments.wechat_pay import WeChatPayGateway
from gateways.tracking.aftership import AfterShipTracking
from gateways.tracking.protocol import TrackingGateway
from gateways.warehouse import WarehouseGateway
from settings import ConfigurationError, Settings, reveal


def payment_gateways(
    settings: Settings, http: httpx.AsyncClient
) -> dict[GatewayName, PaymentGateway]:
    """The providers that have credentials; the others are off.

    Raises:
        ConfigurationError: a provider has some of its credentials, or a key cannot be read.
    """
    gateways: dict[GatewayName, PaymentGateway] = {}
    if settings.stripe_api_key is not None:
        gateways["stripe"] = StripeGateway(
            http,
            reveal(settings.stripe_api_key),
            reveal(settings.stripe_webhook_secret),
            settings.stripe_base_url,
        )
    if settings.paypal_client_id:
        gateways["paypal"] = _paypal(settings, http)
    if settings.alipay_app_id:
        gateways["alipay"] = _alipay(settings, http)
    if settings.wechatpay_mchid:
        gateways["wechatpay"] = _wechat_pay(settings, http)
    return gateways


def _paypal(settings: Settings, http: httpx.AsyncClient) -> PayPalGateway:
    _require(reveal(settings.paypal_client_secret), "PAYPAL_CLIENT_SECRET", _SECOND_HALF)
    with _keys_of("PAYPAL_TRUST_ROOTS"):
        return PayPalGateway(
            http,
            client_id=settings.paypal_client_id,
            client_secret=reveal(settings.paypal_client_secret),
            webhook_id=settings.paypal_webhook_id,
            base_url=settings.paypal_base_url,
            cert_hosts=settings.paypal_cert_hosts,
            trust_roots=settings.paypal_trust_roots,
            verification=settings.paypal_webhook_verification,
            shop_url=settings.shop_url,
        )


def _alipay(settings: Settings, http: httpx.AsyncClient) -> AlipayGateway:
    _require(settings.alipay_seller_id, "ALIPAY_SELLER_ID", _SECOND_HALF)
    with _keys_of("ALIPAY_PRIVATE_KEY or ALIPAY_PUBLIC_KEY"):
        return AlipayGateway(
            http,
            app_id=settings.alipay_app_id,
            seller_id=settings.alipay_seller_id,
            private_key=reveal(settings.alipay_private_key),
            public_key=settings.alipay_public_key,
            base_url=settings.alipay_base_url,
            notify_url=_callback_url(settings, "alipay"),
        )


def _wechat_pay(settings: Settings, http: httpx.AsyncClient) -> WeChatPayGateway:
    for value, variable in (
        (settings.wechatpay_appid, "WECHATPAY_APPID"),
        (settings.wechatpay_serial, "WECHATPAY_SERIAL"),
        (settings.wechatpay_public_key_id, "WECHATPAY_PUBLIC_KEY_ID"),
        (reveal(settings.wechatpay_apiv3_key), "WECHATPAY_APIV3_KEY"),
    ):
        _require(value, variable, _SECOND_HALF)
    with _keys_of("WECHATPAY_PRIVATE_KEY or WECHATPAY_PUBLIC_KEY"):
        return WeChatPayGateway(
            http,
            mchid=settings.wechatpay_mchid,
            appid=settings.wechatpay_appid,
            serial=settings.wechatpay_serial,
            private_key=reveal(settings.wechatpay_private_key),
            public_key=settings.wechatpay_public_key,
            public_key_id=settings.wechatpay_public_key_id,
            apiv3_key=reveal(settings.wechatpay_apiv3_key),
            base_url=settings.wechatpay_base_url,
            notify_url=_callback_url(settings, "wechatpay"),
        )


_SECOND_HALF = "the provider's other variables are set: set all of them, or none to switch it off"


def _callback_url(settings: Settings, gateway: GatewayName) -> str:
    return f"{settings.public_url.rstrip('/')}/callbacks/payments/{gateway}"


@contextmanager
def _keys_of(variables: str) -> Iterator[None]:
    try:
        yield
    except InvalidKey as error:
        message = f"orderflow: {variables} cannot be used: {error}"
        raise ConfigurationError(message) from error


def warehouse_gateway(settings: Settings, http: httpx.AsyncClient) -> WarehouseGateway:
    """The warehouse.

    Raises:
        ConfigurationError: its address is not set.
    """
    _require(settings.warehouse_base_url, "WAREHOUSE_BASE_URL", "where picking lists are sent")
    return WarehouseGateway(http, settings.warehouse_base_url, reveal(settings.warehouse_api_key))


def tracking_gateway(settings: Settings, http: httpx.AsyncClient) -> TrackingGateway:
    """The tracking provider."""
    return AfterShipTracking(
        http,
        settings.aftership_base_url,
        reveal(settings.aftership_api_key),
        reveal(settings.aftership_webhook_secret),
    )


def email_sender(settings: Settings) -> EmailSender:
    """The mail relay.

    Raises:
        ConfigurationError: it is not set.
    """
    _require(settings.smtp_host, "SMTP_HOST", "the relay that mail goes out through")
    return SmtpSender(
        settings.smtp_host,
        settings.smtp_port,
        tls=settings.smtp_tls,
        username=settings.smtp_username,
        password=reveal(settings.smtp_password),
        sender=settings.smtp_from,
        timeout=settings.smtp_timeout,
    )


def sms_sender(settings: Settings) -> SmsSender:
    """Text messages; so far they are only written to a file."""
    return SimulatedSms(settings.messages_outbox)


def push_sender(settings: Settings) -> PushSender:
    """Push messages; so far they are only written to a file."""
    return SimulatedPush(settings.messages_outbox)


def _require(value: str, variable: str, purpose: str) -> None:
    if not value:
        raise ConfigurationError(f"orderflow: {variable} is not set ({purpose})")
