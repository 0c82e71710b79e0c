"""What captures, refunds by line, dashboard refunds, disputes and reconciliation need.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("capture_ref", "capture_key"):
        op.add_column("payments", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column(
        "payments",
        sa.Column("captures_begun", sa.Integer(), server_default="0", nullable=False),
    )
    for name in ("given_up", "disputed"):
        op.add_column(
            "payments", sa.Column(name, sa.Boolean(), server_default="false", nullable=False)
        )
    op.create_index(
        "ix_payments_capture_ref",
        "payments",
        ["gateway", "capture_ref"],
        postgresql_where=sa.text("capture_ref <> ''"),
    )
    op.create_index("ix_payments_updated_at", "payments", ["updated_at"])
    op.add_column(
        "refunds", sa.Column("made_by", sa.Text(), server_default="shop", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_refunds_made_by_one_of"), "refunds", "made_by IN ('shop', 'provider')"
    )
    op.add_column(
        "refunds",
        sa.Column(
            "lines",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )
    op.add_column("refunds", sa.Column("retry_of", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "reconciliation_findings",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("repair", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
            name=op.f("fk_reconciliation_findings_order_id_orders"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
            name=op.f("fk_reconciliation_findings_payment_id_payments"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_findings")),
        sa.UniqueConstraint(
            "run_id",
            "payment_id",
            "refund_id",
            "kind",
            name=op.f("uq_reconciliation_findings_run_id_payment_id_refund_id_kind"),
        ),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("reconciliation_findings")
    for name in ("retry_of", "lines"):
        op.drop_column("refunds", name)
    op.drop_constraint(op.f("ck_refunds_made_by_one_of"), "refunds")
    op.drop_column("refunds", "made_by")
    op.drop_index("ix_payments_updated_at", "payments")
    op.drop_index("ix_payments_capture_ref", "payments")
    for name in ("disputed", "given_up", "captures_begun", "capture_key", "capture_ref"):
        op.drop_column("payments", name)
