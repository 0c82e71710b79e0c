"""What an operator decided about a payment in review, and money that a bank has taken.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_MADE_BY = op.f("ck_refunds_made_by_one_of")

# Payments that are in review already; from now on whoever puts one there opens its task.
_TASKS = """
    INSERT INTO operator_tasks
        (id, kind, order_id, payment_id, urgent, task, dedupe_key, opened_at)
    SELECT 'T' || upper(substr(md5(kind || payments.id), 1, 26)), kind, order_id, payments.id,
        true, words, kind || ':' || payments.id, now()
    FROM payments
    CROSS JOIN LATERAL (VALUES
        ('payment_mismatch', mismatch <> '',
         'The payment is not what was asked for: ' || mismatch
         || '. Decide accept (it pays for the order) or refund (all of it goes back)'),
        ('payment_disputed', disputed AND captured_minor > 0,
         'The customer''s bank wants the money back.'
         || ' Decide won if it stays, lost if the bank has taken it')
    ) AS review (kind, concerned, words)
    WHERE concerned AND (captured_minor = 0 OR captured_minor > refunded_minor)
"""


def _restrict_makers(*makers: str) -> None:
    op.drop_constraint(_MADE_BY, "refunds", type_="check")
    listed = ", ".join(repr(maker) for maker in makers)
    op.create_check_constraint(_MADE_BY, "refunds", f"made_by IN ({listed})")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in ("dispute_outcome", "decision"):
        op.add_column(
            "payments", sa.Column(column, sa.Text(), nullable=False, server_default="")
        )
    op.add_column(
        "payments", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_check_constraint(
        op.f("ck_payments_decided_mismatch"),
        "payments",
        "decision IN ('', 'accept', 'refund')"
        " AND (decision = '' OR (mismatch <> '' AND decided_at IS NOT NULL))"
        " AND (decision <> 'accept' OR captured_minor > 0)",
    )
    op.create_check_constraint(
        op.f("ck_payments_dispute_ended"),
        "payments",
        "dispute_outcome IN ('', 'won', 'lost') AND (dispute_outcome = '' OR disputed)",
    )
    op.add_column("operator_tasks", sa.Column("payment_id", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_operator_tasks_payment_id_payments"),
        "operator_tasks",
        "payments",
        ["payment_id"],
        ["id"],
    )
    op.add_column(
        "operator_tasks", sa.Column("decided_by", sa.Text(), nullable=False, server_default="")
    )
    _restrict_makers("shop", "provider", "bank")
    op.execute(_TASKS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM operator_tasks WHERE payment_id IS NOT NULL")
    # The nearest that the older code knows.
    op.execute("UPDATE refunds SET made_by = 'provider' WHERE made_by = 'bank'")
    _restrict_makers("shop", "provider")
    op.drop_column("operator_tasks", "decided_by")
    op.drop_column("operator_tasks", "payment_id")
    op.drop_constraint(op.f("ck_payments_dispute_ended"), "payments", type_="check")
    op.drop_constraint(op.f("ck_payments_decided_mismatch"), "payments", type_="check")
    for column in ("decided_at", "decision", "dispute_outcome"):
        op.drop_column("payments", column)
