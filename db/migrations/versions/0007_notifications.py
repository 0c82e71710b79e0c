"""Preferences, opt-outs, addresses that fail, devices and delivery receipts.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KINDS = (
    "order_confirmed",
    "order_processing",
    "order_shipped",
    "delivery_update",
    "order_delivered",
    "review_invitation",
    "payment_due",
    "payment_failed",
    "out_of_stock",
    "order_cancelled",
    "order_refunded",
)
_NEW_KINDS = ("return_requested", "return_approved", "return_declined", "return_received")
_STATES = ("pending", "sent", "failed", "suppressed")
_NEW_STATES = ("sending", "unknown")
_CHANNELS = ("email", "sms", "push")
_PURPOSES = ("essential", "update", "promotion")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _known(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        _one_of(column, values), name=op.f(f"ck_{table}_{column}_known")
    )


def _replace(column: str, values: tuple[str, ...]) -> None:
    name = op.f(f"ck_notifications_{column}_known")
    op.drop_constraint(name, "notifications", type_="check")
    op.create_check_constraint(name, "notifications", _one_of(column, values))


def _text(name: str, default: str | None = None) -> sa.Column:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _instant(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _replace("kind", _KINDS + _NEW_KINDS)
    _replace("state", _STATES + _NEW_STATES)
    op.add_column("notifications", _instant("claimed_at", nullable=True))
    op.add_column("notifications", _text("receipt", ""))
    op.add_column("notifications", _text("receipt_code", ""))
    op.add_column("notifications", _instant("receipt_at", nullable=True))
    _choices()
    _receipts()
    _devices()


def _choices() -> None:
    op.create_table(
        "notification_preferences",
        _text("customer_id"),
        _text("purpose"),
        _text("channel"),
        _text("choice"),
        _instant("changed_at"),
        _known("notification_preferences", "purpose", _PURPOSES),
        _known("notification_preferences", "channel", _CHANNELS),
        _known("notification_preferences", "choice", ("wanted", "unwanted")),
        sa.PrimaryKeyConstraint(
            "customer_id", "purpose", "channel", name=op.f("pk_notification_preferences")
        ),
    )
    op.create_table(
        "notification_opt_outs",
        _text("address_key"),
        _text("channel"),
        _text("purpose"),
        _text("source"),
        _instant("at"),
        _known("notification_opt_outs", "channel", _CHANNELS),
        _known("notification_opt_outs", "purpose", _PURPOSES),
        sa.PrimaryKeyConstraint(
            "address_key", "channel", "purpose", name=op.f("pk_notification_opt_outs")
        ),
    )
    op.create_table(
        "channel_states",
        _text("channel"),
        _text("address_key"),
        _text("state"),
        _text("provider"),
        _text("code", ""),
        _instant("since"),
        _known("channel_states", "channel", _CHANNELS),
        _known("channel_states", "state", ("refused", "unsubscribed")),
        sa.PrimaryKeyConstraint("channel", "address_key", name=op.f("pk_channel_states")),
    )


def _receipts() -> None:
    op.create_table(
        "delivery_receipts",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        _text("provider"),
        _text("message_id"),
        _text("notification_id", ""),
        _text("status"),
        _text("code", ""),
        _instant("at"),
        _instant("received_at"),
        _known("delivery_receipts", "status", ("sent", "undelivered", "delivered")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_receipts")),
        sa.UniqueConstraint(
            "provider",
            "message_id",
            "status",
            name=op.f("uq_delivery_receipts_provider_message_id_status"),
        ),
    )


def _devices() -> None:
    op.create_table(
        "push_devices",
        _text("id"),
        _text("customer_id"),
        _text("kind"),
        _text("target"),
        _text("p256dh", ""),
        _text("auth", ""),
        _text("state", "active"),
        _instant("registered_at"),
        _known("push_devices", "kind", ("fcm", "webpush")),
        _known("push_devices", "state", ("active", "gone")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_devices")),
        sa.UniqueConstraint("target", name=op.f("uq_push_devices_target")),
    )
    op.create_index(op.f("ix_push_devices_customer_id"), "push_devices", ["customer_id"])
    op.create_table(
        "push_deliveries",
        _text("notification_id"),
        _text("device_id"),
        _text("provider"),
        _text("message_id"),
        _instant("at"),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
            name=op.f("fk_push_deliveries_notification_id_notifications"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["push_devices.id"],
            name=op.f("fk_push_deliveries_device_id_push_devices"),
        ),
        sa.PrimaryKeyConstraint(
            "notification_id", "device_id", name=op.f("pk_push_deliveries")
        ),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in (
        "push_deliveries",
        "push_devices",
        "delivery_receipts",
        "channel_states",
        "notification_opt_outs",
        "notification_preferences",
    ):
        op.drop_table(table)
    for column in ("receipt_at", "receipt_code", "receipt", "claimed_at"):
        op.drop_column("notifications", column)
    # What the older code does not know becomes the nearest that it does; a message whose outcome
    # nobody knows must not go out again. The kinds are gone with their messages.
    op.execute(
        "UPDATE notifications SET state = 'failed', error = 'the outcome is unknown'"
        " WHERE state IN ('sending', 'unknown')"
    )
    op.execute(f"DELETE FROM notifications WHERE {_one_of('kind', _NEW_KINDS)}")
    _replace("kind", _KINDS)
    _replace("state", _STATES)
