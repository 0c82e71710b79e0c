"""An order may have several parcels, each of a picking list of its own.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KNOWN = (
    "shipping_status IN ('pending', 'picking', 'in_transit', 'out_for_delivery', 'delivered',"
    " 'exception', 'returned')"
)

# Every order so far has one picking list and one parcel.
_PARCELS_OF_LISTS = (
    """
    UPDATE shipments SET picking_list_id = list.id
    FROM picking_lists AS list WHERE list.order_id = shipments.order_id
    """,
    """
    UPDATE shipments SET shipping_status = orders.shipping_status
    FROM orders WHERE orders.id = shipments.order_id
    """,
    """
    UPDATE picking_lists SET state = 'shipped'
    FROM shipments WHERE picking_list_id = picking_lists.id AND state = 'accepted'
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("shipments", sa.Column("picking_list_id", sa.Text(), nullable=True))
    op.add_column(
        "shipments",
        sa.Column("shipping_status", sa.Text(), server_default="in_transit", nullable=False),
    )
    for statement in _PARCELS_OF_LISTS:
        op.execute(statement)
    op.create_foreign_key(
        op.f("fk_shipments_picking_list_id_picking_lists"),
        "shipments",
        "picking_lists",
        ["picking_list_id"],
        ["id"],
    )
    op.create_unique_constraint(
        op.f("uq_shipments_picking_list_id"), "shipments", ["picking_list_id"]
    )
    op.create_check_constraint(op.f("ck_shipments_shipping_status_known"), "shipments", _KNOWN)
    op.drop_index("uq_shipments_order", table_name="shipments")
    op.create_index("ix_shipments_order_id", "shipments", ["order_id", "shipped_at"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Fails if an order has several parcels by now, which the older code could not read.
    op.create_index("uq_shipments_order", "shipments", ["order_id"], unique=True)
    op.drop_index("ix_shipments_order_id", table_name="shipments")
    op.drop_column("shipments", "shipping_status")
    op.drop_column("shipments", "picking_list_id")
