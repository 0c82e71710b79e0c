"""What a fair redelivery of callbacks remembers, and the way to an order's callbacks.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "callback_inbox",
        sa.Column("delivery_attempts", sa.Integer(), server_default="0", nullable=False),
    )
    op.add_column(
        "callback_inbox", sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_callback_inbox_order_id",
        "callback_inbox",
        ["order_id"],
        postgresql_where=sa.text("order_id <> ''"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(
        "ix_callback_inbox_order_id",
        table_name="callback_inbox",
        postgresql_where=sa.text("order_id <> ''"),
    )
    op.drop_column("callback_inbox", "next_attempt_at")
    op.drop_column("callback_inbox", "delivery_attempts")
