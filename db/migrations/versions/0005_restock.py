"""What the supplier was asked for, and which warehouse asks for what an order misses.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATES = "state IN ('intended', 'accepted', 'received', 'refused')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "supply_orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("warehouse_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="intended", nullable=False),
        sa.Column("supplier_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_STATES, name=op.f("ck_supply_orders_state_known")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_supply_orders_quantity_positive")),
        sa.CheckConstraint("received >= 0", name=op.f("ck_supply_orders_received_not_negative")),
        sa.ForeignKeyConstraint(
            ["warehouse_id", "sku"],
            ["inventory.warehouse_id", "inventory.sku"],
            name=op.f("fk_supply_orders_warehouse_id_sku_inventory"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supply_orders")),
    )
    op.create_index(
        "uq_supply_orders_one_intended",
        "supply_orders",
        ["warehouse_id", "sku"],
        unique=True,
        postgresql_where=sa.text("state = 'intended'"),
    )
    op.create_index(
        "ix_supply_orders_open",
        "supply_orders",
        ["sku", "warehouse_id"],
        postgresql_where=sa.text("state IN ('intended', 'accepted')"),
    )
    op.add_column("restock_requests", sa.Column("warehouse_id", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_restock_requests_warehouse_id_sku_inventory"),
        "restock_requests",
        "inventory",
        ["warehouse_id", "sku"],
        ["warehouse_id", "sku"],
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("restock_requests", "warehouse_id")
    op.drop_table("supply_orders")
