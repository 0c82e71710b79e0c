"""Which adapter stands for which party outside the house, as the settings say."""

from __future__ import annotations

import httpx

from domain.order import GatewayName
from gateways.messaging.email import SmtpSender
from gateways.messaging.protocol import EmailSender, PushSender, SmsSender
from gateways.messaging.simulated import SimulatedPush, SimulatedSms
from gateways.payments.protocol import PaymentGateway
from gateways.payments.stripe import StripeGateway
from gateways.tracking.aftership import AfterShipTracking
from gateways.tracking.protocol import TrackingGateway
from gateways.warehouse import WarehouseGateway
from settings import ConfigurationError, Settings, reveal


def payment_gateways(
    settings: Settings, http: httpx.AsyncClient
) -> dict[GatewayName, PaymentGateway]:
    """The providers that have credentials; the others are off."""
    gateways: dict[GatewayName, PaymentGateway] = {}
    if settings.stripe_api_key is not None:
        gateways["stripe"] = StripeGateway(
            http,
            reveal(settings.stripe_api_key),
            reveal(settings.stripe_webhook_secret),
            settings.stripe_base_url,
        )
    return gateways


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
