"""A text message as an operator's gateway holds it."""

from __future__ import annotations

from pydantic import BaseModel


class Text(BaseModel):
    """One accepted message; `sent_on` is the day, `template` is Alibaba Cloud's only."""

    id: str
    to: str
    body: str
    status: str
    sent_on: str
    notification_id: str = ""
    callback_url: str = ""
    template: str = ""
    error_code: str = ""

    def view(self) -> dict[str, object]:
        """For the simulator's own page."""
        return {
            "id": self.id,
            "to": self.to,
            "body": self.body,
            "status": self.status,
            "template": self.template,
            "notificationId": self.notification_id,
        }


def unsigned(raw: bytes, *, truly: bool) -> dict[str, str]:  # noqa: ARG001
    """No signature over the body: what proves the sender stands in the address or the event."""
    return {}
