"""Bring a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def upgrade(database_url: str) -> None:
    """Apply the migrations that are missing. Blocks, and runs its own event loop."""
    command.upgrade(config(database_url), "head")


def config(database_url: str) -> Config:
    """Alembic's configuration for one database."""
    root = Path(__file__).parent
    settings = Config()
    settings.set_main_option("script_location", str(root / "migrations"))
    settings.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return settings
