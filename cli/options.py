"""Options that several commands share; each may also be an environment variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_WHERE = "Where Orderflow is (default: as `up` wrote it down)"

DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        envvar="ORDERFLOW_DATA_DIR",
        help="The directory of `starter.py up`, where it writes down its endpoints.",
        rich_help_panel=_WHERE,
    ),
]
ApiUrl = Annotated[
    str,
    typer.Option(
        "--api",
        envvar="ORDERFLOW_API",
        help="The API's address, e.g. http://127.0.0.1:8000.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
ApiKey = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="ORDERFLOW_API_KEY",
        help="The API's bearer key.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
Simulator = Annotated[
    str,
    typer.Option(
        "--simulator",
        envvar="ORDERFLOW_SIMULATOR",
        help="The address of the simulator that plays the outside parties.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="DATABASE_URL",
        help="The database, e.g. postgresql+asyncpg://user@host/orderflow.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
OrderRef = Annotated[
    str, typer.Argument(metavar="ORDER", help="An order's id or its order number (ORD...).")
]

DEFAULT_DATA_DIR = Path(".data")
