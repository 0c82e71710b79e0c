"""The first tables, and the rules that only triggers can hold.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Law 2: a hold moves once. The same move again is no change; any other is refused.
HOLD_MOVES_ONCE = (
    """
    CREATE FUNCTION hold_moves_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state <> 'held' AND NEW.state <> OLD.state THEN
            RAISE EXCEPTION 'hold % is % and cannot become %', OLD.id, OLD.state, NEW.state
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER hold_moves_once BEFORE UPDATE OF state ON holds
        FOR EACH ROW EXECUTE FUNCTION hold_moves_once()
    """,
)

# Law 1: the ledger only grows.
LEDGER_ONLY_GROWS = (
    """
    CREATE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'stock movements are never changed or deleted'
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER ledger_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movements
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()
    """,
)

# Law 3: a payment that has been captured stays captured.
CAPTURE_IS_STICKY = (
    """
    CREATE FUNCTION capture_is_sticky() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.captured_minor > 0 AND NEW.captured_minor <> OLD.captured_minor THEN
            RAISE EXCEPTION 'payment % has captured % and cannot capture %',
                OLD.id, OLD.captured_minor, NEW.captured_minor
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER capture_is_sticky BEFORE UPDATE OF captured_minor ON payments
        FOR EACH ROW EXECUTE FUNCTION capture_is_sticky()
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "blacklist",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("email", name=op.f("pk_blacklist")),
    )
    op.create_table(
        "callback_inbox",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliveries", sa.Integer(), server_default="1", nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_inbox")),
        sa.UniqueConstraint("source", "event_id", name=op.f("uq_callback_inbox_source_event_id")),
    )
    op.create_index(
        "ix_callback_inbox_unapplied",
        "callback_inbox",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.create_table(
        "coupons",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("minimum_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_coupons_amount_positive")),
        sa.CheckConstraint(
            "num_nonnulls(percent, amount_minor) = 1", name=op.f("ck_coupons_percent_or_amount")
        ),
        sa.CheckConstraint(
            "percent > 0 AND percent <= 100", name=op.f("ck_coupons_percent_in_range")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_coupons")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("customer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("coupon_code", sa.Text(), server_default="", nullable=False),
        sa.Column("special_instructions", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("payment_status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("shipping_status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("kept_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "payment_status IN ('pending', 'paid', 'failed', 'partially_refunded', 'refunded', 'review')",
            name=op.f("ck_orders_payment_status_known"),
        ),
        sa.CheckConstraint(
            "shipping_status IN ('pending', 'picking', 'in_transit', 'out_for_delivery', 'delivered', 'exception', 'returned')",
            name=op.f("ck_orders_shipping_status_known"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'pending_restock', 'confirmed', 'processing', 'shipped', 'delivered', 'completed', 'cancelled', 'refunded')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('cancelled', 'refunded') OR kept_minor = 0 OR payment_status IN ('paid', 'partially_refunded', 'review')",
            name=op.f("ck_orders_money_of_a_closed_order_is_accounted_for"),
        ),
        sa.CheckConstraint("kept_minor >= 0", name=op.f("ck_orders_kept_not_negative")),
        sa.CheckConstraint(
            "least(subtotal_minor, shipping_minor, tax_minor, discount_minor, total_minor) >= 0",
            name=op.f("ck_orders_amounts_not_negative"),
        ),
        sa.CheckConstraint(
            "total_minor = subtotal_minor + shipping_minor + tax_minor - discount_minor",
            name=op.f("ck_orders_total_adds_up"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("order_number", name=op.f("uq_orders_order_number")),
    )
    op.create_index(op.f("ix_orders_created_at"), "orders", ["created_at"], unique=False)
    op.create_index(op.f("ix_orders_customer_id"), "orders", ["customer_id"], unique=False)
    op.create_index(op.f("ix_orders_status"), "orders", ["status"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), server_default="available", nullable=False),
        sa.Column("max_per_order", sa.Integer(), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("fragile", sa.Boolean(), nullable=False),
        sa.CheckConstraint("max_per_order > 0", name=op.f("ck_products_max_per_order_positive")),
        sa.CheckConstraint("price_minor >= 0", name=op.f("ck_products_price_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("sku", name=op.f("uq_products_sku")),
    )
    op.create_table(
        "warehouses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouses")),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="held", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'held') = (moved_at IS NULL)", name=op.f("ck_holds_moved_at_tells")
        ),
        sa.CheckConstraint(
            "state IN ('held', 'committed', 'released', 'expired')",
            name=op.f("ck_holds_state_known"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_holds_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(
        "ix_holds_live_deadline",
        "holds",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "uq_holds_one_live_per_order",
        "holds",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('held', 'committed')"),
    )
    op.create_table(
        "inventory",
        sa.Column("warehouse_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reorder_point", sa.Integer(), nullable=False),
        sa.Column("bin", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "least(total, available, reserved) >= 0", name=op.f("ck_inventory_not_negative")
        ),
        sa.CheckConstraint("total = available + reserved", name=op.f("ck_inventory_total_adds_up")),
        sa.ForeignKeyConstraint(["sku"], ["products.sku"], name=op.f("fk_inventory_sku_products")),
        sa.ForeignKeyConstraint(
            ["warehouse_id"], ["warehouses.id"], name=op.f("fk_inventory_warehouse_id_warehouses")
        ),
        sa.PrimaryKeyConstraint("warehouse_id", "sku", name=op.f("pk_inventory")),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), server_default="", nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("provider", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_notifications_sent_at_tells")
        ),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'push')", name=op.f("ck_notifications_channel_known")
        ),
        sa.CheckConstraint(
            "kind IN ('order_confirmed', 'order_processing', 'order_shipped', 'delivery_update', 'order_delivered', 'review_invitation', 'payment_due', 'payment_failed', 'out_of_stock', 'order_cancelled', 'order_refunded')",
            name=op.f("ck_notifications_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'failed', 'suppressed')",
            name=op.f("ck_notifications_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_notifications_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint(
            "order_id",
            "kind",
            "occasion",
            "channel",
            name=op.f("uq_notifications_order_id_kind_occasion_channel"),
        ),
    )
    op.create_index(
        op.f("ix_notifications_message_id"), "notifications", ["message_id"], unique=False
    )
    op.create_table(
        "order_events",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
        sa.UniqueConstraint(
            "order_id", "dedupe_key", name=op.f("uq_order_events_order_id_dedupe_key")
        ),
    )
    op.create_table(
        "order_items",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_items_quantity_positive")),
        sa.CheckConstraint(
            "total_minor = unit_price_minor * quantity", name=op.f("ck_order_items_total_adds_up")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_items_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_order_items_product_id_products")
        ),
        sa.PrimaryKeyConstraint("order_id", "line_no", name=op.f("pk_order_items")),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="intended", nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("claimed_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("mismatch", sa.Text(), server_default="", nullable=False),
        sa.Column("surplus", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("provider_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("action_type", sa.Text(), server_default="", nullable=False),
        sa.Column("action_value", sa.Text(), server_default="", nullable=False),
        sa.Column("failure_code", sa.Text(), server_default="", nullable=False),
        sa.Column("failure_message", sa.Text(), server_default="", nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "mismatch <> '' OR captured_minor IN (0, amount_minor)",
            name=op.f("ck_payments_captured_as_asked"),
        ),
        sa.CheckConstraint(
            "state IN ('intended', 'pending', 'processing', 'paid', 'failed', 'closed', 'rejected')",
            name=op.f("ck_payments_state_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint(
            "claimed_minor BETWEEN refunded_minor AND captured_minor",
            name=op.f("ck_payments_claimed_within_captured"),
        ),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND captured_minor",
            name=op.f("ck_payments_refunded_within_captured"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_payments_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payments_idempotency_key")),
        sa.UniqueConstraint("order_id", "attempt", name=op.f("uq_payments_order_id_attempt")),
    )
    op.create_index(
        "uq_payments_provider_ref",
        "payments",
        ["gateway", "provider_ref"],
        unique=True,
        postgresql_where=sa.text("provider_ref <> ''"),
    )
    op.create_table(
        "picking_lists",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("warehouse_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="intended", nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("estimated_ship_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('intended', 'accepted', 'refused', 'cancelled', 'shipped')",
            name=op.f("ck_picking_lists_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_picking_lists_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["warehouse_id"],
            ["warehouses.id"],
            name=op.f("fk_picking_lists_warehouse_id_warehouses"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picking_lists")),
        sa.UniqueConstraint(
            "order_id", "warehouse_id", name=op.f("uq_picking_lists_order_id_warehouse_id")
        ),
    )
    op.create_table(
        "restock_requests",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'filled', 'cancelled')", name=op.f("ck_restock_requests_state_known")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_restock_requests_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_restock_requests_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["sku"], ["products.sku"], name=op.f("fk_restock_requests_sku_products")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restock_requests")),
    )
    op.create_index(
        "ix_restock_requests_waiting",
        "restock_requests",
        ["sku", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "uq_restock_requests_one_open",
        "restock_requests",
        ["order_id", "sku"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "shipments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="in_transit", nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("estimated_delivery", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "status IN ('created', 'info_received', 'picked_up', 'in_transit', 'out_for_delivery', 'available_for_pickup', 'attempt_failed', 'delivered', 'returning', 'returned', 'exception', 'cancelled', 'expired', 'unknown')",
            name=op.f("ck_shipments_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_shipments_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint(
            "carrier", "tracking_number", name=op.f("uq_shipments_carrier_tracking_number")
        ),
    )
    op.create_index("uq_shipments_order", "shipments", ["order_id"], unique=True)
    op.create_table(
        "hold_lines",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("warehouse_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_hold_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["holds.id"], name=op.f("fk_hold_lines_hold_id_holds")
        ),
        sa.ForeignKeyConstraint(
            ["warehouse_id", "sku"],
            ["inventory.warehouse_id", "inventory.sku"],
            name=op.f("fk_hold_lines_warehouse_id_sku_inventory"),
        ),
        sa.PrimaryKeyConstraint("hold_id", "warehouse_id", "sku", name=op.f("pk_hold_lines")),
    )
    op.create_index("ix_hold_lines_stock", "hold_lines", ["warehouse_id", "sku"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="intended", nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("failure_code", sa.Text(), server_default="", nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('intended', 'pending', 'succeeded', 'failed', 'manual')",
            name=op.f("ck_refunds_state_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_refunds_idempotency_key")),
    )
    op.create_index(op.f("ix_refunds_order_id"), "refunds", ["order_id"], unique=False)
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"], unique=False)
    op.create_table(
        "stock_movements",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("warehouse_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("delta_available", sa.Integer(), nullable=False),
        sa.Column("delta_reserved", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('received', 'reserved', 'released', 'expired', 'committed', 'restocked', 'adjusted')",
            name=op.f("ck_stock_movements_reason_known"),
        ),
        sa.ForeignKeyConstraint(
            ["warehouse_id", "sku"],
            ["inventory.warehouse_id", "inventory.sku"],
            name=op.f("fk_stock_movements_warehouse_id_sku_inventory"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
        sa.UniqueConstraint(
            "reference",
            "reason",
            "warehouse_id",
            "sku",
            name=op.f("uq_stock_movements_reference_reason_warehouse_id_sku"),
        ),
    )
    op.create_index(
        op.f("ix_stock_movements_order_id"), "stock_movements", ["order_id"], unique=False
    )
    op.create_index(
        "ix_stock_movements_stock", "stock_movements", ["warehouse_id", "sku", "id"], unique=False
    )
    op.create_table(
        "tracking_events",
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("location", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name=op.f("fk_tracking_events_shipment_id_shipments")
        ),
        sa.PrimaryKeyConstraint("shipment_id", "dedupe_key", name=op.f("pk_tracking_events")),
    )
    op.execute("CREATE SEQUENCE order_number_serial")
    for statement in (*HOLD_MOVES_ONCE, *LEDGER_ONLY_GROWS, *CAPTURE_IS_STICKY):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("tracking_events")
    op.drop_index("ix_stock_movements_stock", table_name="stock_movements")
    op.drop_index(op.f("ix_stock_movements_order_id"), table_name="stock_movements")
    op.drop_table("stock_movements")
    op.drop_index(op.f("ix_refunds_payment_id"), table_name="refunds")
    op.drop_index(op.f("ix_refunds_order_id"), table_name="refunds")
    op.drop_table("refunds")
    op.drop_index("ix_hold_lines_stock", table_name="hold_lines")
    op.drop_table("hold_lines")
    op.drop_index("uq_shipments_order", table_name="shipments")
    op.drop_table("shipments")
    op.drop_index(
        "uq_restock_requests_one_open",
        table_name="restock_requests",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(
        "ix_restock_requests_waiting",
        table_name="restock_requests",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("restock_requests")
    op.drop_table("picking_lists")
    op.drop_index(
        "uq_payments_provider_ref",
        table_name="payments",
        postgresql_where=sa.text("provider_ref <> ''"),
    )
    op.drop_table("payments")
    op.drop_table("order_items")
    op.drop_table("order_events")
    op.drop_index(op.f("ix_notifications_message_id"), table_name="notifications")
    op.drop_table("notifications")
    op.drop_table("inventory")
    op.drop_index(
        "uq_holds_one_live_per_order",
        table_name="holds",
        postgresql_where=sa.text("state IN ('held', 'committed')"),
    )
    op.drop_index(
        "ix_holds_live_deadline", table_name="holds", postgresql_where=sa.text("state = 'held'")
    )
    op.drop_table("holds")
    op.drop_table("warehouses")
    op.drop_table("products")
    op.drop_index(op.f("ix_orders_status"), table_name="orders")
    op.drop_index(op.f("ix_orders_customer_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_created_at"), table_name="orders")
    op.drop_table("orders")
    op.drop_table("coupons")
    op.drop_index(
        "ix_callback_inbox_unapplied",
        table_name="callback_inbox",
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.drop_table("callback_inbox")
    op.drop_table("blacklist")
    op.execute("DROP FUNCTION hold_moves_once")
    op.execute("DROP FUNCTION ledger_only_grows")
    op.execute("DROP FUNCTION capture_is_sticky")
    op.execute("DROP SEQUENCE order_number_serial")
