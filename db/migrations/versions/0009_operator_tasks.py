"""Tasks for people, parcels that are lost or refused, and what providers literally said.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATUSES = (
    "created",
    "info_received",
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "available_for_pickup",
    "attempt_failed",
    "delivered",
    "returning",
    "returned",
    "exception",
    "cancelled",
    "expired",
    "unknown",
)
_NEW_STATUSES = ("refused", "lost")
_KNOWN = op.f("ck_shipments_status_known")


def _restrict(statuses: tuple[str, ...]) -> None:
    op.drop_constraint(_KNOWN, "shipments", type_="check")
    listed = ", ".join(repr(status) for status in statuses)
    op.create_check_constraint(_KNOWN, "shipments", f"status IN ({listed})")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _restrict(_STATUSES + _NEW_STATUSES)
    for column in ("watched_at", "given_up_at"):
        op.add_column("shipments", sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "tracking_events",
        sa.Column("raw_status", sa.Text(), server_default="", nullable=False),
    )
    op.create_table(
        "operator_tasks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("shipment_id", sa.Text(), nullable=True),
        sa.Column("tracking_number", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'obsolete')", name=op.f("ck_operator_tasks_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_operator_tasks_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name=op.f("fk_operator_tasks_shipment_id_shipments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_tasks")),
        sa.UniqueConstraint(
            "order_id", "dedupe_key", name=op.f("uq_operator_tasks_order_id_dedupe_key")
        ),
    )
    op.create_index(
        "ix_operator_tasks_open",
        "operator_tasks",
        ["opened_at"],
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("operator_tasks")
    op.drop_column("tracking_events", "raw_status")
    for column in ("given_up_at", "watched_at"):
        op.drop_column("shipments", column)
    # The nearest that the older code knows.
    op.execute("UPDATE shipments SET status = 'exception' WHERE status IN ('refused', 'lost')")
    _restrict(_STATUSES)
