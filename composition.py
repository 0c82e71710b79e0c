"""Which adapter stands for which party outside the house, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time

import httpx

from domain.money import Money
from domain.notification import DeviceKind
from domain.order import GatewayName
from domain.page_links import LinkKeys
from domain.pricing import ShippingRates
from domain.quiet_hours import QuietHours
from domain.returns import ReturnRules
from gateways.keys import InvalidKey
from gateways.messaging.aliyun_receipts import AliyunReceipts
from gateways.messaging.aliyun_sms import AliyunSms
from gateways.messaging.email import SmtpSender
from gateways.messaging.fcm import FcmPush
from gateways.messaging.fcm_token import read_service_account
from gateways.messaging.mail_receipts import MailReceipts
from gateways.messaging.protocol import PushSender, ReceiptReader, SmsSender
from gateways.messaging.push_routing import RoutedPush
from gateways.messaging.sms_routing import RoutedSms
from gateways.messaging.twilio import TwilioSms
from gateways.messaging.twilio_receipts import TwilioReceipts
from gateways.messaging.web_push import WebPush
from gateways.payments.alipay import AlipayGateway
from gateways.payments.paypal import PayPalGateway
from gateways.payments.protocol import PaymentGateway
from gateways.payments.stripe import StripeGateway
from gateways.payments.wechat_pay import WeChatPayGateway
from gateways.supplier import SupplierGateway
from gateways.tracking.aftership import AfterShipTracking
from gateways.tracking.kuaidi100 import Kuaidi100Tracking
from gateways.tracking.protocol import TrackingGateway
from gateways.tracking.routing import RoutedTracking
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


def supplier_gateway(settings: Settings, http: httpx.AsyncClient) -> SupplierGateway | None:
    """The supplier; none if its address is not set."""
    if not settings.supplier_base_url:
        return None
    return SupplierGateway(http, settings.supplier_base_url, reveal(settings.supplier_api_key))


def tracking_routes(settings: Settings, http: httpx.AsyncClient) -> RoutedTracking:
    """Each carrier's provider, of those that have credentials.

    Raises:
        ConfigurationError: a provider has some of its credentials only.
    """
    gateways: list[TrackingGateway] = []
    if settings.aftership_api_key is not None:
        gateways.append(_aftership(settings, http))
    if settings.kuaidi100_customer:
        gateways.append(_kuaidi100(settings, http))
    preferred = dict.fromkeys(settings.kuaidi100_carriers, Kuaidi100Tracking.name)
    return RoutedTracking(gateways, preferred)


def tracking_readers(settings: Settings, http: httpx.AsyncClient) -> dict[str, TrackingGateway]:
    """Who reads the tracking providers' callbacks, by the name in their address.

    Raises:
        ConfigurationError: a provider has some of its credentials only.
    """
    readers: list[TrackingGateway] = []
    if settings.aftership_webhook_secret is not None:
        readers.append(_aftership(settings, http))
    if settings.kuaidi100_customer:
        readers.append(_kuaidi100(settings, http))
    return {reader.name: reader for reader in readers}


def _aftership(settings: Settings, http: httpx.AsyncClient) -> AfterShipTracking:
    return AfterShipTracking(
        http,
        settings.aftership_base_url,
        reveal(settings.aftership_api_key),
        reveal(settings.aftership_webhook_secret),
    )


def _kuaidi100(settings: Settings, http: httpx.AsyncClient) -> Kuaidi100Tracking:
    key, salt = reveal(settings.kuaidi100_key), reveal(settings.kuaidi100_salt)
    for value, variable in ((key, "KUAIDI100_KEY"), (salt, "KUAIDI100_SALT")):
        _require(value, variable, _SECOND_HALF)
    return Kuaidi100Tracking(
        http,
        base_url=settings.kuaidi100_base_url,
        customer=settings.kuaidi100_customer,
        key=key,
        salt=salt,
        callback_url=f"{settings.public_url.rstrip('/')}/callbacks/tracking/kuaidi100",
    )


def page_keys(settings: Settings) -> LinkKeys:
    """What signs the links to customers' pages."""
    ring = [(key_id, reveal(key)) for key_id, key in settings.tracking_link_keys]
    return LinkKeys.from_ring(ring)


def email_sender(settings: Settings) -> SmtpSender:
    """The mail relay; to be closed.

    Raises:
        ConfigurationError: it is not set, or an address is none.
    """
    _require(settings.smtp_host, "SMTP_HOST", "the relay that mail goes out through")
    try:
        return SmtpSender(
            settings.smtp_host,
            settings.smtp_port,
            tls=settings.smtp_tls,
            username=settings.smtp_username,
            password=reveal(settings.smtp_password),
            sender=settings.smtp_from,
            timeout=settings.smtp_timeout,
            bounce_address=settings.smtp_bounce_address,
        )
    except ValueError as error:
        message = f"orderflow: SMTP_FROM or SMTP_BOUNCE_ADDRESS cannot be used: {error}"
        raise ConfigurationError(message) from error


def sms_sender(settings: Settings, http: httpx.AsyncClient) -> SmsSender | None:
    """Text messages, each through its country's provider; none if there is no provider.

    Raises:
        ConfigurationError: a provider has some of its credentials only.
    """
    routes: list[tuple[str, SmsSender]] = []
    if settings.aliyun_access_key_id:
        for value, variable in (
            (reveal(settings.aliyun_access_key_secret), "ALIYUN_ACCESS_KEY_SECRET"),
            (settings.aliyun_sms_sign_name, "ALIYUN_SMS_SIGN_NAME"),
        ):
            _require(value, variable, _SECOND_HALF)
        routes.append(("+86", _aliyun_sms(settings, http)))
    if settings.twilio_account_sid:
        for value, variable in (
            (reveal(settings.twilio_auth_token), "TWILIO_AUTH_TOKEN"),
            (settings.twilio_from, "TWILIO_FROM"),
        ):
            _require(value, variable, _SECOND_HALF)
        routes.append(("+", _twilio_sms(settings, http)))
    return RoutedSms(routes) if routes else None


def _twilio_sms(settings: Settings, http: httpx.AsyncClient) -> TwilioSms:
    return TwilioSms(
        http,
        account_sid=settings.twilio_account_sid,
        auth_token=reveal(settings.twilio_auth_token),
        sender=settings.twilio_from,
        base_url=settings.twilio_base_url,
        callback_url=f"{settings.public_url.rstrip('/')}/callbacks/messages/twilio",
    )


def _aliyun_sms(settings: Settings, http: httpx.AsyncClient) -> AliyunSms:
    return AliyunSms(
        http,
        key_id=settings.aliyun_access_key_id,
        key_secret=reveal(settings.aliyun_access_key_secret),
        sign_name=settings.aliyun_sms_sign_name,
        templates=settings.aliyun_sms_templates,
        base_url=settings.aliyun_sms_base_url,
    )


def push_sender(settings: Settings, http: httpx.AsyncClient) -> PushSender | None:
    """Push messages, each through its device's provider; none if there is no provider.

    Raises:
        ConfigurationError: a key cannot be read.
    """
    senders: dict[DeviceKind, PushSender] = {}
    if settings.fcm_service_account is not None:
        with _keys_of("FCM_SERVICE_ACCOUNT"):
            account = read_service_account(reveal(settings.fcm_service_account))
        senders[DeviceKind.FCM] = FcmPush(http, account, settings.fcm_base_url)
    browsers = web_push(settings, http)
    if browsers is not None:
        senders[DeviceKind.WEB_PUSH] = browsers
    return RoutedPush(senders) if senders else None


def web_push(settings: Settings, http: httpx.AsyncClient) -> WebPush | None:
    """Push messages to browsers; none without a key of ours.

    Raises:
        ConfigurationError: the key cannot be read.
    """
    if settings.web_push_private_key is None:
        return None
    with _keys_of("WEB_PUSH_PRIVATE_KEY"):
        return WebPush(
            http,
            private_key=reveal(settings.web_push_private_key),
            contact=settings.web_push_contact,
            hosts=settings.web_push_hosts,
        )


def receipt_readers(settings: Settings) -> dict[str, ReceiptReader]:
    """The messaging providers whose delivery reports can be verified."""
    readers: list[ReceiptReader] = []
    if settings.twilio_auth_token is not None:
        token = reveal(settings.twilio_auth_token)
        readers.append(TwilioReceipts(settings.twilio_account_sid, token))
    if settings.aliyun_sms_report_token is not None:
        readers.append(AliyunReceipts(reveal(settings.aliyun_sms_report_token)))
    if settings.smtp_bounce_secret is not None:
        readers.append(MailReceipts(reveal(settings.smtp_bounce_secret)))
    return {reader.name: reader for reader in readers}


def return_rules(settings: Settings) -> ReturnRules:
    """What the shop decides about returns."""
    return ReturnRules(
        window=settings.return_window,
        patience=settings.return_patience,
        approve_up_to=Money.of(settings.return_approve_up_to, ShippingRates().currency),
        excluded_products=frozenset(settings.return_excluded_products),
    )


def quiet_hours(settings: Settings) -> QuietHours:
    """When promotions wait."""
    if settings.quiet_hours == "none":
        return QuietHours(start=time(0), end=time(0))
    start, end = (time.fromisoformat(part) for part in settings.quiet_hours.split("-"))
    return QuietHours(start=start, end=end)


def _require(value: str, variable: str, purpose: str) -> None:
    if not value:
        raise ConfigurationError(f"orderflow: {variable} is not set ({purpose})")
