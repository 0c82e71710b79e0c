"""What both sides know of our simulated messaging accounts besides secrets."""

from __future__ import annotations

from collections.abc import Mapping

from domain.notification import NotificationKind

FCM_PROJECT = "orderflow-simulated"

# A text message in China fills in an approved template; every kind that may be texted has one.
SMS_TEMPLATES: Mapping[str, str] = {
    kind.value: f"SMS_{461000001 + number}" for number, kind in enumerate(NotificationKind)
}
