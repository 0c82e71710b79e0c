"""Terminals: one that knows nothing, and one beside a running house."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.house import PAYLOAD_KEYS, House


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Nobody said where anything is."""
    return Terminal(tmp_path, {})


@pytest.fixture
def beside(house: House, tmp_path: Path) -> Terminal:
    """Everything is known, through the environment."""
    return Terminal(
        tmp_path,
        {
            "ORDERFLOW_API": house.api,
            "ORDERFLOW_API_KEY": house.api_key,
            "ORDERFLOW_SIMULATOR": house.simulator,
            "DATABASE_URL": house.settings.database_url,
            "TEMPORAL_ADDRESS": house.client.service_client.config.target_host,
            "PAYLOAD_KEYS": PAYLOAD_KEYS,
        },
    )
