"""Picking lists that are late are looked for; what was in a lost parcel may be sent again.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
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
    "return_requested",
    "return_approved",
    "return_declined",
    "return_received",
    "exchange_shipped",
)
_NEW_KINDS = ("shipping_delayed", "resent_shipped")
_KNOWN = op.f("ck_notifications_kind_known")


def _restrict(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(_KNOWN, "notifications", type_="check")
    listed = ", ".join(repr(kind) for kind in kinds)
    op.create_check_constraint(_KNOWN, "notifications", f"kind IN ({listed})")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _restrict(_KINDS + _NEW_KINDS)
    op.create_index(
        "ix_picking_lists_open",
        "picking_lists",
        ["created_at"],
        postgresql_where=sa.text("state IN ('intended', 'accepted')"),
    )
    op.add_column("shipments", sa.Column("resent_as", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_shipments_resent_as_orders"), "shipments", "orders", ["resent_as"], ["id"]
    )
    op.create_unique_constraint(op.f("uq_shipments_resent_as"), "shipments", ["resent_as"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("shipments", "resent_as")
    op.drop_index("ix_picking_lists_open", "picking_lists")
    listed = ", ".join(repr(kind) for kind in _NEW_KINDS)
    op.execute(
        "DELETE FROM push_deliveries WHERE notification_id IN"
        f" (SELECT id FROM notifications WHERE kind IN ({listed}))"
    )
    op.execute(f"DELETE FROM notifications WHERE kind IN ({listed})")
    _restrict(_KINDS)
