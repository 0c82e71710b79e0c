"""The payment providers that this worker has credentials for."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import PermanentError
from domain.order import GatewayName
from gateways.payments.protocol import PaymentGateway

PaymentGateways = Mapping[GatewayName, PaymentGateway]


class GatewayOff(PermanentError):
    """The payment's provider has no credentials on this worker."""


def gateway_of(gateways: PaymentGateways, name: str) -> PaymentGateway:
    """The provider that a payment in the books names.

    Raises:
        GatewayOff: it has no credentials.
    """
    for known, gateway in gateways.items():
        if known == name:
            return gateway
    raise GatewayOff(f"no credentials for {name}: set its variables and restart the worker")
