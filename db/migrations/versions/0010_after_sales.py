"""Returns, what the warehouse found in them, and orders that replace returned goods.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_REASONS = ("received", "reserved", "released", "expired", "committed", "restocked", "adjusted")
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
)
_STATES = ("requested", "approved", "rejected", "received", "refunded", "exchanged", "expired")

# How one movement of each reason may change the counters.
_DELTAS = """
    CASE reason
        WHEN 'received' THEN delta_available > 0 AND delta_reserved = 0
        WHEN 'reserved' THEN delta_reserved > 0 AND delta_available = -delta_reserved
        WHEN 'released' THEN delta_available > 0 AND delta_reserved = -delta_available
        WHEN 'expired' THEN delta_available > 0 AND delta_reserved = -delta_available
        WHEN 'committed' THEN delta_available = 0 AND delta_reserved < 0
        WHEN 'restocked' THEN delta_available > 0 AND delta_reserved = 0
        {returned}
        ELSE delta_reserved = 0
    END
"""
_RETURNED = "WHEN 'returned' THEN delta_available > 0 AND delta_reserved = 0"

# As 0007 made it, but for the reasons that no hold explains.
_MOVEMENTS_FIT = """
    CREATE OR REPLACE FUNCTION movements_fit() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wrong record;
    BEGIN
        SELECT moved.* INTO wrong FROM moved
        LEFT JOIN holds ON holds.id = moved.reference
        LEFT JOIN hold_lines AS line ON line.hold_id = moved.reference
            AND line.warehouse_id = moved.warehouse_id AND line.sku = moved.sku
        WHERE moved.reason NOT IN ({free}) AND (
            line.hold_id IS NULL OR CASE moved.reason
                WHEN 'reserved' THEN holds.state <> 'held' OR moved.delta_reserved <> quantity
                WHEN 'restocked' THEN holds.state <> 'committed'
                    OR moved.delta_available <> quantity
                ELSE holds.state <> moved.reason OR moved.delta_reserved <> -quantity
            END)
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'hold % does not say that so many of % in % are %',
                wrong.reference, wrong.sku, wrong.warehouse_id, wrong.reason
                USING ERRCODE = 'check_violation';
        END IF;
        UPDATE inventory SET ledger_available = ledger_available + change.available,
                             ledger_reserved = ledger_reserved + change.reserved
        FROM (
            SELECT warehouse_id, sku, sum(delta_available) AS available,
                   sum(delta_reserved) AS reserved
            FROM moved GROUP BY warehouse_id, sku
        ) AS change
        WHERE inventory.warehouse_id = change.warehouse_id AND inventory.sku = change.sku;
        RETURN NULL;
    END $$
"""

# No unit of an order is in two returns; who inserts has locked the order.
_UNITS_LEFT = (
    """
    CREATE FUNCTION returned_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (
            SELECT sum(CASE WHEN received_at IS NULL THEN quantity ELSE resellable + damaged END)
            FROM return_lines AS line JOIN returns ON returns.id = line.return_id
            WHERE line.order_id = NEW.order_id AND line.line_no = NEW.line_no
                AND state NOT IN ('rejected', 'expired')
        ) > (
            SELECT quantity FROM order_items
            WHERE order_id = NEW.order_id AND line_no = NEW.line_no
        ) THEN
            RAISE EXCEPTION 'more units of line % of order % are returned than it has',
                NEW.line_no, NEW.order_id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER returned_once AFTER INSERT OR UPDATE ON return_lines
        FOR EACH ROW EXECUTE FUNCTION returned_once()
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _replace_known("stock_movements", "reason", (*_REASONS, "returned"))
    _replace_known("notifications", "kind", (*_KINDS, "exchange_shipped"))
    _replace_deltas(_DELTAS.format(returned=_RETURNED))
    op.execute(_MOVEMENTS_FIT.format(free="'received', 'adjusted', 'returned'"))
    op.add_column("orders", sa.Column("replacement_of", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_orders_replacement_of_orders"), "orders", "orders", ["replacement_of"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_orders_replacement_costs_nothing"),
        "orders",
        "replacement_of IS NULL OR total_minor = 0",
    )
    _create_returns()
    _create_lines()
    for statement in _UNITS_LEFT:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("return_lines")
    op.execute("DROP FUNCTION returned_once")
    op.drop_table("returns")
    op.drop_constraint(op.f("ck_orders_replacement_costs_nothing"), "orders")
    op.drop_constraint(op.f("fk_orders_replacement_of_orders"), "orders")
    op.drop_column("orders", "replacement_of")
    # The goods are on their shelves: older code knows them as found by a count.
    op.execute("ALTER TABLE stock_movements DISABLE TRIGGER ledger_only_grows")
    op.execute("UPDATE stock_movements SET reason = 'adjusted' WHERE reason = 'returned'")
    op.execute("ALTER TABLE stock_movements ENABLE TRIGGER ledger_only_grows")
    op.execute(_MOVEMENTS_FIT.format(free="'received', 'adjusted'"))
    _replace_deltas(_DELTAS.format(returned=""))
    op.execute("DELETE FROM notifications WHERE kind = 'exchange_shipped'")
    _replace_known("notifications", "kind", _KINDS)
    _replace_known("stock_movements", "reason", _REASONS)


def _create_returns() -> None:
    op.create_table(
        "returns",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="requested", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_by", sa.Text(), server_default="customer", nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        sa.Column("expected_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replacement_order_id", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            _one_of("kind", ("refund", "exchange")), name=op.f("ck_returns_kind_known")
        ),
        sa.CheckConstraint(_one_of("state", _STATES), name=op.f("ck_returns_state_known")),
        sa.CheckConstraint(
            _one_of("requested_by", ("customer", "operator", "carrier")),
            name=op.f("ck_returns_requested_by_known"),
        ),
        sa.CheckConstraint(
            _one_of("decided_by", ("", "rule", "operator", "carrier")),
            name=op.f("ck_returns_decided_by_known"),
        ),
        sa.CheckConstraint(
            "(state IN ('received', 'refunded', 'exchanged')) = (received_at IS NOT NULL)",
            name=op.f("ck_returns_received_at_tells"),
        ),
        sa.CheckConstraint(
            "state <> 'exchanged' OR replacement_order_id IS NOT NULL",
            name=op.f("ck_returns_exchanged_for"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_returns_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["replacement_order_id"],
            ["orders.id"],
            name=op.f("fk_returns_replacement_order_id_orders"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
        sa.UniqueConstraint(
            "replacement_order_id", name=op.f("uq_returns_replacement_order_id")
        ),
    )
    op.create_index(op.f("ix_returns_order_id"), "returns", ["order_id"])
    op.create_index(
        "ix_returns_open",
        "returns",
        ["requested_at"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def _create_lines() -> None:
    op.create_table(
        "return_lines",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("resellable", sa.Integer(), server_default="0", nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_return_lines_quantity_positive")),
        sa.CheckConstraint(
            "least(resellable, damaged) >= 0", name=op.f("ck_return_lines_received_not_negative")
        ),
        sa.CheckConstraint(
            "resellable + damaged <= quantity", name=op.f("ck_return_lines_received_was_announced")
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "line_no"],
            ["order_items.order_id", "order_items.line_no"],
            name=op.f("fk_return_lines_order_id_line_no_order_items"),
        ),
        sa.ForeignKeyConstraint(
            ["return_id"], ["returns.id"], name=op.f("fk_return_lines_return_id_returns")
        ),
        sa.PrimaryKeyConstraint("return_id", "line_no", name=op.f("pk_return_lines")),
    )
    op.create_index("ix_return_lines_item", "return_lines", ["order_id", "line_no"])


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


def _replace_known(table: str, column: str, values: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}_known")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, _one_of(column, values))


def _replace_deltas(condition: str) -> None:
    name = op.f("ck_stock_movements_deltas_fit_reason")
    op.drop_constraint(name, "stock_movements")
    op.create_check_constraint(name, "stock_movements", condition)
