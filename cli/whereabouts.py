"""Where the parts of Orderflow are: as told, else as `up` wrote it into its data directory."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from cli.failure import CommandFailed

ENDPOINTS_FILE = "endpoints.json"
_SECRETS_FILE = "secrets.json"

# What each part is called in the endpoints file, by option and by environment variable.
_NAMES = {
    "api": ("the API", "--api", "ORDERFLOW_API"),
    "apiKey": ("the API's key", "--api-key", "ORDERFLOW_API_KEY"),
    "simulator": ("the simulator", "--simulator", "ORDERFLOW_SIMULATOR"),
    "database": ("the database", "--database", "DATABASE_URL"),
    "temporal": ("Temporal", "", "TEMPORAL_ADDRESS"),
    "ui": ("Temporal's Web UI", "", "TEMPORAL_UI"),
    "mail": ("the mail page", "", "ORDERFLOW_MAIL"),
}


class Whereabouts:
    """The endpoints that a command needs, looked up when they are asked for."""

    def __init__(
        self,
        data_dir: Path,
        *,
        api: str = "",
        api_key: str = "",
        simulator: str = "",
        database: str = "",
    ) -> None:
        self._data_dir = data_dir.expanduser()
        self._told = {
            "api": api.rstrip("/"),
            "apiKey": api_key,
            "simulator": simulator.rstrip("/"),
            "database": database,
        }
        self._written: Mapping[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        """One endpoint, by its name in the endpoints file.

        Raises:
            CommandFailed: nobody said where it is.
        """
        known = self.find(name)
        if known:
            return known
        what, option, variable = _NAMES[name]
        ways = f"pass {option} or set {variable}" if option else f"set {variable}"
        raise CommandFailed(
            f"Where is {what}? There is no {self._data_dir / ENDPOINTS_FILE}:"
            f" start the stack with `make up`, or {ways}."
        )

    def find(self, name: str) -> str:
        """One endpoint, empty if nobody said where it is."""
        return self._told.get(name, "") or os.environ.get(_NAMES[name][2], "") or self._file(name)

    def environment(self) -> None:
        """Add to this process's environment what `up` tells its own programs, if that is known."""
        known = {**_read(self._data_dir / _SECRETS_FILE)}
        known["DATABASE_URL"] = self.find("database")
        known["TEMPORAL_ADDRESS"] = self.find("temporal")
        for name, value in known.items():
            if value:
                os.environ.setdefault(name, value)

    def _file(self, name: str) -> str:
        if self._written is None:
            self._written = _read(self._data_dir / ENDPOINTS_FILE)
        return self._written.get(name, "")


def _read(path: Path) -> Mapping[str, str]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CommandFailed(f"{path} does not hold what `up` writes there")
    return {str(name): str(value) for name, value in content.items()}
