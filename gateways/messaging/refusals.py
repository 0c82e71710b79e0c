"""What a messaging provider may refuse for good besides the message: the address itself."""

from __future__ import annotations

from gateways.errors import GatewayRejected


class AddressRefused(GatewayRejected):
    """No message can reach this mailbox, number or device, `provider` says: do not try it again."""

    def __init__(self, provider: str, code: str, message: str) -> None:
        super().__init__(code, message)
        self.provider = provider


class Unsubscribed(AddressRefused):
    """The reader told the provider that they want no messages from us."""
