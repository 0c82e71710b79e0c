"""Every table, imported in one place so that migrations and checks see them all."""

from __future__ import annotations

from sqlmodel import SQLModel

from db import (  # noqa: F401 - importing a module registers its tables
    after_sales,
    callbacks,
    catalog,
    devices,
    fulfillment,
    holds,
    inventory,
    ledger,
    notifications,
    operator_tasks,
    orders,
    payments,
    reachability,
    receipts,
    reconciliation,
    refunds,
    restock,
    supply,
)

metadata = SQLModel.metadata
