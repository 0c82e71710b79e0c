"""What all tables share: the naming convention, and short names for the usual columns.

Table models are storage: they do not validate and do not leave `db/`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

# Set before the first model: a convention that comes later changes nothing.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


# Column's type parameter is the Python type, which the model's annotation already states.
def text(default: str | None = None, **options: Any) -> Column[Any]:
    """A text column; NOT NULL unless said otherwise."""
    options.setdefault("nullable", False)
    return Column(Text, server_default=default, **options)


def reference(target: str, **options: Any) -> Column[Any]:
    """A text column that points at `target`, written `table.column`."""
    options.setdefault("nullable", False)
    return Column(Text, ForeignKey(target), **options)


def amount(default: str | None = None, **options: Any) -> Column[Any]:
    """Minor units of the row's currency."""
    options.setdefault("nullable", False)
    return Column(BigInteger, server_default=default, **options)


def instant(**options: Any) -> Column[Any]:
    """A point in time, UTC."""
    return Column(DateTime(timezone=True), **options)


def document(**options: Any) -> Column[Any]:
    """A JSON document."""
    options.setdefault("nullable", False)
    return Column(JSONB, **options)


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """A CHECK that `column` holds one of `states`."""
    listed = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
