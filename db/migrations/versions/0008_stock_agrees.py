"""Counters, holds and the ledger of stock agree at every commit.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# How one movement of each reason may change the counters.
_DELTAS = """
    CASE reason
        WHEN 'received' THEN delta_available > 0 AND delta_reserved = 0
        WHEN 'reserved' THEN delta_reserved > 0 AND delta_available = -delta_reserved
        WHEN 'released' THEN delta_available > 0 AND delta_reserved = -delta_available
        WHEN 'expired' THEN delta_available > 0 AND delta_reserved = -delta_available
        WHEN 'committed' THEN delta_available = 0 AND delta_reserved < 0
        WHEN 'restocked' THEN delta_available > 0 AND delta_reserved = 0
        ELSE delta_reserved = 0
    END
"""

_TOTALS = """
    UPDATE inventory SET ledger_available = ledger.available, ledger_reserved = ledger.reserved
    FROM (
        SELECT warehouse_id, sku, sum(delta_available) AS available,
               sum(delta_reserved) AS reserved
        FROM stock_movements GROUP BY warehouse_id, sku
    ) AS ledger
    WHERE inventory.warehouse_id = ledger.warehouse_id AND inventory.sku = ledger.sku
"""

# Law 2: a movement says what its hold says. Once for all movements of a statement, as a hundred
# orders may be held by one.
_MOVEMENTS_FIT = (
    """
    CREATE FUNCTION movements_fit() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wrong record;
    BEGIN
        SELECT moved.* INTO wrong FROM moved
        LEFT JOIN holds ON holds.id = moved.reference
        LEFT JOIN hold_lines AS line ON line.hold_id = moved.reference
            AND line.warehouse_id = moved.warehouse_id AND line.sku = moved.sku
        WHERE moved.reason NOT IN ('received', 'adjusted') AND (
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
    """,
    """
    CREATE TRIGGER movements_fit AFTER INSERT ON stock_movements
        REFERENCING NEW TABLE AS moved
        FOR EACH STATEMENT EXECUTE FUNCTION movements_fit()
    """,
)

# Law 1: asked at commit, because counters and ledger change one after the other.
_COUNTERS_AGREE = (
    """
    CREATE FUNCTION counters_agree() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM inventory WHERE warehouse_id = NEW.warehouse_id AND sku = NEW.sku
            AND (available <> ledger_available OR reserved <> ledger_reserved)
        ) THEN
            RAISE EXCEPTION 'no movement explains the counters of % in %',
                NEW.sku, NEW.warehouse_id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER counters_agree AFTER INSERT OR UPDATE ON inventory
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (NEW.available <> NEW.ledger_available OR NEW.reserved <> NEW.ledger_reserved)
        EXECUTE FUNCTION counters_agree()
    """,
)

# Law 2: what a hold promises never changes, and whatever becomes of it moves all its goods.
_HOLDS_AGREE = (
    """
    CREATE FUNCTION hold_lines_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'what a hold promises is never changed or deleted'
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER hold_lines_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON hold_lines
        FOR EACH STATEMENT EXECUTE FUNCTION hold_lines_stay()
    """,
    """
    CREATE FUNCTION hold_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM hold_lines WHERE hold_id = NEW.id) THEN
            RAISE EXCEPTION 'hold % promises nothing', NEW.id
                USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.state <> 'held' AND EXISTS (
            SELECT FROM hold_lines AS line WHERE hold_id = NEW.id AND NOT EXISTS (
                SELECT FROM stock_movements WHERE reference = NEW.id AND reason = NEW.state
                    AND warehouse_id = line.warehouse_id AND sku = line.sku)
        ) THEN
            RAISE EXCEPTION 'hold % is %, but its goods have not moved', NEW.id, NEW.state
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER hold_agrees AFTER INSERT OR UPDATE OF state ON holds
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold_agrees()
    """,
    """
    CREATE FUNCTION hold_line_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (
            SELECT FROM stock_movements WHERE reference = NEW.hold_id AND reason = 'reserved'
                AND warehouse_id = NEW.warehouse_id AND sku = NEW.sku
        ) THEN
            RAISE EXCEPTION 'hold % promises % in %, which were not reserved',
                NEW.hold_id, NEW.sku, NEW.warehouse_id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER hold_line_agrees AFTER INSERT ON hold_lines
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold_line_agrees()
    """,
)

_TRIGGERS = {
    "movements_fit": "stock_movements",
    "counters_agree": "inventory",
    "hold_lines_stay": "hold_lines",
    "hold_agrees": "holds",
    "hold_line_agrees": "hold_lines",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Nothing may move between the sums and the triggers.
    op.execute("LOCK TABLE stock_movements IN SHARE ROW EXCLUSIVE MODE")
    for name in ("ledger_available", "ledger_reserved"):
        column = sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        op.add_column("inventory", column)
    op.execute(_TOTALS)
    op.create_check_constraint(
        op.f("ck_stock_movements_deltas_fit_reason"), "stock_movements", _DELTAS
    )
    for statement in (*_MOVEMENTS_FIT, *_COUNTERS_AGREE, *_HOLDS_AGREE):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, table in _TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(f"DROP FUNCTION {name}")
    op.drop_constraint(op.f("ck_stock_movements_deltas_fit_reason"), "stock_movements")
    op.drop_column("inventory", "ledger_reserved")
    op.drop_column("inventory", "ledger_available")
