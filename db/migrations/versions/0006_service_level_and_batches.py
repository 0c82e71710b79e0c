"""How fast an order is to leave, and the batch that lies in a bin.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "orders", sa.Column("service_level", sa.Text(), server_default="standard", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_orders_service_level_known"),
        "orders",
        "service_level IN ('standard', 'express')",
    )
    op.add_column("inventory", sa.Column("batch", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("inventory", "batch")
    op.drop_column("orders", "service_level")
