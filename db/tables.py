"""Every table, imported in one place so that migrations and checks see them all."""

from __future__ import annotations

from sqlmodel import SQLModel

from db import (  # noqa: F401 - importing a module registers its tables
    callbacks,
    catalog,
    fulfillment,
    inventory,
    notifications,
    orders,
    payments,
    reconciliation,
    refunds,
    restock,
)

metadata = SQLModel.metadata
