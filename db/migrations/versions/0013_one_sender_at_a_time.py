"""A message is leased to the step that sends it: two that tell of one event send one.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "notifications", sa.Column("lease_holder", sa.Text(), nullable=False, server_default="")
    )
    op.add_column(
        "notifications",
        sa.Column(
            "leased_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("notifications", "leased_at")
    op.drop_column("notifications", "lease_holder")
